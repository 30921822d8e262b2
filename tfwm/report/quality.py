"""The structural similarity of photos of any size."""

import numpy as np

from tfwm.evaluation.quality import ssim

WINDOW = 9
BAND_PIXELS = 1 << 20


def large_ssim(cover, marked):
    """Structural similarity as `tfwm.evaluation.ssim` has it, in bounded memory.

    scikit-image's takes about 100 bytes a pixel; so it runs in bands of rows that overlap by
    as much as its window reaches.

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
