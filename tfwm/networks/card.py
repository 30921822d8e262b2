"""`card.json`: what a user has to know about a trained network before using it, first its kind."""

import dataclasses
import json
from pathlib import Path

from tfwm.checks import nearest, one_line, shortened
from tfwm.files import write_whole

CARD = "card.json"


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

TEXT, NUMBER, SIDES, TEXTS, RECORDS = "a text", "a number", "two whole numbers", "texts", "objects"
CHANNELS, COUNT, FLAG = "1 or 3", "a whole number of at least 1", "true or false"
KIND = " or ".join(KINDS)

FIELDS = {
    "name": TEXT,
    "kind": KIND,
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
# Where a card lacks them, they are 1, 1 and false. `image_watermark` told barriers before cards
# had a kind. A keyed host has no strength.
OPTIONAL = ("channels", "bits", "whole", "image_watermark")


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
        licence: `{"code": ..., "weights": ...}`.
        training: `{"data": ..., "recipe": ..., "command": ...}`: what it was trained on, the
            recipe's file and the command that trains it again.
        geometry: `{"patch": (rows, columns), "block": (M, N), "message": ...}`, see
            `redmark_geometry`; `"channels"` of the image and `"bits"` of a block if not 1;
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


def check_card(card):
    """Raises `ValueError`, in one line, at the first field that is missing, odd or unknown."""
    is_host = isinstance(card, dict) and card.get("kind") == "keyed"
    _check(card, FIELDS, "", (*OPTIONAL, "strength") if is_host else OPTIONAL)


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
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(card, dict) and "kind" not in card:
            card = {"kind": guess_kind(card, path.parent), **card}
        check_card(card)
    except FileNotFoundError:
        raise FileNotFoundError(f"The network {folder} has no {CARD}.") from None
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
            nearest("field of a card", paths[key], [paths[known] for known in fields], cutoff=0)
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
