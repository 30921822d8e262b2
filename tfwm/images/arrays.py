"""Arrays of images as floats, as 8-bit values and as planes."""

import numpy as np


def largest_level(dtype):
    """Returns the level of white: 255 or 65535, and 1 for floats."""
    return 1 if dtype.kind == "f" else np.iinfo(dtype).max


def to_float(images):
    """Returns uint8, uint16 or floats as float32 in [0, 1]."""
    return images.astype(np.float32) / np.float32(largest_level(images.dtype))


def to_uint8(images):
    """Returns floats in [0, 1], clipped, or uint16 as rounded uint8; uint8 as it is."""
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images
    if images.dtype == np.uint16:
        return np.uint8(np.rint(images * np.float32(255 / 65535)))
    return np.uint8(np.rint(255 * np.clip(images, 0.0, 1.0)))


def plane(image):
    """Returns `(H, W, 1)` as `(H, W)`, which distortions and pictures take; color as it is."""
    return image[..., 0] if image.shape[-1] == 1 else image
