"""What barriers and keyed networks share: a picture as the watermark, read from images."""

import io

import numpy as np
import tensorflow as tf
from PIL import Image

from tfwm.metrics import watermark_similarity
from tfwm.protection.watermark_barrier import resized

WATERMARK = "watermark.png"
# Images that a network takes at once.
BATCH = 16


class PictureReader:
    """Base of what reads a picture from images of any size.

    Args:
        watermark: array `(height, width, 1 or 3)` in [0, 1], the picture.
        image_size: `(height, width)` to which images are squeezed before they are read.
        channels: channels of its images, 1 gray or 3 color.
        name: what reports call it.
        card: what is known about it, `{}` if nothing.
    """

    def __init__(self, watermark, image_size, channels, name, card=None):
        self.watermark = np.asarray(watermark, np.float32)
        self.image_size = tuple(image_size)
        self.channels = channels
        self.name = name
        self.card = card or {}

    def squeezed(self, images):
        """Returns images at the size at which they are read.

        Args:
            images: `(batch, height, width, channels)`, or a list of `(height, width, channels)` of
                any sizes: floats in [0, 1] or uint8.

        Returns:
            float32 array `(batch, *image_size, channels)` in [0, 1].
        """
        if isinstance(images, list | tuple):
            return np.concatenate([self.squeezed(np.asarray(image)[None]) for image in images])
        images = as_floats(images, self.channels)
        return resized(tf.constant(images), self.image_size).numpy()

    def read(self, images):
        """Returns what is read, `(batch, *watermark.shape)` in [0, 1], from images as above."""
        raise NotImplementedError

    def similarity(self, images):
        """Returns how much of the watermark is read, in [-1, 1], one number an image.

        See `tfwm.metrics.watermark_similarity`.
        """
        return watermark_similarity(self.watermark, self.read(images))

    def __repr__(self):
        return f"{type(self).__name__}({self.name!r})"


def as_floats(images, channels):
    """Returns checked images as float32 `(batch, height, width, channels)` in [0, 1]."""
    images = np.asarray(images)
    if images.ndim != 4 or not len(images) or images.shape[-1] != channels:
        raise ValueError(
            f"Expected images (batch, height, width, {channels}). "
            f"Received: images of shape {images.shape}"
        )
    if images.dtype == np.uint8:
        images = images / np.float32(255)
    return images.astype(np.float32, copy=False)


def in_batches(function, images):
    """Returns a `tf.function` of all images, a few at a time, as an array."""
    parts = [images[i : i + BATCH] for i in range(0, len(images), BATCH)]
    return np.concatenate([function(tf.constant(part)).numpy() for part in parts])


def encode_watermark(watermark):
    """Returns a watermark `(height, width, 1 or 3)` in [0, 1] as the bytes of a PNG."""
    buffer = io.BytesIO()
    pixels = np.uint8(np.round(255 * watermark))
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG")
    return buffer.getvalue()


def read_watermark(folder):
    """Returns the watermark in a network's folder, float32 `(height, width, 1 or 3)`."""
    with Image.open(folder / WATERMARK) as picture:
        return np.atleast_3d(np.asarray(picture, np.float32) / 255)
