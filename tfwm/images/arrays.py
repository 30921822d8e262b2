"""Arrays of images as floats, as 8-bit values and as planes."""

import numpy as np

from tfwm.checks import shortened

MOST_CHANNELS = 4


def largest_level(dtype):
    """Returns the level of white: 255 or 65535, and 1 for floats."""
    return 1 if dtype.kind == "f" else np.iinfo(dtype).max


def is_array(source):
    """Returns whether something is an array or tensor: of NumPy, TensorFlow, PyTorch, JAX."""
    if isinstance(source, np.ndarray):
        return True
    protocols = ("__array__", "__array_interface__", "__dlpack__")
    return hasattr(source, "shape") and any(hasattr(source, name) for name in protocols)


def as_array(source, name="array"):
    """Returns an array or tensor as a NumPy array, or raises `ValueError` in one line.

    Args:
        source: array, or what has `__array__`, `__array_interface__` or `__dlpack__`.
        name: of the argument, for the error.
    """
    try:
        if is_array(source) and not hasattr(source, "__array__"):
            return np.from_dlpack(source) if hasattr(source, "__dlpack__") else np.array(source)
        return np.asarray(source)
    except Exception as error:  # each library has types of its own; PyTorch says what to do
        raise ValueError(
            f"Expected an array, or a tensor in the computer's own memory. Received: {name} of "
            f"type {type(source).__name__}, which gives none: {shortened(str(error), 120)}"
        ) from error


def as_samples(images, name="images"):
    """Returns images as an array of uint8, uint16 or floats, or raises `ValueError`."""
    images = as_array(images, name)
    if images.dtype not in (np.uint8, np.uint16) and images.dtype.kind != "f":
        raise ValueError(
            "Expected an array of uint8, uint16 or floats in [0, 1]. "
            f"Received: {name} of dtype {images.dtype} and shape {images.shape}"
        )
    return images


def channels_first(shape):
    """Returns whether the shape of one photo can only be `(channels, height, width)`."""
    return len(shape) == 3 and shape[0] <= MOST_CHANNELS < shape[2]


def to_float(images):
    """Returns uint8, uint16 or floats as float32 in [0, 1]."""
    images = as_samples(images)
    return images.astype(np.float32) / np.float32(largest_level(images.dtype))


def to_uint8(images):
    """Returns floats in [0, 1], clipped, or uint16 as rounded uint8; uint8 as it is."""
    images = as_samples(images)
    if images.dtype == np.uint8:
        return images
    if images.dtype == np.uint16:
        return np.uint8(np.rint(images * np.float32(255 / 65535)))
    return np.uint8(np.rint(255 * np.clip(images, 0.0, 1.0)))


def plane(image):
    """Returns `(H, W, 1)` as `(H, W)`, which distortions and pictures take; color as it is."""
    return image[..., 0] if image.shape[-1] == 1 else image
