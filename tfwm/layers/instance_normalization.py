import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tfwm")
class InstanceNormalization(keras.layers.Layer):
    """Gives each channel of each image mean 0 and variance 1 over its pixels.

    By default without learned scale and offset, as StegaStamp's successor has it. It is
    `keras.layers.GroupNormalization(groups=-1, center=affine, scale=affine)` with fewer passes
    over the features; statistics are of float32.

    References: Ulyanov, Vedaldi and Lempitsky, "Instance Normalization", 2016.

    Args:
        epsilon: added to the variance.
        affine: whether each channel has a learned scale and offset.

    Input shape:
        `(batch, height, width, channels)`, or `(batch, features)`, normalised over its features.

    Output shape:
        That of the input.

    Example:

    >>> x = InstanceNormalization()(np.array([[[[1.0], [3.0]]]], "float32"))
    >>> x.numpy().ravel().round(3).tolist()
    [-1.0, 1.0]
    """

    def __init__(self, epsilon=1e-5, affine=False, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.affine = affine

    def build(self, input_shape):
        if self.affine:
            shape = (input_shape[-1],)
            self.gamma = self.add_weight(shape, "ones", name="gamma", autocast=False)
            self.beta = self.add_weight(shape, "zeros", name="beta", autocast=False)

    def call(self, inputs):
        axes = [1, 2] if len(inputs.shape) == 4 else [-1]
        x = tf.cast(inputs, tf.float32)
        mean = tf.reduce_mean(x, axes, keepdims=True)
        centred = x - mean
        variance = tf.reduce_mean(tf.square(centred), axes, keepdims=True)
        x = centred * tf.math.rsqrt(variance + self.epsilon)
        if self.affine:
            x = x * self.gamma + self.beta
        return tf.cast(x, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon, "affine": self.affine}
