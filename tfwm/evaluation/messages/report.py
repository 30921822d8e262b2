from tfwm.evaluation.bits.report import shade, zoom_window
from tfwm.evaluation.messages.rows import MEAN, MEAN_OF_ALL, SHARES, UNMARKED
from tfwm.evaluation.messages.run import Trial, edit, named_markers, usable_columns
from tfwm.images.pictures import amplify, data_uri
from tfwm.pages import render

MARK_WIDTH = 512
# There are many edits.
GALLERY_WIDTH = 240


def build_message_report(rows, suite, conditions, markers=None, image=None, seed=0):
    """Builds the HTML report of a suite of messages: one file with its pictures inside.

    Args:
        rows: what `evaluate_messages` returned.
        suite: the `Suite` it ran.
        conditions: lines of text: command, data set, versions.
        markers: list or dict of markers, for the pictures.
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
    """One line for each edit, a cell for each marker."""
    cells = {}
    for row in rows:
        cells.setdefault((row["label"], row["shown"]), {})[row["marker"]] = row
    lines = []
    for (label, shown), found in cells.items():
        row = next(iter(found.values()))
        edit_row = row["attack"] not in ("identity", UNMARKED, MEAN, MEAN_OF_ALL)
        lines.append(
            {
                "label": label,
                "shown": shown,
                "unmarked": row["attack"] == UNMARKED,
                "grey": edit_row and not row["counted"],
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
    for name, marker in named_markers(markers or {}).items():
        trial = Trial(marker, suite, seed)
        if trial.strength is None and getattr(marker, "shared_strength", False):
            trial.strength = marker.strength
        marked, _ = trial.mark(image, 0)
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
    """The hardest level of each edit, with the share of messages read after it."""
    exact = {(r["attack"], r["level"]): r["exact"] for r in rows if r["marker"] == name}
    hardest = {attack.name: (attack, level) for attack, level in usable_columns(suite)[1:]}
    return [
        {
            "name": f"{attack.label} {attack.show(level)}",
            "exact": exact[attack.name, level],
            "image": data_uri(edit(marked, attack, level, seed, 0), GALLERY_WIDTH),
        }
        for attack, level in hardest.values()
    ]


def _number(value, digits):
    return "" if value is None else f"{value:.{digits}f}"
