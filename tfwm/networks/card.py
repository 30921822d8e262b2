"""`card.json`: what a user has to know about a trained network before using it."""

import difflib
import json
from pathlib import Path

CARD = "card.json"

TEXT, NUMBER, SIDES, TEXTS, RECORDS = "a text", "a number", "two whole numbers", "texts", "objects"
CHANNELS, COUNT, FLAG = "1 or 3", "a whole number of at least 1", "true or false"

FIELDS = {
    "name": TEXT,
    "description": TEXT,
    "paper": TEXT,
    "licence": {"code": TEXT, "weights": TEXT},
    "training": {"data": TEXT, "recipe": TEXT, "command": TEXT},
    "geometry": {
        "patch": SIDES,
        "block": SIDES,
        "channels": CHANNELS,
        "bits": COUNT,
        "whole": FLAG,
        "image_watermark": FLAG,
        "message": TEXT,
    },
    "strength": {"default": NUMBER, "guidance": TEXT},
    "results": RECORDS,
    "limits": TEXTS,
}
# Where a card lacks them, they are 1, 1, false and false.
OPTIONAL = ("channels", "bits", "whole", "image_watermark")


def make_card(
    name,
    description,
    *,
    paper,
    licence,
    training,
    geometry,
    strength,
    limits,
    results=(),
):
    """Makes the card of a network and checks it.

    Args:
        name: name of the network, also of its folder.
        description: one or two sentences: what it is and what for.
        paper: citation.
        licence: `{"code": ..., "weights": ...}`.
        training: `{"data": ..., "recipe": ..., "command": ...}`: what it was trained on, the
            recipe's file and the command that trains it again.
        geometry: `{"patch": (rows, columns), "block": (M, N), "message": ...}`, see
            `redmark_geometry`; `"channels"` of the image and `"bits"` of a block if not 1;
            `"whole"` if photos are squeezed to one patch; `"image_watermark"` if the message is
            an image and what is read is one as well, in [0, 1].
        strength: `{"default": 1.0, "guidance": ...}`.
        limits: list of sentences: what the network cannot do.
        results: list of dicts, as `tfwm.export.summarise_results` makes them.

    Returns:
        dict, ready for `write_card`.
    """
    card = {
        "name": name,
        "description": description,
        "paper": paper,
        "licence": dict(licence),
        "training": dict(training),
        "geometry": {k: list(v) if isinstance(v, tuple | list) else v for k, v in geometry.items()},
        "strength": dict(strength),
        "results": [dict(result) for result in results],
        "limits": list(limits),
    }
    check_card(card)
    return card


def redmark_geometry(patch_shape=(32, 32), block_shape=(8, 8)):
    """Returns the `geometry` of a ReDMark network's card."""
    rows, columns = (p // b for p, b in zip(patch_shape, block_shape, strict=True))
    return {
        "patch": list(patch_shape),
        "block": list(block_shape),
        "message": (
            f"one bit in each block of {block_shape[0]}x{block_shape[1]} pixels, {rows * columns} "
            f"bits in each patch of {patch_shape[0]}x{patch_shape[1]}; gray images whose sides "
            "are multiples of the patch's"
        ),
    }


def check_card(card):
    """Raises `ValueError`, in one line, at the first field that is missing, odd or unknown."""
    _check(card, FIELDS, "")


def write_card(card, folder):
    """Checks a card and writes `card.json`; returns its path."""
    check_card(card)
    path = Path(folder) / CARD
    path.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def read_card(folder):
    """Returns the checked card of a network's folder."""
    path = Path(folder) / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        check_card(card)
    except FileNotFoundError:
        raise FileNotFoundError(f"The network {folder} has no {CARD}.") from None
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {str(error).splitlines()[0]}") from error
    return card


def _check(card, fields, where):
    if not isinstance(card, dict):
        raise ValueError(f"Expected {where or 'a card'} to be an object. Received: {card!r}")
    for key in card:
        if key not in fields:
            near = difflib.get_close_matches(key, fields, 1, cutoff=0)[0]
            raise ValueError(f"A card has no field {_path(where, key)}; the nearest is {near}.")
    for key, kind in fields.items():
        if key not in card and key in OPTIONAL:
            continue
        if key not in card:
            raise ValueError(f"The card lacks {_path(where, key)}.")
        if isinstance(kind, dict):
            _check(card[key], kind, _path(where, key))
        elif not _fits(card[key], kind):
            raise ValueError(
                f"Expected {kind} as {_path(where, key)} of a card. Received: {card[key]!r}"
            )


def _fits(value, kind):
    if kind == TEXT:
        return isinstance(value, str) and bool(value.strip())
    if kind == FLAG:
        return isinstance(value, bool)
    if kind == NUMBER:
        return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    if kind in (CHANNELS, COUNT):
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and (value in (1, 3) if kind == CHANNELS else value > 0)
    if not isinstance(value, list):
        return False
    if kind == SIDES:
        return len(value) == 2 and all(isinstance(side, int) and side > 0 for side in value)
    return all(isinstance(item, dict if kind == RECORDS else str) for item in value)


def _path(where, key):
    return f"{where}.{key}" if where else key
