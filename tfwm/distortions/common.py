"""What several families of distortions share."""

import numpy as np
from PIL import Image


def to_levels(x):
    """Returns gray levels as uint8, rounded and clipped."""
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)


def random_rectangle(shape, fraction, generator):
    """Returns the slices of a random square of the fraction of the area, cut to the image."""
    check_fraction(fraction)
    height, width = shape[:2]
    side = np.sqrt(fraction * height * width)
    rows, columns = min(int(np.floor(side)), height), min(int(np.ceil(side)), width)
    top = generator.integers(height - rows + 1)
    left = generator.integers(width - columns + 1)
    return np.s_[top : top + rows, left : left + columns]


def mode(image):
    """Returns Pillow's mode of a uint8 image, gray or color."""
    return "L" if image.ndim == 2 else "RGB"


def check_fraction(level):
    """Raises ValueError unless the level is from 0 to 1."""
    if not 0 <= level <= 1:
        raise ValueError(f"Expected a fraction from 0 to 1. Received: level={level}")


def edge_widths(shape, level):
    """Returns the rows and columns of the fraction `level` of the sides, in whole pixels."""
    if not 0 <= level < 0.5:
        raise ValueError(f"Expected a fraction of each side from 0 to below 0.5. Received: {level}")
    return tuple(min(round(level * side), (side - 1) // 2) for side in shape[:2])


def odd(level):
    """Returns the level as an odd size of a window, or raises ValueError."""
    size = int(level)
    if size != level or size < 1 or size % 2 == 0:
        raise ValueError(f"Expected an odd window size such as 3. Received: level={level}")
    return size


def project(image, source, target, shape, fill=0):
    """Moves the four points `source` of an image to `target`, bicubic.

    Args:
        image: uint8 `(H, W)` or `(H, W, 3)`.
        source: four `(x, y)` in the image; the pixel in the corner goes from 0 to 1.
        target: their new places, in the same order.
        shape: `(height, width)` of the result.
        fill: gray level beyond the image.

    Returns:
        uint8 image of that shape.
    """
    # Pillow needs the mapping from the new image to the old one.
    rows, values = [], []
    for (x, y), (u, v) in zip(target, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    moved = Image.fromarray(image).transform(
        (shape[1], shape[0]),
        Image.Transform.PERSPECTIVE,
        np.linalg.solve(rows, values).tolist(),
        Image.Resampling.BICUBIC,
        fillcolor=fill if image.ndim == 2 else (fill,) * 3,
    )
    return np.array(moved)


def corners_of(shape):
    """Returns the corners `(x, y)` of an image, clockwise from the top left."""
    height, width = shape[:2]
    return np.array([(0, 0), (width, 0), (width, height), (0, height)], float)
