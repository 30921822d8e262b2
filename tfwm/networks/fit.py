"""Whether a card fits its network: its geometry, against the signatures and one small image."""

import numpy as np

from tfwm.checks import one_line
from tfwm.networks.card import MOST_BITS, kind_of

# Inputs of each signature, name to rank. Forms of before 2026-12 take one strength for all images.
INPUTS = {
    "embed": {"image": 4, "message": 4, "strength": 1},
    "extract": {"image": 4},
    "run": {"image": 4},
}
KEYED_EXTRACT = {"image": 4, "key": 2}


def check_fit(card, form, trial=True):
    """Raises `ValueError`, in one line, if a network is not what its card says.

    First the shapes of the signatures are compared, then one patch is marked and read, so that
    nothing large is ever run.

    Args:
        card: the checked card, `{}` if there is none.
        form: `Form`.
        trial: whether a patch is run as well.
    """
    for name in kind_of(card).signatures:
        check_signature(card, name, form.inputs[name])
    if trial and "geometry" in card and kind_of(card).name != "keyed":
        _run_one_patch(card["name"], card["geometry"], form)


def check_signature(card, name, inputs):
    """Raises `ValueError` if the inputs of a signature are not what the card says.

    Args:
        card: the checked card, `{}` if there is none.
        name: of the signature.
        inputs: dict of its inputs and their shapes, `None` for a free side.
    """
    is_keyed = kind_of(card).name == "keyed"
    expected = KEYED_EXTRACT if is_keyed and name == "extract" else INPUTS[name]
    ranks = {key: len(shape) for key, shape in inputs.items()}
    if ranks not in (expected, expected | {"strength": 0}):
        raise ValueError(
            f"Expected the inputs {', '.join(expected)} of ranks {list(expected.values())} for "
            f"{name}. Received: a network with {ranks or 'none'}"
        )
    geometry = card.get("geometry", {})
    channels = geometry.get("channels", 1) if geometry else (1, 3)
    bits = geometry.get("bits", 1) if geometry else range(1, MOST_BITS + 1)
    patch, block = geometry.get("patch", (1, 1)), geometry.get("block", (1, 1))
    fixed = geometry.get("whole", False) and name != "run"
    sides = tuple(patch) if fixed else (None, None)
    grid = tuple(s // n for s, n in zip(patch, block, strict=True)) if fixed else (None, None)
    _check_shape(name, "image", inputs, (None, *sides, None if name == "run" else channels))
    if name == "embed":
        _check_shape(name, "message", inputs, (None, *grid, bits))


def _check_shape(name, key, inputs, expected):
    for side, wanted in zip(inputs[key], expected, strict=True):
        fits = wanted is None or side is None
        if not fits and not (side == wanted if isinstance(wanted, int) else side in wanted):
            raise ValueError(
                "The card does not fit its network. "
                f"Expected {_text(expected)} as {key} of {name}, as the card says. "
                f"Received: a network with {_text(inputs[key])}"
            )


def _run_one_patch(name, geometry, form):
    patch, block = geometry["patch"], geometry["block"]
    image = np.full((1, *patch, geometry.get("channels", 1)), 0.5, np.float32)
    grid = [side // part for side, part in zip(patch, block, strict=True)]
    message = np.zeros((1, *grid, geometry.get("bits", 1)), np.float32)
    try:
        logits = form("extract", image=image)["logits"]
        marked = form("embed", image=image, message=message, strength=np.float32(1))["watermarked"]
    except Exception as error:  # each runtime has types of its own
        raise ValueError(
            f"The card of {name} does not fit its network, which cannot mark and read one patch of "
            f"{patch} with blocks of {block}: {one_line(error)}"
        ) from error
    for what, found, expected in (("logits", logits, message), ("image", marked, image)):
        if found.shape != expected.shape:
            raise ValueError(
                f"The card of {name} does not fit its network. Expected {expected.shape} as {what} "
                f"of one patch. Received: {found.shape}"
            )


def _text(shape):
    sides = ("any" if side is None else side for side in shape)
    texts = (f"1 to {max(x)}" if isinstance(x, range | tuple) else str(x) for x in sides)
    return f"({', '.join(texts)})"
