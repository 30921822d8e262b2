"""What barriers and keyed networks share: a picture as the watermark, read from images, decoded."""

import io

import numpy as np
import tensorflow as tf
from PIL import Image

from tfwm.checks import need
from tfwm.images import plane, to_uint8
from tfwm.metrics import watermark_similarity
from tfwm.ops.resample import apply_separable, resize_matrix
from tfwm.startup import check_fork

WATERMARK = "watermark.png"
LONGEST_SIDE = 2048
# Images that a network takes at once.
BATCH = 16
# Modules of QR codes of one or two pixels are found better when enlarged.
ENLARGED = (1, 4)


class PictureReader:
    """Base of what reads a picture from images of any size.

    Images of `channels` channels are looked at first, which keeps little of each: what is read,
    with any key, is read from that. Here it is the whole image, squeezed to `image_size`.
    """

    def __init__(self, watermark, image_size, channels, name, card=None):
        self.watermark = np.asarray(watermark, np.float32)
        self.image_size = tuple(image_size)
        self.channels = channels
        self.name = name
        self.card = card or {}

    def look(self, images):
        """Returns what `read_seen` needs of images, an array with a row for each.

        Args:
            images: `(batch, height, width, channels)`, or a list of `(height, width, channels)` of
                any sizes: floats in [0, 1] or uint8.
        """
        if isinstance(images, list | tuple):
            return np.concatenate([self.look(np.asarray(image)[None]) for image in images])
        return self._seen(as_floats(images, self.channels))

    def read(self, images):
        """Returns what is read, `(batch, *watermark.shape)` in [0, 1], from images as above."""
        return self.read_seen(self.look(images))

    def read_seen(self, seen):
        """Returns the same from what `look` returned."""
        raise NotImplementedError

    def _seen(self, images):
        return resized(tf.constant(images), self.image_size).numpy()

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


def in_batches(function, *arrays, size=BATCH):
    """Returns what a `tf.function` gives for the rows of arrays, a few at a time, as an array."""
    check_fork()
    parts = [[tf.constant(x[i : i + size]) for x in arrays] for i in range(0, len(arrays[0]), size)]
    return np.concatenate([function(*part).numpy() for part in parts])


def resized(image, size):
    """Bicubic and antialiased, as Pillow's; an image that has the size already is left alone.

    Bilinear weights took marks of two pixels' period. Matrices compile everywhere: XLA and TFLite
    lack the operation of `tf.image.resize(antialias=True)`.
    """
    check_fork()
    if all(isinstance(n, int) for n in size) and tuple(image.shape[1:3]) == tuple(size):
        return image
    pairs = zip(sides(image), size, strict=True)
    matrices = (resize_matrix(old, new, method="bicubic") for old, new in pairs)
    return apply_separable(image, *matrices)


def sides(image):
    """Returns height and width of a batch of images, integers where a graph knows them."""
    return tuple(n or tf.shape(image)[i] for i, n in enumerate(image.shape[1:3], 1))


def encode_watermark(watermark):
    """Returns a watermark `(height, width, 1 or 3)` in [0, 1] as the bytes of a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(plane(to_uint8(watermark))).save(buffer, "PNG")
    return buffer.getvalue()


def read_watermark(files):
    """Returns the watermark of a network's `NetworkFiles`, float32 `(height, width, 1 or 3)`."""
    data = files.read(WATERMARK)
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            if max(picture.size) > LONGEST_SIDE or picture.mode not in ("L", "RGB"):
                raise ValueError(f"it is of {picture.size} and {picture.mode}")
            return np.atleast_3d(np.asarray(picture, np.float32) / 255)
    except (OSError, ValueError, SyntaxError) as error:
        raise ValueError(
            f"{files.folder / WATERMARK} is damaged: expected a gray or RGB PNG of up to "
            f"{LONGEST_SIDE} x {LONGEST_SIDE} pixels"
        ) from error


def decode_qr(images):
    """Returns the text of the QR code in each image, or `None` where none is decoded.

    Uses ZXing (the package `zxing-cpp`) with its defaults. It adapts to the contrast: a code of a
    tenth of the full contrast on gray is decoded, half of that is not.

    Args:
        images: `(batch, height, width, channels)`, floats in [0, 1] or uint8.

    Returns:
        list of str or `None`.

    Example:

    >>> from tfwm.data import watermark_image
    >>> decode_qr(watermark_image("qr:tfwm", 64, 1)[None])
    ['tfwm']
    """
    zxingcpp = need("zxingcpp", "protect")
    formats = zxingcpp.BarcodeFormat.QRCode

    def decode(image):
        gray = np.uint8(np.round(image.mean(axis=-1)))
        for factor in ENLARGED:
            large = np.kron(gray, np.ones((factor, factor), np.uint8))
            found = zxingcpp.read_barcodes(large, formats=formats)
            if found:
                return found[0].text
        return None

    return [decode(image) for image in to_uint8(images)]
