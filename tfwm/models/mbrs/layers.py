"""MBRS's own layers: squeeze and excitation, and a message spread over many places."""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tfwm.layers.base import Configured


@keras.saving.register_keras_serializable(package="tfwm")
class MessageSpread(Configured, keras.layers.Layer):
    """Repeats the bits of each tile over its whole area; inversely, sums what each place reads.

    A tile is a square grid of places. The bits form a rectangle, one bit in each place, and the
    rectangle repeats over the tile, so any part of the tile of that size holds every bit. This
    is a fixed form of MBRS's diffusion (section 4.3), and `inverse` is its transpose. Nothing
    is learned.

    Args:
        length: bits of a tile.
        side: places along a side of a tile; `side**2` is at least `length`.

    Call arguments:
        inputs: signs of the bits `(batch, tile rows, tile columns, length)`; with `inverse`
            logits `(batch, tile rows * side, tile columns * side, 1)`.
        inverse: whether to sum the logits of each bit.

    Output shape:
        The other of the two shapes above.

    Attributes:
        rectangle: `(rows, columns)`, as square as possible. If it has more places than there
            are bits, the first bits repeat in the rest.

    Example:

    >>> spread = MessageSpread(30, 32)
    >>> places = spread(np.ones((1, 1, 2, 30), "float32"))
    >>> tuple(places.shape), tuple(spread(places, inverse=True).shape), spread.rectangle
    ((1, 32, 64, 1), (1, 1, 2, 30), (5, 6))
    """

    def __init__(self, length, side, **kwargs):
        super().__init__(**kwargs)
        if length < 1 or side**2 < length:
            raise ValueError(
                "Expected a length of at least 1 and at most side**2. "
                f"Received: length={length!r}, side={side!r}"
            )
        self.length = length
        self.side = side
        rows = math.isqrt(length)
        self.rectangle = (rows, math.ceil(length / rows))
        row, column = np.mgrid[:side, :side]
        bit = row % self.rectangle[0] * self.rectangle[1] + column % self.rectangle[1]
        self._bit_of_place = bit.ravel() % length

    def call(self, inputs, inverse=False):
        places = np.eye(self.length, dtype="float32")[self._bit_of_place]
        places = tf.constant(places[None, None], inputs.dtype)
        if inverse:
            return tf.nn.conv2d(tf.nn.space_to_depth(inputs, self.side), places, 1, "VALID")
        x = tf.nn.conv2d(inputs, tf.transpose(places, (0, 1, 3, 2)), 1, "VALID")
        return tf.nn.depth_to_space(x, self.side)

    def compute_output_spec(self, inputs, inverse=False):
        batch, rows, columns, _ = inputs.shape
        resize = (lambda n: n // self.side) if inverse else (lambda n: n * self.side)
        sides = [None if n is None else resize(n) for n in (rows, columns)]
        shape = (batch, *sides, self.length if inverse else 1)
        return keras.KerasTensor(shape, dtype=self.compute_dtype)


@keras.saving.register_keras_serializable(package="tfwm")
class SqueezeExcite(Configured, keras.layers.Layer):
    """Scales each channel by a gate that depends on the means of all channels.

    Hu, Shen and Sun, "Squeeze-and-excitation networks", CVPR 2018; MBRS's blocks
    contain it (section 3.2).

    Args:
        ratio: the hidden layer has `channels // ratio` units, at least one.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        That of the input.

    Example:

    >>> tuple(SqueezeExcite()(np.ones((2, 8, 12, 16), "float32")).shape)
    (2, 8, 12, 16)
    """

    def __init__(self, ratio=8, **kwargs):
        super().__init__(**kwargs)
        if ratio < 1:
            raise ValueError(f"Expected a ratio of at least 1. Received: ratio={ratio!r}")
        self.ratio = ratio

    def build(self, input_shape):
        channels = input_shape[-1]
        hidden = max(channels // self.ratio, 1)
        policy = self.dtype_policy
        self.squeeze = keras.layers.Dense(hidden, activation="relu", dtype=policy)
        self.excite = keras.layers.Dense(channels, activation="sigmoid", dtype=policy)
        self.squeeze.build((None, channels))
        self.excite.build((None, self.squeeze.units))

    def call(self, inputs):
        gate = self.excite(self.squeeze(ops.mean(inputs, axis=(1, 2))))
        return inputs * gate[:, None, None]

    def compute_output_shape(self, input_shape):
        return input_shape
