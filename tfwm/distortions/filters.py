"""Blur, sharpening and medians."""

import numpy as np
from PIL import Image, ImageFilter

from tfwm.checks import need
from tfwm.distortions.common import odd, to_levels
from tfwm.distortions.registry import distortion
from tfwm.images import filters

# Up to this window, Pillow's median is fast, and needs no further library.
SMALL = 7


@distortion()
def gaussian_blur(image, level, window=None):
    """Blurs with a Gaussian of the standard deviation `level` in pixels, mirrored borders.

    ReDMark calls it radius; its numbers are scipy's sigma. With an odd `window`, the kernel
    has that many pixels a side instead of four sigmas in each direction, and the pixel at the
    border is not repeated, as in MBRS.
    """
    options = {"radius": odd(window) // 2, "border": filters.REFLECT} if window else {}
    return to_levels(filters.gaussian(image.astype(np.float32), level, **options))


@distortion()
def sharpening(image, level):
    """Sharpens with an unsharp mask of the radius `level`, 150 percent, threshold 3 (Pillow)."""
    mask = ImageFilter.UnsharpMask(radius=level, percent=150, threshold=3)
    return np.array(Image.fromarray(image).filter(mask))


@distortion()
def edge_enhance(image, level=None):
    """Enhances edges with Pillow's `EDGE_ENHANCE`, 3 x 3 pixels."""
    return np.array(Image.fromarray(image).filter(ImageFilter.EDGE_ENHANCE))


@distortion()
def median_filter(image, level):
    """Takes the median over `level` x `level` pixels, an odd number; mirrored borders."""
    size = odd(level)
    pad = size // 2
    planes = image[..., None] if image.ndim == 2 else image
    padded = np.pad(planes, [(pad, pad), (pad, pad), (0, 0)], "symmetric")
    out = np.stack([_median(plane, size) for plane in np.moveaxis(padded, -1, 0)], -1)
    return out[pad : pad + image.shape[0], pad : pad + image.shape[1]].reshape(image.shape)


def _median(plane, size):
    if size <= SMALL:
        return np.array(Image.fromarray(plane).filter(ImageFilter.MedianFilter(size)))
    # A histogram of the window, which is several times faster for large ones.
    rank = need("skimage.filters.rank", "evaluate")
    return rank.median(np.ascontiguousarray(plane), np.ones((size, size), np.uint8))


@distortion()
def mean_filter(image, level):
    """Takes the mean over `level` x `level` pixels, an odd number; mirrored borders."""
    size = odd(level)
    return to_levels(filters.uniform(image.astype(np.float32), size))


@distortion()
def edges(image, level):
    """Subtracts the Gaussian blur of sigma `level` from the image, wrapping around as uint8.

    From the code of ReDMark's authors, not from the paper's tables.
    """
    return image - gaussian_blur(image, level)
