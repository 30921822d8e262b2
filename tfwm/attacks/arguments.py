"""Checks of arguments that only attacks have."""

from tfwm.checks import one_of
from tfwm.ops.filters import PADDINGS


def padding_name(value):
    """Returns the name of a border treatment, or raises ValueError."""
    return one_of("padding", value, PADDINGS)


def needed_cover(attack, cover):
    """Returns `cover`, or raises ValueError when the attack got none."""
    if cover is None:
        raise ValueError(
            f"{type(attack).__name__} puts parts of the cover back, so it must be called as "
            "`attack(image, cover=cover)`. Received: cover=None"
        )
    return cover
