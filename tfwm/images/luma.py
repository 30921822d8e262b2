"""The part of a photo that carries the mark, in plain NumPy."""

import numpy as np

# ITU-R BT.601 luma, the Y that JPEG keeps (ITU-T T.871, section 7).
WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
# A colour channel may move this many times as far as the luminance asks for, to make up
# for another one that is already black or full: beyond, colours would visibly shift.
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
    scaled = _scaled(pixels)
    return np.minimum(scaled @ WEIGHTS, 1) if pixels.shape[2] == 3 else scaled[..., 0]


def add_luminance(pixels, change):
    """Adds to the luminance of a photo and leaves its chroma alone where it can.

    R, G and B move by the same amount, which changes Y by it and Cb and Cr not at all. Where
    a channel would leave the range, the others take over what it could not do, up to twice
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
    start = _scaled(pixels)
    change = np.asarray(change, np.float32)[..., None]
    marked = start + change
    if pixels.shape[2] == 3:
        outside = ((marked < 0) | (marked > 1)).any(axis=-1)
        marked[outside] = _inside(start[outside], change[outside])
    marked = marked.clip(0, 1)
    if pixels.dtype.kind == "f":
        return marked.astype(pixels.dtype)
    top = np.iinfo(pixels.dtype).max
    return np.round(marked * top).astype(pixels.dtype)


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


def _scaled(pixels):
    if pixels.dtype.kind == "f":
        return pixels.astype(np.float32)
    return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
