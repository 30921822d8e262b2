"""Bits of another method as a mark on the outputs of a model."""

import math

import numpy as np

from tfwm.images import ImageError
from tfwm.images.quality import psnr as measure_psnr
from tfwm.marking.strength import find_strength
from tfwm.metrics import watermark_similarity

PSNR_TOLERANCE = 0.1


class BitMark:
    """Bits of another method as a mark on a model's outputs: beside a barrier, the same bench.

    Every image gets the same bits, as the outputs of one model do. They are a picture of black
    and white squares too, so that `ownership_row` and `OwnershipBench` take it.

    Args:
        marker: `tfwm.evaluation.Marker`, such as `make_peer("spread spectrum")`.
        payload: bytes.
        strength: of the mark, the same in all images.

    Example:

    >>> from peers import make_peer
    >>> mark = BitMark(make_peer("spread spectrum"), b"12345678")
    >>> photos = np.full((2, 128, 128, 3), 0.5, np.float32)
    >>> mark.similarity(mark.mark(photos)).round(3).tolist()
    [1.0, 1.0]
    """

    def __init__(self, marker, payload, strength=1.0):
        # The reader of some methods must know the strength.
        self.marker = marker.tuned_to(float(strength))
        self.payload, self.strength = payload, float(strength)
        self.name = marker.name
        self.bits = np.unpackbits(np.frombuffer(payload, np.uint8))
        rows = max(n for n in range(1, math.isqrt(len(self.bits)) + 1) if len(self.bits) % n == 0)
        self.watermark = self.bits.reshape(rows, -1, 1).astype(np.float32)

    @classmethod
    def at_psnr(cls, marker, payload, images, psnr):
        """Returns the mark whose strength gives these uint8 images that mean PSNR, in dB."""

        def quality_at(strength):
            marked = cls(marker, payload, strength).mark(images)
            return float(np.mean(list(map(measure_psnr, images, marked))))

        strength, _ = find_strength(quality_at, psnr, PSNR_TOLERANCE)
        return cls(marker, payload, strength)

    def mark(self, images):
        """Returns the marked images, of the type of these: uint8, or float32 in [0, 1].

        Gray images are marked as gray color ones, and their mean over the channels counts.

        Args:
            images: `(batch, height, width, 1 or 3)`.
        """
        images = np.asarray(images)
        if images.dtype != np.uint8:
            pixels = np.uint8(np.rint(255 * np.clip(images, 0, 1)))
            return self.mark(pixels) / np.float32(255)
        marked = [self.marker.embed(i, self.payload, self.strength) for i in _colors(images)]
        if images.shape[-1] == 3:
            return np.stack(marked)
        return np.uint8(np.rint(np.mean(marked, -1, keepdims=True)))

    def read_bits(self, images):
        """Returns the bits of each image, `(batch, bits)`; 0.5 where nothing could be read."""
        read = [self.marker.read(image).bits for image in _colors(np.asarray(images))]
        nothing = np.full(len(self.bits), 0.5)
        return np.stack([nothing if bits is None else np.float64(bits) for bits in read])

    def read(self, images):
        """Returns the bits of each image as a picture, `(batch, *watermark.shape)`."""
        return self.read_bits(images).reshape(-1, *self.watermark.shape)

    def similarity(self, images):
        """Returns the similarity of the bits and those read, one number an image."""
        return watermark_similarity(self.watermark, self.read(images))

    def bit_row(self, images):
        """Returns what bits tell besides `ownership_row`.

        Args:
            images: uint8 `(batch, height, width, 1 or 3)`.

        Returns:
            dict: `exact`, the share of images whose bits are all right, which is the paper's
            success; `bit_accuracy`, the mean; `pooled_accuracy`, that of each bit's majority
            over all images.
        """
        read = self.read_bits(images)
        right, pooled = read == self.bits, read.mean(0)
        return {
            "exact": float(right.all(1).mean()),
            "bit_accuracy": float(right.mean()),
            "pooled_accuracy": float(((pooled > 0.5) == self.bits).mean()),
        }

    def fits(self, shape):
        """Returns why images of a shape `(height, width, channels)` cannot be marked, or `None`."""
        try:
            self.mark(np.full((1, *shape), 128, np.uint8))
        except ImageError as error:
            return str(error)
        return None


def _colors(images):
    """uint8 images in three channels, one after the other."""
    for image in images:
        yield np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))
