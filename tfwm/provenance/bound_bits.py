"""What pictures ask for in the bound cells of their marks, inside a graph."""

import keras
import numpy as np
import tensorflow as tf

from tfwm.layers.base import Configured
from tfwm.marking.binding import LEVELS, SURROUNDINGS, THRESHOLD, waves
from tfwm.payload.layout import CONTENT_BITS


@keras.saving.register_keras_serializable(package="tfwm")
class BoundBits(Configured, keras.layers.Layer):
    """Binds messages to pictures as `tfwm.marking.binding.asked` does.

    What the key answers to each of `2 ** CONTENT_BITS` contents is a weight of the layer: whoever
    has it can bind marks as the key does, and cannot tell the key.

    Args:
        places: the slots that are bound, in the key's order.
        tile: `(rows, columns, bits)` of cells that carry all slots.
        block: `(rows, columns)` of a cell in pixels.
        answers: uint8, a bit for each content of each bound slot, as `Codec.bound_answers` has
            them; `None` where they come with saved weights.

    Call arguments:
        image: `(batch, H, W, channels)` floats in [0, 1], H and W multiples of a cell.
        message: `(batch, H / rows, W / columns, bits)` of 0 and 1.

    Returns:
        The message, with other bits in the bound cells.
    """

    def __init__(self, places, tile, block, answers=None, **kwargs):
        super().__init__(**kwargs)
        self.places = [int(place) for place in places]
        self.tile, self.block = tuple(tile), tuple(block)
        self._answers = answers

    def build(self, input_shape=None):
        size = len(self.places) << CONTENT_BITS - 3
        given = np.zeros(size, np.uint8) if self._answers is None else self._answers
        self.table = self.add_weight(
            name="answers",
            shape=(size,),
            dtype="uint8",
            initializer=lambda *_, **__: tf.constant(given),
            trainable=False,
        )
        self.built = True

    def call(self, image, message):
        grid = tf.shape(message)[1:3]
        slots = np.full(np.prod(self.tile), -1)
        slots[self.places] = np.arange(len(self.places))
        numbers = tf.constant(slots.reshape(self.tile), tf.int32)
        numbers = tf.gather(numbers, tf.range(grid[0]) % self.tile[0])
        numbers = tf.gather(numbers, tf.range(grid[1]) % self.tile[1], axis=1)
        entries = tf.maximum(numbers, 0) * 2**CONTENT_BITS + self._values(image)
        answers = tf.gather(tf.convert_to_tensor(self.table), entries // 8)
        bits = tf.bitwise.right_shift(tf.cast(answers, tf.int32), entries % 8) % 2
        return tf.where(numbers < 0, message, tf.cast(bits, message.dtype))

    def _values(self, image):
        """The bits of what is seen around each cell, `(batch, rows, columns, 1)` int32."""
        rows, columns = self.block
        gray = LEVELS * tf.reduce_mean(image, axis=-1, keepdims=True)
        means = tf.nn.avg_pool2d(gray, (rows, columns), (rows, columns), "VALID")
        for _ in range(SURROUNDINGS // 2):  # the last cells go on
            means = tf.pad(means, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
        seen = tf.nn.conv2d(means, tf.constant(_kernels()), 1, "VALID")
        powers = 1 << np.arange(CONTENT_BITS, dtype=np.int32)
        return tf.reduce_sum(tf.where(seen > 0, powers, 0), axis=-1, keepdims=True)


def _kernels():
    """What to sum up for how far each bit exceeds its threshold, `(side, side, 1, bits)`."""
    kernels = np.stack(waves()) - THRESHOLD / SURROUNDINGS**2
    return np.moveaxis(kernels, 0, -1)[:, :, None].astype(np.float32)
