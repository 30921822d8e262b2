"""How far a marked image is from its cover, as the papers measure it."""

import numpy as np
from skimage.metrics import structural_similarity

from tfwm.evaluation.batches import plane

IDENTICAL = 100.0


def psnr(cover, marked):
    """Peak signal-to-noise ratio of two uint8 images in dB, over all samples.

    `10 log10(255^2 / mean squared error)`; equal images count as 100 dB, so that a mean
    over images stays finite.

    Example:

    >>> cover = np.full((16, 16), 100, np.uint8)
    >>> round(psnr(cover, cover + np.uint8(1)), 2)
    48.13
    """
    error = np.mean((cover.astype(np.float64) - marked) ** 2)
    return min(IDENTICAL, float(10 * np.log10(255**2 / error))) if error else IDENTICAL


def ssim(cover, marked):
    """Structural similarity of two uint8 images: scikit-image's, uniform 9 x 9 window.

    Wang et al. 2004; ReDMark reports it like this. Colour is the mean over channels.

    Example:

    >>> cover = np.full((16, 16), 100, np.uint8)
    >>> float(ssim(cover, cover))
    1.0
    """
    axis = -1 if cover.ndim == 3 else None
    return float(
        structural_similarity(cover, marked, win_size=9, data_range=255, channel_axis=axis)
    )


def mean_quality(before, after):
    """Returns the means of `psnr` and `ssim` over two batches of uint8 images, as a dict.

    Args:
        before: `(batch, height, width, 1 or 3)`.
        after: the same.
    """
    pairs = [[plane(image) for image in pair] for pair in zip(before, after, strict=True)]
    measures = {"psnr": psnr, "ssim": ssim}
    return {key: float(np.mean([how(*p) for p in pairs])) for key, how in measures.items()}
