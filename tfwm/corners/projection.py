"""Makes pictures upright that were photographed at an angle."""

import dataclasses

import numpy as np
from PIL import Image

from tfwm.checks import is_number, shortened

# Corners may lie outside the photo by this share of its long side.
LARGEST_OUTSIDE = 0.1
MOST_PIXELS = 65535
# Pixels around a place that bicubic interpolation looks at.
REACH = 2


def rectify(photo, corners, size=None):
    """Cuts a print or a screen out of a photo and makes it upright.

    Uses bicubic interpolation; a picture that gets smaller is antialiased. Outside the photo, its
    edge is repeated.

    Args:
        photo: `tfwm.images.Photo`.
        corners: `(4, 2)`: `(x, y)` of the picture's corners, in pixels, clockwise from its top
            left; the pixel in the photo's corner goes from 0 to 1.
        size: `(height, width)` of the result, by default the means of opposite sides.

    Returns:
        `tfwm.images.Photo` of the same type, channels and metadata.

    Raises:
        ValueError: the corners form no convex quadrilateral, or lie far outside the photo.

    Example:

    >>> photo = tfwm.images.Photo(np.zeros((480, 640, 3), np.uint8))
    >>> corners = [(100, 80), (500, 100), (500, 400), (100, 380)]
    >>> rectify(photo, corners).pixels.shape
    (300, 400, 3)
    """
    corners = check_corners(corners, photo.pixels.shape)
    own = mean_sides(corners)
    size = own if size is None else size
    is_pair = isinstance(size, tuple | list) and len(size) == 2
    if not is_pair or not all(is_number(side, int) and 1 <= side <= MOST_PIXELS for side in size):
        raise ValueError(
            f"Expected (height, width) of 1 to {MOST_PIXELS} pixels. "
            f"Received: size={shortened(size)}"
        )
    size = tuple(int(side) for side in size)
    large = np.maximum(size, own).tolist()
    height, width = large
    upright = np.array([(0, 0), (width, 0), (width, height), (0, height)], float)
    low = np.floor(np.minimum(corners.min(axis=0), 0)).astype(int) - REACH
    high = np.ceil(np.maximum(corners.max(axis=0), photo.pixels.shape[1::-1])).astype(int) + REACH
    pads = [(-low[i], high[i] - photo.pixels.shape[1 - i]) for i in (1, 0)]
    way = solve_homography(upright, corners - low).ravel()[:8].tolist()

    def cut(plane):
        image = to_image(np.pad(plane, pads, "edge"))
        image = image.transform(
            (width, height), Image.Transform.PERSPECTIVE, way, Image.Resampling.BICUBIC
        )
        if large != list(size):
            image = image.resize(size[::-1], Image.Resampling.BICUBIC)
        return _values(image, plane.dtype)

    pixels = np.dstack([cut(plane) for plane in np.moveaxis(photo.pixels, -1, 0)])
    alpha = None if photo.alpha is None else cut(photo.alpha)
    return dataclasses.replace(photo, pixels=pixels, alpha=alpha)


def mean_sides(corners):
    """Returns the means of opposite sides of a quadrilateral, `(height, width)` in pixels."""
    top, right, bottom, left = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    return max(round((right + left) / 2), 1), max(round((top + bottom) / 2), 1)


def check_corners(corners, shape):
    """Returns four corners as floats `(4, 2)`, or raises `ValueError` that says what is wrong.

    Args:
        corners: see `rectify`.
        shape: of the photo, `(height, width, ...)`.
    """
    try:
        points = np.asarray(corners, float)
    except (TypeError, ValueError, OverflowError):
        points = np.empty(0)
    if points.shape != (4, 2) or not np.isfinite(points).all():
        raise ValueError(
            "Expected four corners (x, y), clockwise from the picture's top left. "
            f"Received: corners={shortened(corners)}"
        )
    told = " ".join(f"{x:g},{y:g}" for x, y in points)
    sides = np.roll(points, -1, axis=0) - points
    turns = np.cross(np.c_[sides, np.zeros(4)], np.c_[np.roll(sides, -1, axis=0), np.zeros(4)])
    if (turns[:, 2] <= 0).any():
        raise ValueError(
            "Expected corners of a convex quadrilateral, clockwise from the picture's top left. "
            f"Received: corners {told}"
        )
    sides = np.array(shape[1::-1])
    far = LARGEST_OUTSIDE * sides.max()
    if (points < -far).any() or (points > sides + far).any():
        raise ValueError(
            f"Expected corners within the photo of {sides[0]} x {sides[1]} pixels. "
            f"Received: corners {told}"
        )
    return points


def to_image(plane):
    """Returns a channel of a photo as a Pillow image of mode L, or F with the same levels."""
    plane = plane if plane.dtype == np.uint8 else plane.astype(np.float32)
    return Image.fromarray(np.ascontiguousarray(plane))


def solve_homography(source, target):
    """Returns the `(3, 3)` homography that takes four points `(x, y)` to four others."""
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return np.append(np.linalg.solve(rows, np.ravel(target)), 1).reshape(3, 3)


def _values(image, dtype):
    values = np.asarray(image)
    if dtype == np.uint8:
        return values
    if dtype.kind == "f":
        return values.clip(0, 1).astype(dtype)
    return np.rint(values).clip(0, np.iinfo(dtype).max).astype(dtype)
