"""`card.json`: what a user has to know about a trained network before using it, first its kind."""

import dataclasses
import json
import re
from pathlib import Path

from tfwm.checks import nearest, one_line, shortened
from tfwm.files import write_whole
from tfwm.networks.inside import read_inside
from tfwm.networks.strict_json import parse_json
from tfwm.payload.phases import LARGEST_REACH

CARD = "card.json"
# The largest that a card may say: sides of a patch in pixels, bits of a block, a strength.
LONGEST_SIDE, MOST_BITS, MOST_STRENGTH = 2048, 1024, 100


@dataclasses.dataclass(frozen=True)
class Kind:
    """What every network of a kind has in common.

    Attributes:
        name: the `kind` in the card.
        keras_files: names of the two Keras files.
        signatures: names of the functions that SavedModel and TFLite files answer to.
        what: a few words for lists.
    """

    name: str
    keras_files: tuple[str, str]
    signatures: tuple[str, str]
    what: str


PAIR = ("embedder.keras", "extractor.keras"), ("embed", "extract")
KINDS = {
    kind.name: kind
    for kind in (
        Kind("message", *PAIR, "hides messages in photos: tfwm embed"),
        Kind("barrier", *PAIR, "marks images with a picture: tfwm barrier"),
        Kind(
            "keyed",
            ("host.keras", "extractor.keras"),
            ("run", "extract"),
            "does a task, and its outputs carry the owner's mark: tfwm keyed",
        ),
    )
}

TEXT, TEXTS, RECORDS, FLAG, CHANNELS = "a text", "texts", "objects", "true or false", "1 or 3"
NUMBER = f"a number above 0, {MOST_STRENGTH} at most,"
SIDES = f"two whole numbers from 1 to {LONGEST_SIDE}"
COUNT = f"a whole number from 1 to {MOST_BITS}"
REACH = f"a whole number from 1 to {LARGEST_REACH}"
NAME = "a name of 1 to 200 characters, no path,"
KIND = " or ".join(KINDS)

FIELDS = {
    "name": NAME,
    "kind": KIND,
    "description": TEXT,
    "paper": TEXT,
    "licence": {"code": TEXT, "weights": TEXT, "training_data": TEXT},
    "training": {"data": TEXT, "recipe": TEXT, "command": TEXT},
    "geometry": {
        "patch": SIDES,
        "block": SIDES,
        "channels": CHANNELS,
        "bits": COUNT,
        "phases": REACH,
        "whole": FLAG,
        "image_watermark": FLAG,
        "message": TEXT,
    },
    "strength": {"default": NUMBER, "guidance": TEXT},
    "results": RECORDS,
    "limits": TEXTS,
}
# Where a card lacks them, they are 1, 1, none and false. `image_watermark` told barriers before
# cards had a kind. A keyed host has no strength.
OPTIONAL = ("channels", "bits", "phases", "whole", "image_watermark", "training_data")


def make_card(
    name,
    description,
    *,
    paper,
    licence,
    training,
    geometry,
    limits,
    strength=None,
    results=(),
    kind="message",
):
    """Makes the card of a network and checks it.

    Args:
        name: name of the network, also of its folder.
        description: one or two sentences: what it is and what for.
        paper: citation.
        licence: `{"code": ..., "weights": ...}`; `"training_data"` if its terms matter.
        training: `{"data": ..., "recipe": ..., "command": ...}`: what it was trained on, the
            recipe's file and the command that trains it again.
        geometry: `{"patch": (rows, columns), "block": (M, N), "message": ...}`, see
            `redmark_geometry`; `"channels"` of the image and `"bits"` of a block if not 1;
            `"phases"`, the reach of the key's filter (`tfwm.payload.phases`), if there is one;
            `"whole"` if photos are squeezed to one patch.
        limits: list of sentences: what the network cannot do.
        strength: `{"default": 1.0, "guidance": ...}`; `None` for a keyed host.
        results: list of dicts: what was measured.
        kind: `"message"`, `"barrier"` (the message is a picture) or `"keyed"` (a host that does a
            task and marks what it gives).

    Returns:
        dict, ready for `write_card`.
    """
    card = {
        "name": name,
        "kind": kind,
        "description": description,
        "paper": paper,
        "licence": dict(licence),
        "training": dict(training),
        "geometry": {k: list(v) if isinstance(v, tuple | list) else v for k, v in geometry.items()},
        "strength": strength and dict(strength),
        "results": [dict(result) for result in results],
        "limits": list(limits),
    }
    if strength is None:
        del card["strength"]
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


def kind_of(card):
    """Returns the `Kind` of a network by its card; a card without a kind is of `"message"`."""
    name = card.get("kind", "message")
    return KINDS[nearest("kind of network", name, KINDS)]


def check_name(name):
    """Raises `ValueError`, in one line, for what cannot be the name of a network."""
    _check({"name": name}, {"name": NAME}, "", ())


def check_card(card):
    """Raises `ValueError`, in one line, at the first field that is missing, odd or unknown."""
    is_host = isinstance(card, dict) and card.get("kind") == "keyed"
    _check(card, FIELDS, "", (*OPTIONAL, "strength") if is_host else OPTIONAL)
    patch, block = card["geometry"]["patch"], card["geometry"]["block"]
    if any(side % part for side, part in zip(patch, block, strict=True)):
        raise ValueError(
            f"Expected blocks that fill a patch of {patch}. Received: blocks of {block}"
        )


def write_card(card, folder):
    """Checks a card and writes `card.json`; returns its path."""
    check_card(card)
    text = json.dumps(card, indent=2, ensure_ascii=False)
    return write_whole(Path(folder) / CARD, f"{text}\n")


def read_card(folder):
    """Returns the checked card of a network's folder.

    A card that was written before there were kinds gets one: it is a keyed host's if
    `host.keras` lies beside it, a barrier's if its watermark is an image, else a message network's.
    """
    path = Path(folder) / CARD
    if not path.exists():
        raise FileNotFoundError(f"The network {folder} has no {CARD}.")
    return parse_card(read_inside(folder, CARD), path)


def parse_card(data, path):
    """Returns the checked card that the bytes of a file hold, see `read_card`."""
    try:
        card = parse_json(data)
        if isinstance(card, dict) and "kind" not in card:
            card = {"kind": guess_kind(card, path.parent), **card}
        check_card(card)
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {one_line(error)}") from error
    return card


def guess_kind(card, folder):
    """Returns what the kind must be of a network whose card, maybe none, does not tell."""
    if (folder / KINDS["keyed"].keras_files[0]).is_file():
        return "keyed"
    geometry = card.get("geometry")
    is_barrier = isinstance(geometry, dict) and geometry.get("image_watermark")
    return "barrier" if is_barrier else "message"


def _check(card, fields, where, optional):
    if not isinstance(card, dict):
        raise ValueError(
            f"Expected {where or 'a card'} to be an object. Received: {shortened(card)}"
        )
    paths = {key: f"{where}.{key}" if where else key for key in (*fields, *card)}
    for key in card:
        if key not in fields:
            nearest(
                "field of a card", paths[key][:60], [paths[known] for known in fields], cutoff=0
            )
    for key, form in fields.items():
        if key not in card:
            if key in optional:
                continue
            raise ValueError(f"The card lacks {paths[key]}.")
        if isinstance(form, dict):
            _check(card[key], form, paths[key], optional)
        elif not _fits(card[key], form):
            raise ValueError(
                f"Expected {form} as {paths[key]} of a card. Received: {shortened(card[key])}"
            )


def _fits(value, kind):
    if kind == KIND:
        return isinstance(value, str) and value in KINDS
    if kind == TEXT:
        return isinstance(value, str) and bool(value.strip())
    if kind == NAME:  # files are called after it
        text = isinstance(value, str) and value.strip() not in ("", ".", "..")
        return text and re.fullmatch(r"[^/\\\x00-\x1f\x7f]{1,200}", value) is not None
    if kind == FLAG:
        return isinstance(value, bool)
    if kind == NUMBER:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and 0 < value <= MOST_STRENGTH
    if kind == CHANNELS:
        return _is_count(value, 3) and value != 2
    if kind == REACH:
        return _is_count(value, LARGEST_REACH)
    if kind == COUNT:
        return _is_count(value, MOST_BITS)
    if not isinstance(value, list):
        return False
    if kind == SIDES:
        return len(value) == 2 and all(_is_count(side, LONGEST_SIDE) for side in value)
    return all(isinstance(item, dict if kind == RECORDS else str) for item in value)


def _is_count(value, most):
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most
