"""Filters over the rows and columns of an image, in plain NumPy; borders are mirrored."""

import functools

import numpy as np

# The border of a filter: the pixel at the edge is repeated, or it is not (NumPy's names).
SYMMETRIC, REFLECT = "symmetric", "reflect"


def gaussian(image, sigma, radius=None, border=SYMMETRIC):
    """Blurs with a Gaussian.

    Args:
        image: `(H, W)` or `(H, W, channels)` float32.
        sigma: standard deviation in pixels, above 0.
        radius: pixels of the kernel to each side; 4 standard deviations by default.
        border: `"symmetric"`, or `"reflect"`, which does not repeat the pixel at the edge.

    Returns:
        float32 array of the same shape.
    """
    radius = int(4 * sigma + 0.5) if radius is None else radius
    kernel = np.exp(-0.5 / sigma**2 * np.arange(-radius, radius + 1) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        image = _symmetric(image, kernel, radius, border, axis)
    return image


def uniform(image, size):
    """Returns the mean over `size` x `size` pixels, an odd number; float32, as `gaussian`."""
    for axis in (0, 1):
        padded = _padded(image, size // 2, SYMMETRIC, axis)
        sums = np.cumsum(np.concatenate([np.zeros_like(padded[:1]), padded]), axis=0)
        image = _back((sums[size:] - sums[:-size]) / size, axis)
    return image


def detail(image, size):
    """Returns what a mean over `size` x `size` pixels leaves, and its mean square over as many."""
    fine = image - uniform(image, size)
    return fine, uniform(fine**2, size)


def minimum(image, size):
    """Returns the least value over `size` x `size` pixels, an odd number; float32."""
    for axis in (0, 1):
        padded = _padded(image, size // 2, SYMMETRIC, axis)
        parts = (padded[start : len(padded) - size + 1 + start] for start in range(size))
        image = _back(functools.reduce(np.minimum, parts), axis)
    return image


def without_specks(images, tolerance):
    """Limits each pixel to what all but one of the eight around it reach, and some more.

    Specks that stand alone are gone; ends of lines and all larger detail stay.

    Args:
        images: `(batch, H, W, channels)` float32.
        tolerance: how far a pixel may lie beyond the second of its neighbors.

    Returns:
        float32 array of the same shape.
    """
    height, width = images.shape[1:3]
    padded = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)], SYMMETRIC)
    around = [
        padded[:, y : y + height, x : x + width]
        for y in range(3)
        for x in range(3)
        if (y, x) != (1, 1)
    ]
    limits = []
    for less, more in ((np.minimum, np.maximum), (np.maximum, np.minimum)):
        first, second = more(around[0], around[1]), less(around[0], around[1])
        for neighbor in around[2:]:
            second = more(second, less(first, neighbor))
            first = more(first, neighbor)
        limits.append(second)
    return np.clip(images, limits[1] - tolerance, limits[0] + tolerance)


def _symmetric(image, kernel, radius, border, axis):
    padded = _padded(image, radius, border, axis)
    side = len(padded) - 2 * radius
    total = padded[radius : radius + side] * kernel[radius]
    for left in range(radius):
        right = 2 * radius - left
        total += (padded[left : left + side] + padded[right : right + side]) * kernel[left]
    return _back(total, axis)


def _padded(image, radius, border, axis):
    """The image in float64 with the axis first, and a border on its both sides."""
    lines = np.moveaxis(np.asarray(image, np.float64), axis, 0)
    return np.pad(lines, [(radius, radius)] + [(0, 0)] * (lines.ndim - 1), border)


def _back(lines, axis):
    return np.moveaxis(lines, 0, axis).astype(np.float32)
