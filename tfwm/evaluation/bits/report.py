"""What came out of a suite of bits: means, one line, a table for a terminal, and a page."""

import math
from operator import itemgetter

from tfwm.evaluation.bits.curves import curve_data_uri, is_sweep
from tfwm.evaluation.bits.protocol import gallery, mark_one
from tfwm.evaluation.suite import aligned, fixed, pivoted
from tfwm.images.pictures import amplify, data_uri
from tfwm.pages import render

MARK_WIDTH, GALLERY_WIDTH = 512, 360
CONDITION = ("network", "strength", "placement", "vote")
condition = itemgetter(*CONDITION)
way = itemgetter("placement", "vote")


def summarize(rows):
    """Means over the attacks of a suite, one dict for each network and way of reading.

    Args:
        rows: what `evaluate` returns.

    Returns:
        List of dicts with `network`, `strength`, `placement`, `vote`, `psnr`, `ssim`,
        `columns` and `ber`, the mean over all attacks and levels; `counted_columns` and
        `counted_ber`, without the levels at which every network fails; `paper_ber`, the
        paper's mean over the same columns where it prints a number for each, and None
        where it does not. Undistorted images are in no mean.

    Example:

    >>> row = {"network": "a", "strength": 1.0, "placement": "paper", "vote": "soft"}
    >>> row |= {"psnr": 36.0, "ssim": 0.97, "attack": "jpeg", "counted": True}
    >>> rows = [{**row, "ber": 0.1, "paper_ber": 0.2}, {**row, "ber": 0.3, "paper_ber": 0.4}]
    >>> round(summarize(rows)[0]["ber"], 3)
    0.2
    """
    groups = {}
    for row in rows:
        groups.setdefault(condition(row), []).append(row)
    summaries = []
    for key, group in groups.items():
        attacked = [row for row in group if row["attack"] != "identity"]
        counted = [row for row in attacked if row["counted"]]
        summaries.append(
            {
                **dict(zip(CONDITION, key, strict=True)),
                "psnr": group[0]["psnr"],
                "ssim": group[0]["ssim"],
                "columns": len(attacked),
                "ber": _mean(row["ber"] for row in attacked),
                "counted_columns": len(counted),
                "counted_ber": _mean(row["ber"] for row in counted),
                "paper_ber": _mean(row["paper_ber"] for row in counted),
            }
        )
    return summaries


def headline(rows):
    """One line that says what came out: each network's strongest setting, best way of reading."""
    parts, summaries = [], summarize(rows)
    several = len(set(map(way, rows))) > 1
    for name in dict.fromkeys(summary["network"] for summary in summaries):
        s = min((s for s in summaries if s["network"] == name), key=_rank)
        text = f"{name} {s['psnr']:.2f} dB"
        if s["counted_ber"] is not None:
            mean = 100 * s["counted_ber"]
            text += f", mean BER {mean:.2f} % over {s['counted_columns']} attacks"
            if several:
                text += f" (best reading: {s['placement']} placement, {s['vote']} vote)"
        parts.append(text)
    return "; ".join(parts)


def text_table(rows):
    """Bit error rates in percent, a line for each attack, a column for each way of reading.

    Args:
        rows: what `evaluate` returns.

    Returns:
        Text of several lines; the last ones are the mean, PSNR and SSIM.

    Example:

    >>> print(text_table(evaluate(networks, "photos/")))  # doctest: +SKIP
    """
    columns = list(dict.fromkeys(map(condition, rows)))
    table = [
        ["BER, %", *(f"{name} x{strength:g}" for name, strength, _, _ in columns)],
        ["", *(f"{placement} {vote}" for _, _, placement, vote in columns)],
    ]
    for (label, shown), cells in pivoted(rows, condition).items():
        rates = [f"{100 * cells[key]['ber']:.2f}" if key in cells else "" for key in columns]
        table.append([f"{label} {shown}".strip(), *rates])
    means = {condition(summary): summary for summary in summarize(rows)}
    for title, key, scale, digits in (
        ("mean of the attacks", "ber", 100, 2),
        ("PSNR, dB", "psnr", 1, 2),
        ("SSIM", "ssim", 1, 4),
    ):
        table.append([title, *(f"{scale * means[c][key]:.{digits}f}" for c in columns)])
    return aligned(table)


def build_page(suite, rows, conditions, networks=None, photos=None, seed=0):
    """Returns the HTML report of a `BitSuite`; see `Suite.page`."""
    names = list(dict.fromkeys(row["network"] for row in rows))
    return render(
        "suite.html",
        percent=percent,
        shade=shade,
        title=suite.title,
        suite=suite,
        names=names,
        first=rows[0],
        conditions=conditions,
        summaries=_short(rows),
        ways=list(dict.fromkeys(map(way, rows))),
        gains=_gains(rows, names),
        curve=curve_data_uri(rows, suite) if is_sweep(rows) else None,
        tables=_tables(rows, suite, names),
        pictures=_pictures(rows, suite, networks or {}, photos),
    )


def _tables(rows, suite, names):
    """One table for each way of reading and strength: attacks down, networks across.

    With strengths tuned for each network, a table has every network's first, and so on. A
    network by itself has all its strengths side by side.
    """
    strengths = {
        name: list(dict.fromkeys(row["strength"] for row in rows if row["network"] == name))
        for name in names
    }
    tables, others = [], _only_in_paper(rows, suite)
    ranks = range(max(map(len, strengths.values())))
    for some in [ranks] if len(names) == 1 else [[rank] for rank in ranks]:
        columns = [(n, s) for n in names for i, s in enumerate(strengths[n]) if i in some]
        for placement, vote in dict.fromkeys(map(way, rows)):
            chosen = [row for row in rows if way(row) == (placement, vote)]
            table = _table(chosen, columns, others, suite)
            tables.append({"placement": placement, "vote": vote, **table})
    return tables


def _table(rows, columns, others, suite):
    cells = {(r["network"], r["strength"], r["attack"], r["level"], r["label"]): r for r in rows}
    networks = len({name for name, _ in columns})
    lines = []
    for key in dict.fromkeys((r["attack"], r["level"], r["label"]) for r in rows):
        found = [cells[*column, *key] for column in columns]
        lines.append(
            {
                "row": found[0],
                "cells": found,
                "best": min(r["ber"] for r in found) if networks > 1 else None,
                "others": [_fraction(suite.row_ber(row, *key[:2])) for row in others],
            }
        )
    papers = [_paper_row(suite, found) for found in lines[0]["cells"]]
    return {
        "columns": columns,
        "has_paper": [row is not None for row in papers],
        "others": [row["network"].upper() for row in others],
        "lines": lines,
        "qualities": [
            {
                "label": label,
                "cells": [fixed(row[key], digits) for row in lines[0]["cells"]],
                "papers": [fixed((row or {}).get(key), digits) for row in papers],
                "others": [fixed(row.get(key), digits) for row in others],
            }
            for label, key, digits in (("PSNR, dB", "psnr", 2), ("SSIM", "ssim", 4))
        ],
    }


def _paper_row(suite, row):
    return suite.paper_row(row["network"], row["strength"], row["match"])


def _only_in_paper(rows, suite):
    """The paper's rows of methods that do not take part, or not in this way."""
    shown = [_paper_row(suite, row) for row in rows]
    return [
        row
        for row in suite.paper
        if row.get("shown_beside_any") and not any(row is other for other in shown)
    ]


def _fraction(ber):
    return None if ber is None else ber / 100


def _short(rows):
    """One line for each network and strength, the ways of reading side by side."""
    lines = {}
    for summary in summarize(rows):
        line = lines.setdefault((summary["network"], summary["strength"]), {**summary, "ways": []})
        line["ways"].append(summary)
    return list(lines.values())


def _gains(rows, names):
    """Mean BER by placement and vote, at each network's greatest strength."""
    summaries = summarize(rows)
    gains = []
    for name in names:
        mine = [s for s in summaries if s["network"] == name]
        top = max(s["strength"] for s in mine)
        mine = [s for s in mine if s["strength"] == top]
        if len(mine) > 1 and mine[0]["counted_ber"] is not None:
            worst = max(s["counted_ber"] for s in mine) or 1.0
            gains.append({"network": name, "strength": top, "ways": mine, "worst": worst})
    return gains


def _pictures(rows, suite, networks, photos):
    marks, shown = [], []
    for name, network in networks.items():
        row = next((row for row in rows if row["network"] == name), None)
        if row is None:
            continue
        strength = [float(s) for s in row["plane_strengths"].split("/")]
        how = suite, strength[0] if len(strength) == 1 else tuple(strength), row["placement"]
        image = photos.largest()
        cover, marked, _, _ = mark_one(network, image, *how)
        mark = {"network": name, "strength": row["strength"]}
        marks.append({**mark, **mark_pictures(cover, marked)})
        if not shown:
            hardest = [(d, d.levels[-1]) for d in suite.distortions if not d.missing]
            for distortion, level, copy, ber in gallery(network, image, hardest, *how):
                picture = {"ber": ber, "image": data_uri(copy, GALLERY_WIDTH)}
                shown.append({"name": f"{distortion.label} {distortion.show(level)}", **picture})
    return {"marks": marks, "gallery": shown} if marks else None


def mark_pictures(cover, marked):
    """Returns what `marked.html` shows: photo, mark and difference, and the middle of each."""
    images = {"cover": cover, "marked": marked, "residual": amplify(cover, marked)}
    size = min(96, *cover.shape[:2])
    top, left = ((n - size) // 2 // 8 * 8 for n in cover.shape[:2])  # on the grid of blocks
    zooms = [data_uri(x[top : top + size, left : left + size]) for x in images.values()]
    return {"zooms": zooms, **{key: data_uri(x, MARK_WIDTH) for key, x in images.items()}}


def percent(value):
    """A fraction as the papers print it, small ones with two digits; N for nan."""
    if value is None:
        return ""
    if math.isnan(value):
        return "N"
    if 0 < value < 0.00095:
        return f"{100 * value:.2g}"
    return f"{100 * value:.2f}" if value < 0.0995 else f"{100 * value:.1f}"


def shade(value):
    """Opacity of a cell's background: 0 at no error, most at 50 percent, visible early."""
    return f"{0.55 * min(1.0, max(0.0, value) / 0.5) ** 0.5:.2f}"


def _rank(summary):
    return (-summary["strength"], summary["counted_ber"] or 0.0)


def _mean(values):
    values = list(values)
    if not values or any(v is None or math.isnan(v) for v in values):
        return None
    return sum(values) / len(values)
