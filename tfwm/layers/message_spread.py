import math

import keras
import numpy as np
import tensorflow as tf

PERIOD = 2


@keras.saving.register_keras_serializable(package="tfwm")
class MessageSpread(keras.layers.Layer):
    """Repeats the bits of each tile over its whole area, and sums the readings again.

    A tile is a square grid of places. The bits are dealt to the four places of a 2 x 2 square,
    in turn, and the squares are all alike: so a window of 3 x 3 places holds every bit. It is
    a fixed diffusion, and `inverse` its transpose; nothing is learned.

    Args:
        length: bits of a tile.
        side: places along a side of a tile, even.

    Call arguments:
        inputs: signs of the bits `(batch, tile rows, tile columns, length)`; with `inverse`
            logits `(batch, tile rows * side, tile columns * side, channels)`.
        inverse: whether to sum the logits of each bit.

    Output shape:
        That of the other.

    Attributes:
        channels: bits of a place, `ceil(length / 4)`. Where the bits do not come out even, the
            first ones fill up.

    Example:

    >>> spread = MessageSpread(30, 16)
    >>> places = spread(np.ones((1, 1, 2, 30), "float32"))
    >>> tuple(places.shape), tuple(spread(places, inverse=True).shape)
    ((1, 16, 32, 8), (1, 1, 2, 30))
    """

    def __init__(self, length, side, **kwargs):
        super().__init__(**kwargs)
        if length < 1 or side < PERIOD or side % PERIOD:
            raise ValueError(
                "Expected at least one bit and an even number of places. "
                f"Received: length={length!r}, side={side!r}"
            )
        self.length = length
        self.side = side
        self.channels = math.ceil(length / PERIOD**2)
        dealt = np.arange(self.channels * PERIOD**2) % length
        self._dealing = np.eye(length, dtype="float32")[dealt].T

    def call(self, inputs, inverse=False):
        dealing = tf.cast(self._dealing, inputs.dtype)
        squares = self.side // PERIOD
        if inverse:
            x = tf.nn.space_to_depth(inputs, PERIOD)
            x = tf.nn.avg_pool2d(x, squares, squares, "VALID") * squares**2
            return tf.nn.conv2d(x, tf.transpose(dealing)[None, None], 1, "VALID")
        x = tf.nn.conv2d(inputs, dealing[None, None], 1, "VALID")
        x = tf.repeat(tf.repeat(x, squares, axis=1), squares, axis=2)
        return tf.nn.depth_to_space(x, PERIOD)

    def compute_output_spec(self, inputs, inverse=False):
        batch, rows, columns, _ = inputs.shape
        resize = (lambda n: n // self.side) if inverse else (lambda n: n * self.side)
        sides = [None if n is None else resize(n) for n in (rows, columns)]
        channels = self.length if inverse else self.channels
        return keras.KerasTensor((batch, *sides, channels), dtype=self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "length": self.length, "side": self.side}
