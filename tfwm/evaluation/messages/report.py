"""The report page of a suite of messages."""

from tfwm.evaluation.bits.report import shade, zoom_window
from tfwm.evaluation.messages.rows import MEAN, MEAN_OF_ALL, SHARES, UNMARKED
from tfwm.evaluation.messages.run import Trial
from tfwm.images.pictures import amplify, data_uri
from tfwm.pages import render

MARK_WIDTH = 512
GALLERY_WIDTH = 240


def build_message_report(rows, suite, conditions, markers=None, image=None, seed=0):
    """Builds the HTML report of a suite of messages: one file with its pictures inside.

    Args:
        rows: what `evaluate` returned.
        suite: the `MessageSuite` it ran.
        conditions: lines of text: command, data set, versions.
        markers: dict of name and `Marker`, for the pictures.
        image: uint8 RGB photo for the pictures; without it there are none.
        seed: integer, for the pictures.

    Returns:
        str, HTML.
    """
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
        pictures=_pictures(rows, suite, markers, image, seed) if image is not None else None,
        number=_number,
        share=lambda value: f"{100 * value:.1f}",
    )


def _lines(rows, names):
    """One line for each distortion, a cell for each marker."""
    cells = {}
    for row in rows:
        cells.setdefault((row["label"], row["shown"]), {})[row["marker"]] = row
    lines = []
    for (label, shown), found in cells.items():
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


def _pictures(rows, suite, markers, image, seed):
    marks, gallery = [], []
    for name, marker in (markers or {}).items():
        marked, _ = Trial(marker, suite, seed).mark(image, 0)
        if marked is None:
            continue
        difference = amplify(image, marked)
        zoom = zoom_window(image.shape)
        marks.append(
            {
                "marker": name,
                "psnr": next(row["psnr"] for row in rows if row["marker"] == name),
                "cover": data_uri(image, MARK_WIDTH),
                "marked": data_uri(marked, MARK_WIDTH),
                "residual": data_uri(difference, MARK_WIDTH),
                "zooms": [data_uri(x[zoom]) for x in (image, marked, difference)],
            }
        )
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


def _number(value, digits):
    return "" if value is None else f"{value:.{digits}f}"
