"""Arrays and tensors of photos, of any layout and range, into photos and back."""

import numpy as np

from tfwm.checks import is_number, one_of, shortened
from tfwm.images.arrays import MOST_CHANNELS, as_array
from tfwm.images.photo import ImageError, Photo

LAYOUTS = ("last", "first", "none")
# Of its range, a value may lie so far outside: networks and filters overshoot a little.
OVERSHOOT = 0.01


def to_photos(images, channels=None, range=None):
    """Turns an array or tensor of photos into a list of `Photo`.

    Args:
        images: one photo or a batch, all of one size; NumPy, TensorFlow, PyTorch (CPU) or JAX.
        channels: where the 1 to 4 channels are: `"last"`, `"first"`, or `"none"` for gray photos
            without such an axis, `(N, H, W)` or `(H, W)`. `None` finds it out from the shape, and
            refuses shapes that can be read in two ways.
        range: `(low, high)`, the values of black and white, such as `(-1, 1)` or, for floats or
            integers of more than 8 bits, `(0, 255)`. `None` is that of the type: 0 to 255 for
            uint8, 0 to 65535 for uint16, 0 to 1 for floats. Values up to 1 % outside of a given
            range are clipped.

    Returns:
        List of `Photo`, for `Watermarker.embed` and the others; with a range, of float32.

    Example:

    >>> batch = np.zeros((8, 3, 64, 96), np.float32)
    >>> photos = to_photos(batch, channels="first", range=(-1, 1))
    >>> len(photos), photos[0].pixels.shape, float(photos[0].pixels.max())
    (8, (64, 96, 3), 0.5)
    """
    array = as_array(images, "images")
    array = _to_last(array, _layout(array.shape, channels))
    if range is not None:
        array = _scaled(array, range)
    return [Photo.from_array(photo) for photo in array]


def from_photos(photos, like, channels=None, range=None):
    """Turns photos back into an array of the shape, layout, range and type of another.

    Args:
        photos: list of `Photo`, as `to_photos` gives them.
        like: the array or tensor that they were made of.
        channels: see `to_photos`; give the same.
        range: see `to_photos`; give the same. Integers are rounded.

    Returns:
        NumPy array of the shape and dtype of `like`.

    Example:

    >>> batch = np.zeros((2, 64, 96, 3), np.uint8)
    >>> marked = from_photos(to_photos(batch), batch)
    >>> marked.shape, marked.dtype
    ((2, 64, 96, 3), dtype('uint8'))
    """
    like = as_array(like, "like")
    layout = _layout(like.shape, channels)
    shape = _to_last(like, layout).shape
    if len(photos) != shape[0]:
        raise ValueError(
            f"Expected {shape[0]} photos, as many as like has. Received: {len(photos)}"
        )
    array = np.stack([p.to_array(one) for p, one in zip(photos, np.empty(shape), strict=True)])
    if range is not None:
        low, high = _checked(range)
        array = low + array * (high - low)
        array = np.rint(array) if like.dtype.kind in "ui" else array
    array = np.moveaxis(array, -1, 1) if layout == "first" else array
    return np.ascontiguousarray(array.reshape(like.shape).astype(like.dtype))


def _layout(shape, channels):
    """One of `LAYOUTS` for the shape of a photo or a batch."""
    one_of("channels", channels, (None, *LAYOUTS))
    is_last, is_first = (len(shape) in (3, 4) and shape[i] <= MOST_CHANNELS for i in (-1, -3))
    if 0 in shape:
        raise ImageError(f"Expected at least one photo with pixels. Received: shape={shape}")
    fits = {"last": is_last, "first": is_first, "none": len(shape) in (2, 3)}
    if channels is None and len(shape) == 3:
        fits["none"] = not is_last  # (3, H, W) may be three gray photos as well
    found = [name for name, right in fits.items() if right and channels in (None, name)]
    if len(found) != 1 or (channels is None and found == ["none"] and shape[2:]):
        raise ImageError(
            "Expected photos (N, H, W, C) or (H, W, C), channels first, or gray without channels "
            f"(N, H, W). Received: shape={shape}, channels={channels!r}; say channels='last', "
            "'first' or 'none'."
        )
    return found[0]


def _to_last(array, layout):
    """The same as a batch, `(N, H, W)` or `(N, H, W, C)`."""
    if array.ndim == (2 if layout == "none" else 3):
        array = array[None]
    return np.moveaxis(array, 1, -1) if layout == "first" else array


def _checked(range):
    pair = isinstance(range, tuple | list) and len(range) == 2 and all(map(is_number, range))
    if not pair or not range[0] < range[1]:
        raise ValueError(
            "Expected a range (low, high), the values of black and white. "
            f"Received: range={shortened(range)}"
        )
    return map(float, range)


def _scaled(array, range):
    low, high = _checked(range)
    if array.dtype.kind not in "uif":
        hint = "; array.astype(np.float32) first" if "float" in array.dtype.name else ""
        raise ImageError(f"Expected numbers. Received: images of dtype {array.dtype}{hint}")
    scaled = ((array - np.float64(low)) / (high - low)).astype(np.float32)
    if not (scaled.min() >= -OVERSHOOT and scaled.max() <= 1 + OVERSHOOT):
        raise ImageError(
            f"Expected values from {low:g} to {high:g}. "
            f"Received: {array.min():g} to {array.max():g}; say their range."
        )
    return scaled.clip(0, 1)
