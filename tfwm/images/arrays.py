"""Arrays of images as 8-bit values and as planes."""

import numpy as np


def to_uint8(images):
    """Floats in [0, 1] as uint8, clipped and rounded; uint8 as it is."""
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images
    return np.uint8(np.rint(255 * np.clip(images, 0.0, 1.0)))


def plane(image):
    """`(H, W, 1)` as `(H, W)`, which distortions and pictures take; colour as it is."""
    return image[..., 0] if image.shape[-1] == 1 else image
