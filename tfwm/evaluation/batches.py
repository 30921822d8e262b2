"""Batches of images, `(batch, height, width, 1 or 3)`: as bytes, as planes, through a network."""

import numpy as np

BATCH = 16


def to_uint8(images):
    """Floats in [0, 1] as uint8, clipped and rounded; uint8 as it is."""
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images
    return np.uint8(np.rint(255 * np.clip(images, 0.0, 1.0)))


def plane(image):
    """`(H, W, 1)` as `(H, W)`, which distortions and pictures take; colour as it is."""
    return image[..., 0] if image.shape[-1] == 1 else image


def run_network(network, inputs):
    """Returns what an image-to-image network makes of float inputs, as uint8."""
    parts = [inputs[i : i + BATCH] for i in range(0, len(inputs), BATCH)]
    return to_uint8(np.concatenate([np.asarray(network(part)) for part in parts]))
