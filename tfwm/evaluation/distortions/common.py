"""What several kinds of damage share."""

import numpy as np


def to_uint8(x):
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)


def random_rectangle(shape, fraction, generator):
    check_fraction(fraction)
    height, width = shape[:2]
    side = np.sqrt(fraction * height * width)
    rows, columns = min(int(np.floor(side)), height), min(int(np.ceil(side)), width)
    top = generator.integers(height - rows + 1)
    left = generator.integers(width - columns + 1)
    return np.s_[top : top + rows, left : left + columns]


def check_fraction(level):
    if not 0 <= level <= 1:
        raise ValueError(f"Expected a fraction from 0 to 1. Received: level={level}")


def odd(level):
    size = int(level)
    if size != level or size < 1 or size % 2 == 0:
        raise ValueError(f"Expected an odd window size such as 3. Received: level={level}")
    return size
