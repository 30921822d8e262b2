"""A trained barrier in use."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from tfwm.export import package_network
from tfwm.metrics import watermark_similarity
from tfwm.networks import find_keras_models, network_directory, read_card, read_keras_models
from tfwm.protection.watermark_barrier import WatermarkBarrier, resized
from tfwm.protection.watermark_file import WATERMARK, encode_watermark, read_watermark

# Images that are marked or read at once.
BATCH = 16


class Barrier:
    """Marks images with one picture, the watermark, and reads it from copies of them.

    Args:
        embedder: model from `{"image", "message", "strength"}` to the watermarked image.
        extractor: model from an image to the watermark.
        watermark: array `(height, width, 1 or 3)` in [0, 1].
        name: what reports call it.
        card: what is known about it, `{}` if nothing.

    Example:

    >>> from tfwm.models import barrier as models
    >>> embedder = models.build_embedder(width=4, depth=2, residual_limit=0.1)
    >>> barrier = Barrier(embedder, models.build_extractor(width=4), np.zeros((32, 32, 3)))
    >>> marked = barrier.mark(np.full((1, 50, 70, 3), 0.5, "float32"))
    >>> barrier.read(marked).shape
    (1, 32, 32, 3)
    """

    def __init__(self, embedder, extractor, watermark, name="barrier", card=None):
        self.embedder = embedder
        self.extractor = extractor
        self.watermark = np.asarray(watermark, np.float32)
        self.name = name
        self.card = card or {}
        layer = WatermarkBarrier(embedder, self.watermark)
        self._mark = tf.function(layer, reduce_retracing=True)
        self._read = tf.function(self._read_batch, reduce_retracing=True)

    @property
    def channels(self):
        """Channels of its images, 1 gray or 3 colour."""
        return self.embedder.output_shape[-1]

    def mark(self, images):
        """Returns the marked images, float32 `(batch, height, width, channels)` in [0, 1].

        Args:
            images: the same shape, floats in [0, 1] or uint8.
        """
        return self._in_batches(self._mark, images)

    def read(self, images):
        """Returns what the extractor reads, `(batch, *watermark.shape)`, from images as above."""
        return self._in_batches(self._read, images)

    def similarity(self, images):
        """Returns how much of the watermark is read, in [-1, 1], one number an image.

        See `tfwm.metrics.watermark_similarity`.
        """
        return watermark_similarity(self.watermark, self.read(images))

    def package(self, directory):
        """Writes the barrier in every form that a network has; returns its folder.

        The signatures are those of all networks: `embed(image, message, strength)`, where the
        message is the watermark, `watermark.png` beside it, and `extract(image)`, whose
        `logits` are the watermark as it is read. Images are those that were squeezed already.

        Args:
            directory: folder to write.
        """
        files = {WATERMARK: encode_watermark(self.watermark)}
        return package_network(self.embedder, self.extractor, directory, self.card, files)

    def _read_batch(self, images):
        small = resized(images, self.watermark.shape[:2])
        return tf.clip_by_value(self.extractor(small, training=False), 0.0, 1.0)

    def _in_batches(self, function, images):
        images = np.asarray(images)
        if images.ndim != 4 or not len(images):
            raise ValueError(
                "Expected images (batch, height, width, channels). "
                f"Received: images of shape {images.shape}"
            )
        if images.dtype == np.uint8:
            images = images / np.float32(255)
        parts = [images[i : i + BATCH] for i in range(0, len(images), BATCH)]
        return np.concatenate([function(tf.constant(p, tf.float32)).numpy() for p in parts])

    def __repr__(self):
        return f"Barrier({self.name!r})"


def load_barrier(name_or_path):
    """Opens a barrier that comes with tfwm, or that a recipe wrote, by name or folder.

    Example:

    >>> load_barrier("barrier-derain").name  # doctest: +SKIP
    'barrier-derain'
    """
    folder = Path(network_directory(name_or_path))
    if not (folder / WATERMARK).is_file():
        raise ValueError(
            f"Expected a barrier, a network's folder with a {WATERMARK}. Received: {folder}"
        )
    embedder, extractor = read_keras_models(find_keras_models(folder))
    card = read_card(folder)
    return Barrier(embedder, extractor, read_watermark(folder), card["name"], card)
