"""Bit error rate against PSNR: one network at many strengths (MBRS, Table 3)."""

import base64
from itertools import cycle

from tfwm.images.drawing import COLORS, figure_bytes, new_figure

LEAST = 3  # strengths that make a curve


def is_sweep(rows):
    """Whether rows are of one attack, read in one way, at several strengths."""
    attacked = [row for row in rows if row["attack"] != "identity"]
    ways = {(row["attack"], row["placement"], row["vote"]) for row in attacked}
    strengths = {(row["network"], row["strength"]) for row in attacked}
    return len(ways) == 1 and len(strengths) >= LEAST * len({name for name, _ in strengths})


def ber_curves(rows, suite):
    """Draws the bit error rate of each level against the PSNR, a panel for each network.

    Dashed lines are the paper's. Our points without an error lie at the bottom, at half of
    the smallest rate that can be measured.

    Args:
        rows: what `evaluate` returned, see `is_sweep`.
        suite: the `Suite` it ran.

    Returns:
        A matplotlib figure.
    """
    networks = list(dict.fromkeys(row["network"] for row in rows))
    attacked = [row for row in rows if row["attack"] != "identity"]
    figure = new_figure(5.2 * len(networks), 4.6)
    least = min(50 / (row["bits"] * row["images"] * row["watermarks"]) for row in attacked)
    axes = figure.subplots(1, len(networks), squeeze=False)[0]
    for axis, name in zip(axes, networks, strict=True):
        mine = [row for row in attacked if row["network"] == name]
        for level, color in zip(
            dict.fromkeys(r["level"] for r in mine), cycle(COLORS), strict=False
        ):
            line = [row for row in mine if row["level"] == level]
            points = [(row["psnr"], max(100 * row["ber"], least)) for row in line]
            _line(axis, points, color=color, marker="o", ms=4, label=line[0]["shown"])
            _line(axis, _paper(line, suite), color=color, ls="--", lw=1, alpha=0.7)
        axis.set(xlabel="PSNR, dB", ylabel="bit error rate, %", title=name, yscale="log")
        axis.set_ylim(least / 2, 70)
        axis.grid(alpha=0.3)
        axis.legend(title=mine[0]["label"], fontsize=8, title_fontsize=8)
    return figure


def curve_data_uri(rows, suite):
    """Returns `ber_curves` as the `data:` address of a PNG."""
    data = figure_bytes(ber_curves(rows, suite))
    return "data:image/png;base64," + base64.b64encode(data).decode()


def _paper(line, suite):
    """The paper's points above 0 for the level of some rows, where it states the PSNR."""
    points = []
    for row in line:
        paper = suite.paper_row(row["network"], row["strength"], row["match"])
        ber = suite.row_ber(paper, row["attack"], row["level"])
        if ber and "psnr" in paper:
            points.append((paper["psnr"], ber))
    return points


def _line(axis, points, **style):
    if points:
        axis.plot(*zip(*sorted(points), strict=True), **style)
