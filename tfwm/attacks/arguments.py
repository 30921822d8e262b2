"""Checks of the arguments of attacks."""

from tfwm.ops.filters import PADDINGS


def number_or_range(name, value, low=0.0, high=float("inf"), kind=float):
    """Returns `value` as a number or as a `(low, high)` tuple, or raises ValueError."""
    is_range = isinstance(value, list | tuple)
    numbers = value if is_range else [value]
    valid = all(isinstance(x, int | float) and low <= x <= high for x in numbers)
    if kind is int:
        valid = valid and all(float(x).is_integer() for x in numbers)
    if is_range:
        valid = valid and len(value) == 2 and value[0] <= value[1]
    if not valid:
        what = "an integer" if kind is int else "a number"
        raise ValueError(
            f"Expected {what} from {low} to {high}, or a pair (low, high) of them to draw one "
            f"per image. Received: {name}={value!r}"
        )
    numbers = tuple(kind(x) for x in numbers)
    return numbers if is_range else numbers[0]


def largest(value):
    """Returns the upper end of a number or range."""
    return value[1] if isinstance(value, tuple) else value


def smallest(value):
    """Returns the lower end of a number or range."""
    return value[0] if isinstance(value, tuple) else value


def odd_size(name, value):
    """Returns `value` if it is an odd positive integer, or raises ValueError."""
    if not isinstance(value, int) or value < 1 or value % 2 == 0:
        raise ValueError(f"Expected an odd positive integer. Received: {name}={value!r}")
    return value


def one_of(name, value, choices):
    """Returns `value` if it is among `choices`, or raises ValueError."""
    if value not in choices:
        raise ValueError(f"Expected one of {tuple(choices)}. Received: {name}={value!r}")
    return value


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
