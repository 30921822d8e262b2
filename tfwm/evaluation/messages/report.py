"""What came out of a suite of messages: one line, a table for a terminal, and a page."""

from itertools import chain
from operator import itemgetter

from tfwm.evaluation.bits.report import mark_pictures, shade
from tfwm.evaluation.messages.run import MEAN, MEAN_OF_ALL, SHARES, UNMARKED, Trial
from tfwm.evaluation.suite import aligned, fixed, pivoted
from tfwm.images.pictures import data_uri
from tfwm.pages import render

GALLERY_WIDTH = 240


def message_table(rows):
    """Shares in percent, a line for each distortion, three columns for each marker.

    Args:
        rows: what `evaluate` returns for a suite of messages.

    Returns:
        Text of several lines: exact recovery, bit accuracy and detection of each marker.

    Example:

    >>> print(message_table(evaluate(markers, "photos/", "everyday")))  # doctest: +SKIP
    """
    names = list(dict.fromkeys(row["marker"] for row in rows))
    table = [
        ["%", *chain(*((name, "", "") for name in names))],
        ["", *["exact", "bits", "detected"] * len(names)],
    ]
    for (label, shown), found in pivoted(rows, itemgetter("marker")).items():
        table.append([f"{label} {shown}".strip()])
        for name in names:
            row = found.get(name)
            table[-1] += ["" if row is None else f"{100 * row[key]:.1f}" for key in SHARES]
    first = {row["marker"]: row for row in reversed(rows)}
    for title, key, digits in (("PSNR, dB", "psnr", 2), ("SSIM", "ssim", 4)):
        values = [(fixed(first[name][key], digits), "", "") for name in names]
        table.append([title, *chain(*values)])
    return aligned(table)


def message_headline(rows):
    """One line that says what came out: each marker's means and false alarms."""
    parts = []
    for name in dict.fromkeys(row["marker"] for row in rows):
        mine = {row["attack"]: row for row in rows if row["marker"] == name}
        text = f"{name} {fixed(mine['identity']['psnr'], 2)} dB"
        if MEAN in mine:
            mean = mine[MEAN]
            text += (
                f", {100 * mean['exact']:.1f} % of messages exact over {mean['level']} edits, "
                f"{100 * mean['bit_accuracy']:.1f} % of bits, "
                f"{100 * mean['detected']:.1f} % detected"
            )
        alarms = mine[UNMARKED]["detected"] * mine[UNMARKED]["images"]
        parts.append(f"{text}, {alarms:.0f} false alarms")
    return "; ".join(parts)


def build_page(suite, rows, conditions, markers=None, photos=None, seed=0):
    """Returns the HTML report of a `MessageSuite`; see `Suite.page`."""
    names = list(dict.fromkeys(row["marker"] for row in rows))
    return render(
        "messages.html",
        shade=shade,
        title=suite.title,
        suite=suite,
        names=names,
        first=rows[0],
        conditions=conditions,
        means=[row for row in rows if row["attack"] == MEAN],
        unmarked={row["marker"]: row for row in rows if row["attack"] == UNMARKED},
        lines=_lines(rows, names),
        pictures=_pictures(rows, suite, markers or {}, photos, seed),
        number=fixed,
        share=lambda value: f"{100 * value:.1f}",
    )


def _lines(rows, names):
    """One line for each distortion, a cell for each marker."""
    lines = []
    for (label, shown), found in pivoted(rows, itemgetter("marker")).items():
        row = next(iter(found.values()))
        is_distorted = row["attack"] not in ("identity", UNMARKED, MEAN, MEAN_OF_ALL)
        lines.append(
            {
                "label": label,
                "shown": shown,
                "unmarked": row["attack"] == UNMARKED,
                "grey": is_distorted and not row["counted"],
                "cells": [found.get(name) for name in names],
                "best": {key: _best([cell[key] for cell in found.values()]) for key in SHARES}
                if row["attack"] != UNMARKED
                else {},
            }
        )
    return lines


def _best(values):
    """The largest, if it stands out."""
    return max(values) if max(values) > min(values) else None


def _pictures(rows, suite, markers, photos, seed):
    marks, gallery = [], []
    for name, marker in markers.items():
        image = photos.largest()
        marked = Trial(marker, suite, seed).mark(image, 0)
        if marked is None:
            continue
        quality = next(row["psnr"] for row in rows if row["marker"] == name)
        marks.append({"marker": name, "psnr": quality, **mark_pictures(image, marked)})
        if not gallery:
            gallery = _gallery(rows, suite, name, marked, seed)
    return {"marks": marks, "gallery": gallery} if marks else None


def _gallery(rows, suite, name, marked, seed):
    """The hardest level of each distortion, with the share of messages read after it."""
    exact = {(r["attack"], r["level"]): r["exact"] for r in rows if r["marker"] == name}
    hardest = {distortion.name: (distortion, level) for distortion, level in suite.columns()[1:]}
    return [
        {
            "name": f"{distortion.label} {distortion.show(level)}",
            "exact": exact[distortion.name, level],
            "image": data_uri(distortion.apply(marked, level, (seed, 0)), GALLERY_WIDTH),
        }
        for distortion, level in hardest.values()
    ]
