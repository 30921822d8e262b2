"""The part of a photo that carries a mark, luminance or colors, in plain NumPy."""

import numpy as np

from tfwm.images.arrays import largest_level, to_float

# ITU-R BT.601 luma, the Y that JPEG keeps (ITU-T T.871, section 7).
WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
# A color channel may move this many times as far as the luminance asks for, to make up for
# another channel that is already black or full: further, colors would shift visibly.
REACH = 2.0


def luminance(pixels):
    """Returns the luminance of a photo, the Y of full-range BT.601 YCbCr.

    Args:
        pixels: `(H, W, 1)` gray or `(H, W, 3)` RGB; uint8, uint16 or floats in [0, 1].

    Returns:
        `(H, W)` float32 in [0, 1].

    Example:

    >>> float(luminance(np.full((1, 1, 3), 255, np.uint8))[0, 0])
    1.0
    """
    scaled = to_float(pixels)
    if scaled.ndim != 3 or scaled.shape[2] not in (1, 3):
        raise ValueError(
            "Expected pixels (height, width, 1 or 3 channels). "
            f"Received: pixels of shape {scaled.shape}"
        )
    return np.minimum(scaled @ WEIGHTS, 1) if scaled.shape[2] == 3 else scaled[..., 0]


def add_luminance(pixels, change):
    """Adds to the luminance of a photo and keeps its chroma where possible.

    R, G and B move by the same amount, which changes Y by it and leaves Cb and Cr as they are.
    Where one channel would leave the range, the other channels move further instead, up to twice
    the wanted change.

    Args:
        pixels: `(H, W, 1)` or `(H, W, 3)`, as for `luminance`.
        change: `(H, W)` float, to add to the luminance in [0, 1].

    Returns:
        The photo in the type of `pixels`, rounded to the nearest level.

    Example:

    >>> add_luminance(np.full((1, 1, 3), 100, np.uint8), np.array([[3 / 255]]))[0, 0].tolist()
    [103, 103, 103]
    """
    change = np.asarray(change, np.float32)
    top = largest_level(pixels.dtype)
    # The same number of levels for all channels, so that chroma stays exact.
    steps = _steps(change, pixels.dtype)
    low, high = pixels[..., 0], pixels[..., 0]
    for channel in range(1, pixels.shape[2]):
        low, high = np.minimum(low, pixels[..., channel]), np.maximum(high, pixels[..., channel])
    outside = (low + steps < 0) | (high + steps > top)
    marked = pixels + steps[..., None]
    if pixels.shape[2] == 3 and outside.any():
        moved = _inside(to_float(pixels[outside]), change[outside][:, None]) * np.float32(top)
        marked[outside] = moved if top == 1 else np.rint(moved)
    elif outside.any():
        marked = marked.clip(0, top)
    return marked.astype(pixels.dtype)


def add_colors(pixels, change):
    """Adds a change of its own to R, G and B of a photo.

    A gray photo stays gray: only the luminance of the change is added.

    Args:
        pixels: `(H, W, 1)` or `(H, W, 3)`, as for `luminance`.
        change: `(H, W, 3)` float, to add to R, G and B in [0, 1].

    Returns:
        The photo in the type of `pixels`, rounded to the nearest level, cut at black and full.

    Example:

    >>> change = np.array([[[3, -2, 0]]]) / 255
    >>> add_colors(np.full((1, 1, 3), 100, np.uint8), change)[0, 0].tolist()
    [103, 98, 100]
    """
    change = np.asarray(change, np.float32)
    if pixels.shape[2] == 1:
        return add_luminance(pixels, change @ WEIGHTS)
    marked = pixels + _steps(change, pixels.dtype)
    return marked.clip(0, largest_level(pixels.dtype)).astype(pixels.dtype)


def _inside(start, change):
    """Pixels (n, 3) moved by change (n, 1) in luminance without leaving [0, 1]."""
    low = np.maximum(start - REACH * np.abs(change), 0)
    high = np.minimum(start + REACH * np.abs(change), 1)
    goal = start @ WEIGHTS + change[:, 0]
    marked = (start + change).clip(low, high)
    for _ in range(2):  # each round fills up at least one more channel
        missing = goal - marked @ WEIGHTS
        free = np.where(missing[:, None] > 0, marked < high, marked > low)
        share = missing / np.maximum(free @ WEIGHTS, 1e-6)
        marked = (marked + free * share[:, None]).clip(low, high)
    return marked


def _steps(change, dtype):
    """A change of [0, 1] in the levels of a type, whole ones for integers."""
    if dtype.kind == "f":
        return change
    wide = np.int16 if dtype == np.uint8 else np.int32
    return np.rint(change * largest_level(dtype)).astype(wide)
