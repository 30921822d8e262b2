"""Rows of bit suites in short: means, one line, and a table for a terminal."""

import math

from tfwm.evaluation.suite import aligned

CONDITION = ("network", "strength", "placement", "vote")


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
        groups.setdefault(tuple(row[key] for key in CONDITION), []).append(row)
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
    best = {}
    several = len({(row["placement"], row["vote"]) for row in rows}) > 1
    for summary in summarize(rows):
        old = best.get(summary["network"])
        if old is None or _rank(summary) < _rank(old):
            best[summary["network"]] = summary
    return "; ".join(
        f"{s['network']} {s['psnr']:.2f} dB"
        + (
            f", mean BER {100 * s['counted_ber']:.2f} % over {s['counted_columns']} attacks"
            if s["counted_ber"] is not None
            else ""
        )
        + (
            f" (best reading: {s['placement']} placement, {s['vote']} vote)"
            if s["counted_ber"] is not None and several
            else ""
        )
        for s in best.values()
    )


def text_table(rows):
    """Bit error rates in percent, a line for each attack, a column for each way of reading.

    Args:
        rows: what `evaluate` returns.

    Returns:
        Text of several lines; the last ones are the mean, PSNR and SSIM.

    Example:

    >>> print(text_table(evaluate(networks, "photos/")))  # doctest: +SKIP
    """
    columns = list(dict.fromkeys(tuple(row[key] for key in CONDITION) for row in rows))
    lines = {}
    for row in rows:
        key = tuple(row[key] for key in CONDITION)
        lines.setdefault((row["label"], row["shown"]), {})[key] = f"{100 * row['ber']:.2f}"
    table = [
        ["BER, %", *(f"{name} x{strength:g}" for name, strength, _, _ in columns)],
        ["", *(f"{placement} {vote}" for _, _, placement, vote in columns)],
    ]
    for (label, shown), cells in lines.items():
        table.append([f"{label} {shown}".strip(), *(cells.get(key, "") for key in columns)])
    means = {tuple(s[key] for key in CONDITION): s for s in summarize(rows)}
    for title, key, scale, digits in (
        ("mean of the attacks", "ber", 100, 2),
        ("PSNR, dB", "psnr", 1, 2),
        ("SSIM", "ssim", 1, 4),
    ):
        table.append([title, *(f"{scale * means[c][key]:.{digits}f}" for c in columns)])
    return aligned(table)


def _rank(summary):
    return (-summary["strength"], summary["counted_ber"] or 0.0)


def _mean(values):
    values = list(values)
    if not values or any(v is None or math.isnan(v) for v in values):
        return None
    return sum(values) / len(values)
