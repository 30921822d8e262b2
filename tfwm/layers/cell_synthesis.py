import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tfwm")
class CellSynthesis(keras.layers.Layer):
    """Turns the features of cells into pixels, each cell's window fading into its neighbours'.

    The same as `Conv2DTranspose(1, 2 * cell, cell, padding="same", use_bias=False)`, weights
    included, computed as a 3 x 3 convolution over cells: several times as fast on CPUs.

    Args:
        cell: side of a cell in pixels, even.

    Input shape:
        `(batch, rows, columns, channels)`.

    Output shape:
        `(batch, rows * cell, columns * cell, 1)`.

    Example:

    >>> tuple(CellSynthesis(8)(np.ones((1, 3, 4, 16))).shape)
    (1, 24, 32, 1)
    """

    def __init__(self, cell=8, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(cell, int) or cell < 2 or cell % 2:
            raise ValueError(f"Expected an even number of pixels. Received: cell={cell!r}")
        self.cell = cell

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel", shape=(2 * self.cell, 2 * self.cell, 1, input_shape[-1])
        )

    def call(self, inputs):
        cell, half = self.cell, self.cell // 2
        windows = tf.pad(self.kernel[:, :, 0], [[half, half], [half, half], [0, 0]])
        channels = windows.shape[-1]
        blocks = tf.reshape(windows, (3, cell, 3, cell, channels))[::-1, :, ::-1]
        kernel = tf.reshape(tf.transpose(blocks, (0, 2, 4, 1, 3)), (3, 3, channels, cell * cell))
        pixels = tf.nn.conv2d(inputs, tf.cast(kernel, inputs.dtype), 1, "SAME")
        return tf.nn.depth_to_space(pixels, cell)

    def compute_output_shape(self, input_shape):
        batch, rows, columns, _ = input_shape
        sides = [None if n is None else n * self.cell for n in (rows, columns)]
        return (batch, *sides, 1)

    def get_config(self):
        return {**super().get_config(), "cell": self.cell}
