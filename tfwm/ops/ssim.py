"""Structural similarity (SSIM) of images."""

import numpy as np
import tensorflow as tf

from tfwm.ops.resample import apply_separable

# Up to this side, matrices apply the window several times faster on a CPU.
_LARGEST_MATRIX = 128


def ssim(image, other, filter_size=8, filter_sigma=1.5):
    """Computes the structural similarity of two batches of images, one value per image.

    It has a Gaussian window, K1 = 0.01, K2 = 0.03, and averages valid positions and channels
    (ReDMark Eq. 5 with the usual sums in the denominator, where the paper prints products).

    Args:
        image: `(batch, height, width, channels)` in [0, 1], sides of at least `filter_size`.
        other: images of the same shape.
        filter_size: side of the window in pixels.
        filter_sigma: standard deviation of the window in pixels.

    Returns:
        `(batch,)` float32, 1 for equal images.

    Example:

    >>> float(ssim(tf.ones((1, 32, 32, 1)), tf.ones((1, 32, 32, 1)))[0])
    1.0
    """
    image, other = tf.cast(image, tf.float32), tf.cast(other, tf.float32)
    height, width = image.shape[1:3]
    if height is None or width is None or max(height, width) > _LARGEST_MATRIX:
        return tf.image.ssim(image, other, 1.0, filter_size, filter_sigma)
    vertical, horizontal = (_window(n, filter_size, filter_sigma) for n in (height, width))
    maps = tf.concat([image, other, image * image, other * other, image * other], axis=-1)
    means = tf.split(apply_separable(maps, vertical, horizontal), 5, axis=-1)
    x, y, xx, yy, xy = means
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * x * y + c1) / (x * x + y * y + c1)
    structure = (2 * (xy - x * y) + c2) / (xx + yy - x * x - y * y + c2)
    return tf.reduce_mean(luminance * structure, axis=(1, 2, 3))


def _window(length, size, sigma):
    """Returns the matrix of all positions of a Gaussian window, `(length - size + 1, length)`."""
    if length < size:
        raise ValueError(f"Expected images of at least {size} pixels a side. Received: {length}")
    weights = np.exp(-((np.arange(size) - (size - 1) / 2) ** 2) / (2 * sigma**2))
    matrix = np.zeros((length - size + 1, length), np.float32)
    for i, row in enumerate(matrix):
        row[i : i + size] = weights / weights.sum()
    return tf.constant(matrix)
