"""The report page of a suite of bits."""

import math

from tfwm.evaluation.bits.curves import curve_data_uri, is_sweep
from tfwm.evaluation.bits.gallery import gallery, mark_one
from tfwm.evaluation.bits.summary import summarize
from tfwm.images.pictures import amplify, data_uri
from tfwm.pages import render

GALLERY_WIDTH = 360


def build_report(rows, suite, conditions, networks=None, image=None):
    """Builds the HTML report of a suite: one file with its pictures inside.

    Args:
        rows: what `evaluate` returned.
        suite: the `BitSuite` it ran.
        conditions: lines of text: command, data set, versions.
        networks: dict of name and network, for the pictures.
        image: uint8 photo for the pictures; without it there are none.

    Returns:
        str, HTML.
    """
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
        ways=list(dict.fromkeys((r["placement"], r["vote"]) for r in rows)),
        gains=_gains(rows, names),
        curve=curve_data_uri(rows, suite) if is_sweep(rows) else None,
        tables=_tables(rows, suite, names),
        pictures=_pictures(rows, suite, networks, image) if image is not None else None,
    )


def _tables(rows, suite, names):
    """One table for each way of reading and strength: attacks down, networks across.

    With strengths tuned for each network, a table has every network's first, and so on. A
    network by itself has all its strengths side by side.
    """
    strengths = {}
    for row in rows:
        mine = strengths.setdefault(row["network"], [])
        if row["strength"] not in mine:
            mine.append(row["strength"])
    tables, others = [], _only_in_paper(rows, suite)
    ranks = range(max(map(len, strengths.values())))
    for some in [ranks] if len(names) == 1 else [[rank] for rank in ranks]:
        columns = [(n, s) for n in names for i, s in enumerate(strengths[n]) if i in some]
        for placement, vote in dict.fromkeys((r["placement"], r["vote"]) for r in rows):
            chosen = [r for r in rows if (r["placement"], r["vote"]) == (placement, vote)]
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
    papers = [paper_row(suite, found) for found in lines[0]["cells"]]
    return {
        "columns": columns,
        "has_paper": [row is not None for row in papers],
        "others": [row["network"].upper() for row in others],
        "lines": lines,
        "qualities": [
            {
                "label": label,
                "cells": [form(row[key]) for row in lines[0]["cells"]],
                "papers": [form((row or {}).get(key)) for row in papers],
                "others": [form(row.get(key)) for row in others],
            }
            for label, key, form in (("PSNR, dB", "psnr", _decibels), ("SSIM", "ssim", _similarity))
        ],
    }


def paper_row(suite, row):
    """Returns the paper's row for a measured one, or None."""
    return suite.paper_row(row["network"], row["strength"], row["match"] or None)


def _only_in_paper(rows, suite):
    """The paper's rows of methods that do not take part, or not in this way."""
    shown = [paper_row(suite, row) for row in rows]
    return [
        row
        for row in suite.paper
        if row.get("shown_beside_any") and not any(row is other for other in shown)
    ]


def _fraction(ber):
    return None if ber is None else ber / 100


def _decibels(value):
    return "" if value is None else f"{value:.2f}"


def _similarity(value):
    return "" if value is None else f"{value:.4f}"


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


def _pictures(rows, suite, networks, image):
    marks, shown = [], []
    for name, network in (networks or {}).items():
        mine = [row for row in rows if row["network"] == name]
        if not mine:
            continue
        strength = [float(s) for s in mine[0]["plane_strengths"].split("/")]
        strength = strength[0] if len(strength) == 1 else tuple(strength)
        placement = mine[0]["placement"]
        cover, marked, _, _ = mark_one(network, image, suite, strength, placement)
        zoom = zoom_window(cover.shape)
        marks.append(
            {
                "network": name,
                "strength": mine[0]["strength"],
                "cover": data_uri(cover, 512),
                "marked": data_uri(marked, 512),
                "residual": data_uri(amplify(cover, marked), 512),
                "zooms": [data_uri(x[zoom]) for x in (cover, marked, amplify(cover, marked))],
            }
        )
        if not shown:
            hardest = [(d, d.levels[-1]) for d in suite.distortions if not d.missing]
            pictures = gallery(network, image, hardest, suite, strength, placement)
            shown = [
                {
                    "name": f"{distortion.label} {distortion.show(level)}",
                    "ber": ber,
                    "image": data_uri(copy, GALLERY_WIDTH),
                }
                for distortion, level, copy, ber in pictures
            ]
    return {"marks": marks, "gallery": shown} if marks else None


def zoom_window(shape):
    """A piece of 96 x 96 pixels right of the middle, on the grid of blocks."""
    size = min(96, *shape[:2])
    top, left = ((n - size) // 2 // 8 * 8 for n in shape[:2])
    return slice(top, top + size), slice(left, left + size)


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
