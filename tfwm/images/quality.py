"""PSNR and SSIM of a marked image and its cover, as the papers measure them."""

import numpy as np

from tfwm.images.arrays import as_samples, largest_level, plane

IDENTICAL = 100.0
WINDOW = 9
BAND_PIXELS = 1 << 20


def psnr(cover, marked, identical=IDENTICAL):
    """Returns the peak signal-to-noise ratio of two images in dB, over all samples.

    `10 log10(peak^2 / mean squared error)`, with the peak of the cover's type: 255, 65535, or 1
    for floats.

    Args:
        cover: uint8, uint16 or floats in [0, 1], of any shape.
        marked: the same type and shape.
        identical: value for equal images, and the largest one; 100 keeps a mean over images
            finite.

    Example:

    >>> cover = np.full((16, 16), 100, np.uint8)
    >>> round(psnr(cover, cover + np.uint8(1)), 2)
    48.13
    """
    cover, marked = _pair(cover, marked)
    total, step = 0.0, max(1, BAND_PIXELS * len(cover) // cover.size)
    for top in range(0, len(cover), step):  # in bands, which bounds the memory
        change = marked[top : top + step].astype(np.float32) - cover[top : top + step]
        total += float(np.square(change).sum(dtype=np.float64))
    if not total:
        return identical
    peak = largest_level(cover.dtype)
    return min(identical, float(10 * np.log10(peak**2 / (total / cover.size))))


def ssim(cover, marked):
    """Returns the structural similarity of two uint8 images, in even windows of 9 x 9 pixels.

    Wang et al. 2004, as scikit-image computes it and ReDMark reports it. Color is the mean over
    channels.

    Example:

    >>> cover = np.full((16, 16), 100, np.uint8)
    >>> float(ssim(cover, cover))
    1.0
    """
    cover, marked = _pair(cover, marked)
    pair = (image.reshape(*image.shape[:2], -1) for image in (cover, marked))
    return float(
        np.mean([_plane_ssim(*planes) for planes in zip(*map(_planes, pair), strict=True)])
    )


def _planes(image):
    return np.moveaxis(image, -1, 0).astype(np.float64)


def _plane_ssim(x, y):
    mean_x, mean_y, square_x, square_y, product = map(_means, (x, y, x * x, y * y, x * y))
    unbiased = WINDOW**2 / (WINDOW**2 - 1)
    variances = unbiased * (square_x - mean_x**2 + square_y - mean_y**2)
    covariance = unbiased * (product - mean_x * mean_y)
    first, second = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similar = (2 * mean_x * mean_y + first) * (2 * covariance + second)
    return np.mean(similar / ((mean_x**2 + mean_y**2 + first) * (variances + second)))


def _means(plane):
    """The mean of each whole window; sums of levels are exact."""
    sums = np.pad(plane, [(1, 0), (1, 0)]).cumsum(axis=0).cumsum(axis=1)
    rows = sums[WINDOW:] - sums[:-WINDOW]
    return (rows[:, WINDOW:] - rows[:, :-WINDOW]) / WINDOW**2


def mean_quality(before, after):
    """Returns the means of `psnr` and `ssim` over two batches of uint8 images, as a dict.

    Args:
        before: `(batch, height, width, 1 or 3)`.
        after: the same.
    """
    pairs = [[plane(image) for image in pair] for pair in zip(before, after, strict=True)]
    measures = {"psnr": psnr, "ssim": ssim}
    return {key: float(np.mean([how(*p) for p in pairs])) for key, how in measures.items()}


def large_ssim(cover, marked):
    """Returns the value of `ssim`, in bounded memory.

    It takes about 100 bytes a pixel. So it runs in bands of rows that overlap by the reach of its
    window.

    Args:
        cover: uint8, `(H, W)` or `(H, W, 3)`.
        marked: uint8, the same shape.

    Returns:
        float; nan for photos smaller than its window of 9 x 9 pixels.
    """
    height, width = cover.shape[:2]
    if min(height, width) < WINDOW:
        return float("nan")
    inner = height - WINDOW + 1
    step = max(BAND_PIXELS // width, 1)
    total = 0.0
    for top in range(0, inner, step):
        rows = min(step, inner - top)
        band = np.s_[top : top + rows + WINDOW - 1]
        total += rows * ssim(cover[band], marked[band])
    return total / inner


def _pair(cover, marked):
    cover, marked = as_samples(cover, "cover"), as_samples(marked, "marked")
    if cover.shape != marked.shape or not cover.size or not cover.ndim:
        raise ValueError(
            "Expected two images of one shape. "
            f"Received: cover of shape {cover.shape}, marked of shape {marked.shape}"
        )
    return cover, marked
