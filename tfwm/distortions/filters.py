"""Blur, sharpening and medians."""

import numpy as np
from PIL import Image, ImageFilter
from scipy import ndimage

from tfwm.checks import need
from tfwm.distortions.common import odd, to_levels
from tfwm.distortions.registry import distortion


@distortion()
def gaussian_blur(image, level, window=None):
    """Blurs with a Gaussian of the standard deviation `level` in pixels, mirrored borders.

    ReDMark calls it radius; its numbers are scipy's sigma. With an odd `window`, the kernel
    has that many pixels a side instead of four sigmas in each direction, and the pixel at the
    border is not repeated, as in MBRS.
    """
    sigma = (level, level, 0)[: image.ndim]
    options = {"radius": odd(window) // 2, "mode": "mirror"} if window else {}
    return to_levels(ndimage.gaussian_filter(image.astype(np.float32), sigma, **options))


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
    rank = need("skimage.filters.rank", "evaluate")
    size = odd(level)
    pad = size // 2
    window = np.ones((size, size), np.uint8)
    planes = image[..., None] if image.ndim == 2 else image
    # scikit-image's histogram median is several times faster for large windows; the padding
    # gives it the border of scipy's.
    padded = np.pad(planes, [(pad, pad), (pad, pad), (0, 0)], "symmetric")
    out = np.stack([rank.median(plane, window) for plane in np.moveaxis(padded, -1, 0)], -1)
    return out[pad : pad + image.shape[0], pad : pad + image.shape[1]].reshape(image.shape)


@distortion()
def mean_filter(image, level):
    """Takes the mean over `level` x `level` pixels, an odd number; mirrored borders."""
    size = odd(level)
    return to_levels(
        ndimage.uniform_filter(image.astype(np.float32), (size, size, 0)[: image.ndim])
    )


@distortion()
def edges(image, level):
    """Subtracts the Gaussian blur of sigma `level` from the image, wrapping around as uint8.

    From the code of ReDMark's authors, not from the paper's tables.
    """
    return image - gaussian_blur(image, level)
