import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tfwm")
class ReflectionPadding(keras.layers.Layer):
    """Continues an image beyond its borders by its mirror image.

    Johnson, Alahi and Fei-Fei's networks (2016) and those after them pad so, and not by zeros,
    before wide convolutions: no frame shows in what they put out.

    Args:
        size: pixels added on each side, fewer than the image has.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        `(batch, height + 2 * size, width + 2 * size, channels)`.

    Example:

    >>> row = np.array([1.0, 2.0, 3.0], "float32").reshape(1, 1, 3, 1)
    >>> row = np.repeat(row, 2, axis=1)
    >>> ReflectionPadding(1)(row).numpy()[0, 0, :, 0].tolist()
    [2.0, 1.0, 2.0, 3.0, 2.0]
    """

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(size, int) or size < 0:
            raise ValueError(f"Expected a size that is an integer from 0. Received: size={size!r}")
        self.size = size

    def call(self, inputs):
        sides = [self.size, self.size]
        return tf.pad(inputs, [[0, 0], sides, sides, [0, 0]], "REFLECT")

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        sides = [None if n is None else n + 2 * self.size for n in (height, width)]
        return (batch, *sides, channels)

    def get_config(self):
        return {**super().get_config(), "size": self.size}
