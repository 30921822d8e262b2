"""A Keras layer that marks pictures inside a graph, as the last step of a generator."""

import math

from tfwm.startup import import_tensorflow

import_tensorflow()  # silently, as `tfwm.provenance` hands this module out with the rest

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from tfwm.layers.base import Configured  # noqa: E402
from tfwm.marking import natural_scale, tiling_of  # noqa: E402
from tfwm.marking.filtered import check_unfiltered  # noqa: E402
from tfwm.networks import KerasNetwork, read_keras_models  # noqa: E402
from tfwm.ops.color import add_to_luma, rgb_to_gray  # noqa: E402
from tfwm.ops.resample import apply_separable, bicubic_matrix  # noqa: E402
from tfwm.provenance.bound_bits import BoundBits  # noqa: E402


@keras.saving.register_keras_serializable(package="tfwm")
class StampLayer(Configured, keras.layers.Layer):
    """Marks pictures as `tfwm.Watermarker` does, for graphs that are exported or served.

    `Stamper.layer` makes one. The sides of the pictures are fixed when the layer is built. What it
    marks is not read back: `Stamper` does that, and raises the strength. The bits of its message
    lie in the graph, and what binds it to each picture; the key does not. Nothing of it is trained,
    and gradients pass through.

    Args:
        embedder: Keras model of a network that carries messages in blocks of a photo.
        slots: bits of the message, see `Stamper.slots`, a list or array of 0 and 1.
        tile: `(rows, columns, bits)` of cells that carry all slots, see `tfwm.marking.Tiling`.
        block: `(rows, columns)` of a cell in pixels.
        patch: `(rows, columns)`: marked sides are multiples of these.
        strength: factor on the mark.
        range: `(low, high)`, the values of black and white; (0, 1) by default.
        bound: `BoundBits` that binds marks to their pictures, or `None`.

    Call arguments:
        images: `(batch, H, W, 1 or 3)` floats.
        slots: `(batch, slots)` of 0 and 1: another message for each picture. `None` takes the
            layer's.

    Returns:
        The marked images, float32, clipped to the range.

    Example:

    >>> layer = Stamper("acme-image", "2.1", key="secret").layer()
    >>> tuple(layer(np.random.default_rng(0).random((1, 256, 256, 3))).shape)
    (1, 256, 256, 3)
    """

    def __init__(
        self,
        embedder,
        slots,
        tile,
        block,
        patch,
        strength=1.0,
        range=None,
        bound=None,
        **kwargs,
    ):
        super().__init__(dtype="float32", **{k: v for k, v in kwargs.items() if k != "dtype"})
        self.embedder, self.tile = embedder, tuple(tile)
        self.slots = np.asarray(slots, np.uint8)
        self.block, self.patch = tuple(block), tuple(patch)
        self.strength, self.range = float(strength), range
        self.bound = bound
        self.embedder.trainable = False
        if self.slots.shape != (self._count,) or self.slots.max() > 1:
            raise ValueError(
                f"Expected slots as Stamper.slots gives them: {self._count} of 0 and 1. "
                f"Received: shape {self.slots.shape}"
            )

    @property
    def _count(self):
        return math.prod(self.tile)

    @classmethod
    def of(cls, network, slots, codec=None, **kwargs):
        """Makes the layer of a `tfwm.networks.Network` that has Keras files.

        Args:
            network: of the kind `"message"`, on disk or in memory, that marks blocks.
            slots: see the class, also for the others.
            codec: `tfwm.payload.Codec` that made the slots; if it is `bound`, marks are.
        """
        if network.whole:
            raise ValueError(
                "Expected a network that marks blocks of a photo, such as photo. "
                f"Received: {network.name}, which squeezes photos to its own size"
            )
        check_unfiltered(network, "the layer does not have the key")
        is_keras = isinstance(network, KerasNetwork)
        embedder = network.embedder if is_keras else read_keras_models(network.path)[0]
        block, patch = network.block_shape, network.patch_shape
        tile = tiling_of(network).shape
        if codec is not None and codec.bound:
            kwargs["bound"] = BoundBits(codec.bound_places, tile, block, codec.bound_answers)
        return cls(embedder, slots, tile, block, patch, **kwargs)

    def build(self, input_shape):
        height, width, channels = input_shape[1:]
        if None in (height, width) or channels not in (1, 3):
            raise ValueError(
                "Expected images (batch, height, width, 1 or 3) with fixed sides. "
                f"Received: shape {tuple(input_shape)}"
            )
        scale = natural_scale(height, width)
        sides = [int(n * scale + 1e-6) for n in (height, width)]
        marked = [n // p * p for n, p in zip(sides, self.patch, strict=True)]
        if not all(marked):
            raise ValueError(
                f"Expected images of at least {self.patch[1]} x {self.patch[0]} pixels. "
                f"Received: {width} x {height}"
            )
        self._down, self._up, self._rows = [], [], []
        for whole, side, part, block, tile in zip(
            (height, width), sides, marked, self.block, self.tile, strict=False
        ):
            covered = min(int(part / scale + 1e-6), whole)
            down = bicubic_matrix(whole, side, min(side / scale, whole))[:part]
            up = bicubic_matrix(part, covered, min(covered * scale, part))
            self._down.append(down)
            self._up.append(tf.pad(up, [[0, whole - covered], [0, 0]]))
            self._rows.append(np.arange(part // block) % tile)
        self._resized = scale != 1.0
        self.built = True

    def call(self, images, slots=None):
        self._check(images, slots)
        low, high = self.range or (0.0, 1.0)
        pixels = (tf.cast(images, tf.float32) - low) / (high - low)
        pixels = tf.clip_by_value(pixels, 0.0, 1.0)
        seen = _seen(pixels, self.embedder)
        before = self._shrunk(seen)
        batch = tf.shape(pixels)[0]
        bits = tf.constant(self.slots[None], tf.float32) if slots is None else slots
        tiles = tf.reshape(tf.cast(bits, tf.float32), (-1, *self.tile))
        message = tf.gather(tf.gather(tiles, self._rows[0], axis=1), self._rows[1], axis=2)
        message = tf.broadcast_to(message, (batch, *message.shape[1:]))
        if self.bound:
            message = self.bound(before, message)
        inputs = {"image": before, "message": message, "strength": tf.ones((batch,))}
        after = tf.cast(self.embedder(inputs, training=False), tf.float32)
        change = self._grown(tf.clip_by_value(after, 0.0, 1.0) - before) * self.strength
        if change.shape[-1] == 1:
            marked = add_to_luma(pixels, change)
        else:
            marked = tf.clip_by_value(pixels + change, 0.0, 1.0)
        return low + marked * (high - low)

    def _check(self, images, slots):
        """Raises `ValueError` for shapes that are known when the graph is made and do not fit."""
        batch = images.shape[0]
        if batch == 0:
            raise ValueError(f"Expected at least one image. Received: shape {tuple(images.shape)}")
        given = None if slots is None else tuple(np.shape(slots))
        if given is not None and (
            len(given) != 2
            or given[1] not in (None, self._count)
            or (given[0] not in (None, 1, batch) and batch is not None)
        ):
            raise ValueError(
                f"Expected slots (batch, {self._count}) for images of shape {tuple(images.shape)}. "
                f"Received: shape {given}"
            )

    def _shrunk(self, image):
        if self._resized:
            return tf.clip_by_value(apply_separable(image, *self._down), 0.0, 1.0)
        return image[:, : self._down[0].shape[0], : self._down[1].shape[0]]

    def _grown(self, change):
        if self._resized:
            return apply_separable(change, *self._up)
        room = [m.shape[0] - m.shape[1] for m in self._up]
        return tf.pad(change, [[0, 0], [0, room[0]], [0, room[1]], [0, 0]])

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)


def _seen(pixels, embedder):
    """What the network marks: luma, or R, G and B."""
    channels = next(x for x in embedder.inputs if x.name == "image").shape[-1]
    if channels == pixels.shape[-1]:
        return pixels
    if channels == 3:
        raise ValueError("Expected color images for a network of R, G and B. Received: gray ones")
    return rgb_to_gray(pixels)
