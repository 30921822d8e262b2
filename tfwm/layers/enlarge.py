import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tfwm")
class Enlarge(keras.layers.Layer):
    """Bilinear interpolation of images of any size, by a whole factor.

    As `keras.layers.UpSampling2D(interpolation="bilinear")`, which Keras 3.15 cannot export
    for images of unknown size.

    Args:
        scale: whole number by which the sides grow.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        `(batch, scale * height, scale * width, channels)`, float32.

    Example:

    >>> row = np.array([0.0, 1.0], "float32").reshape(1, 1, 2, 1)
    >>> Enlarge(2)(row).numpy()[0, 0, :, 0].tolist()
    [0.0, 0.25, 0.75, 1.0]
    """

    def __init__(self, scale, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        if not isinstance(scale, int) or scale < 1:
            raise ValueError(f"Expected a scale that is an integer from 1. Received: {scale=}")
        self.scale = scale

    def call(self, inputs):
        return tf.image.resize(inputs, tf.shape(inputs)[1:3] * self.scale)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        sides = [None if n is None else n * self.scale for n in (height, width)]
        return (batch, *sides, channels)

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}
