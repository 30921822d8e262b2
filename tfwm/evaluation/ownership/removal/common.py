"""What the ways of removing a mark share."""

import numpy as np

from tfwm.images.quality import psnr


def check_images(images):
    """Returns images as an array; raises `ValueError` unless they are uint8 of one size."""
    images = np.asarray(images)
    if (
        images.dtype != np.uint8
        or images.ndim != 4
        or images.shape[-1] not in (1, 3)
        or not len(images)
    ):
        raise ValueError(
            "Expected uint8 images (batch, height, width, 1 or 3). "
            f"Received: {images.dtype} of shape {images.shape}"
        )
    return images


def check_psnr(psnr):
    """Raises `ValueError` for a PSNR that is no budget."""
    if not 0 < psnr < 100:
        raise ValueError(f"Expected a PSNR above 0 and below 100 dB. Received: psnr={psnr}")


def cost(before, after):
    """Returns what an attack cost: the mean over the images of the PSNR in dB.

    Args:
        before: uint8 images that the attacker began with.
        after: what he made of them.

    Example:

    >>> images = np.full((2, 16, 16, 3), 100, np.uint8)
    >>> round(cost(images, images + np.uint8(1)), 2)
    48.13
    """
    return float(np.mean([psnr(a, b) for a, b in zip(before, after, strict=True)]))
