"""Conversions between color spaces. All images are NHWC floats in [0, 1]."""

import numpy as np
import tensorflow as tf

from tfwm.images.luma import REACH

# ITU-T T.871 (JFIF), section 7; BT.601 luma weights, full range.
_YCBCR = np.array(
    [
        [0.299, 0.587, 0.114],
        [-0.299 / 1.772, -0.587 / 1.772, 0.5],
        [0.5, -0.587 / 1.402, -0.114 / 1.402],
    ]
)
# BT.601 analog YUV: U = 0.492111 (B - Y), V = 0.877283 (R - Y).
_YUV = np.array(
    [
        [0.299, 0.587, 0.114],
        [-0.14714119, -0.28886916, 0.43601035],
        [0.61497538, -0.51496512, -0.10001026],
    ]
)


def rgb_to_ycbcr(image):
    """Converts RGB to the full-range YCbCr of JPEG.

    Args:
        image: `(..., 3)`, RGB in [0, 1].

    Returns:
        `(..., 3)`; Y in [0, 1], Cb and Cr in [0, 1] with gray at 0.5.
    """
    return _mix(image, _YCBCR, offset=(0.0, 0.5, 0.5))


def ycbcr_to_rgb(image):
    """Inverts `rgb_to_ycbcr`; values outside [0, 1] are not clipped."""
    return _mix(image - tf.constant([0.0, 0.5, 0.5], image.dtype), np.linalg.inv(_YCBCR))


def rgb_to_yuv(image):
    """Converts RGB to BT.601 YUV.

    Args:
        image: `(..., 3)`, RGB in [0, 1].

    Returns:
        `(..., 3)`; Y in [0, 1], U in [-0.436, 0.436], V in [-0.615, 0.615].
    """
    return _mix(image, _YUV)


def yuv_to_rgb(image):
    """Inverts `rgb_to_yuv`; values outside [0, 1] are not clipped."""
    return _mix(image, np.linalg.inv(_YUV))


def rgb_to_gray(image):
    """Returns the BT.601 luma `(..., 1)` of RGB `(..., 3)`, both in [0, 1]."""
    return _mix(image, _YCBCR[:1])


def add_to_luma(image, change):
    """Adds to the luma of images and keeps their chroma where possible.

    The TensorFlow twin of `tfwm.images.luma.add_luminance`, for floats.

    Args:
        image: `(batch, H, W, 1 or 3)` in [0, 1].
        change: `(batch, H, W, 1)`, to add to the luma.

    Returns:
        Images in [0, 1], of the shape of `image`. Where a channel would leave the range, the others
        move further instead, up to twice the change.

    Example:

    >>> add_to_luma(tf.fill((1, 1, 1, 3), 0.4), tf.fill((1, 1, 1, 1), 0.1)).numpy()[0, 0, 0]
    array([0.5, 0.5, 0.5], dtype=float32)
    """
    if image.shape[-1] == 1:
        return tf.clip_by_value(image + change, 0.0, 1.0)
    low = tf.maximum(image - REACH * tf.abs(change), 0.0)
    high = tf.minimum(image + REACH * tf.abs(change), 1.0)
    goal = rgb_to_gray(image) + change
    marked = tf.clip_by_value(image + change, low, high)
    for _ in range(2):  # each round fills up at least one more channel
        missing = goal - rgb_to_gray(marked)
        free = tf.cast(tf.where(missing > 0, marked < high, marked > low), image.dtype)
        share = missing / tf.maximum(rgb_to_gray(free), 1e-6)
        marked = tf.clip_by_value(marked + free * share, low, high)
    return marked


def _mix(image, matrix, offset=None):
    # Sums over channels instead of a matmul: exact on GPUs that multiply in TF32.
    channels = tf.unstack(image, 3, axis=-1)
    offset = offset or [0.0] * len(matrix)
    mixed = [
        sum(float(weight) * channel for weight, channel in zip(row, channels, strict=True)) + shift
        for row, shift in zip(matrix, offset, strict=True)
    ]
    return tf.stack(mixed, axis=-1)
