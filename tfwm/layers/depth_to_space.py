import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tfwm")
class DepthToSpace(keras.layers.Layer):
    """Lays the channels of each place out as a square of places.

    After a 1 x 1 convolution it equals a transposed convolution whose kernel and stride are
    `block_size`, and is several times as fast on CPUs. `SpaceToDepth` is its inverse.

    Args:
        block_size: side of the square.

    Input shape:
        `(batch, rows, columns, block_size**2 * channels)`.

    Output shape:
        `(batch, rows * block_size, columns * block_size, channels)`.

    Example:

    >>> tuple(DepthToSpace(2)(np.ones((1, 3, 4, 32), "float32")).shape)
    (1, 6, 8, 8)
    """

    def __init__(self, block_size, **kwargs):
        super().__init__(**kwargs)
        self.block_size = block_size

    def call(self, inputs):
        return tf.nn.depth_to_space(inputs, self.block_size)

    def compute_output_shape(self, input_shape):
        batch, rows, columns, channels = input_shape
        sides = [None if n is None else n * self.block_size for n in (rows, columns)]
        return (batch, *sides, channels // self.block_size**2)

    def get_config(self):
        return {**super().get_config(), "block_size": self.block_size}


@keras.saving.register_keras_serializable(package="tfwm")
class SpaceToDepth(keras.layers.Layer):
    """Gathers each square of places into the channels of one; the inverse of `DepthToSpace`.

    Args:
        block_size: side of the square.

    Input shape:
        `(batch, rows * block_size, columns * block_size, channels)`.

    Output shape:
        `(batch, rows, columns, block_size**2 * channels)`.

    Example:

    >>> tuple(SpaceToDepth(2)(np.ones((1, 6, 8, 8), "float32")).shape)
    (1, 3, 4, 32)
    """

    def __init__(self, block_size, **kwargs):
        super().__init__(**kwargs)
        self.block_size = block_size

    def call(self, inputs):
        return tf.nn.space_to_depth(inputs, self.block_size)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        sides = [None if n is None else n // self.block_size for n in (height, width)]
        return (batch, *sides, channels * self.block_size**2)

    def get_config(self):
        return {**super().get_config(), "block_size": self.block_size}
