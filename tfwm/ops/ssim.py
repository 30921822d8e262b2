"""Structural similarity."""

import tensorflow as tf


def ssim(image, other, max_value=1.0, filter_size=8, filter_sigma=1.5):
    """Structural similarity of two batches of images, one value an image.

    Gaussian window, K1 = 0.01, K2 = 0.03, valid positions only, mean over positions
    and channels (ReDMark Eq. 5 with the usual sums in the denominator, where the paper
    prints products).

    Args:
        image, other: `(batch, height, width, channels)`, sides of at least `filter_size`.
        max_value: range of the pixel values.
        filter_size: side of the window in pixels.
        filter_sigma: standard deviation of the window in pixels.

    Returns:
        `(batch,)` float32, 1 for equal images.

    Example:

    >>> float(ssim(tf.ones((1, 32, 32, 1)), tf.ones((1, 32, 32, 1)))[0])
    1.0
    """
    return tf.image.ssim(
        tf.cast(image, tf.float32),
        tf.cast(other, tf.float32),
        max_value,
        filter_size=filter_size,
        filter_sigma=filter_sigma,
    )
