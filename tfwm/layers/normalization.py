"""Batch and instance normalization, faster on CPUs than Keras's layers."""

import keras
import tensorflow as tf

from tfwm.layers.base import Configured


@keras.saving.register_keras_serializable(package="tfwm")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Normalizes batches over the last axis by TensorFlow's fused kernel.

    It is Keras's layer, computed in training by one operation instead of a dozen, which halves
    the time of a network of small convolutions on a CPU. The running variance averages the
    unbiased variances of the batches, as the kernel returns them. Statistics and weights are
    float32 for inputs of any precision; outputs have the type of the inputs. Replicas of a
    `tf.distribute` strategy normalize by their own batches and average the running statistics;
    Keras's layer keeps those of the first replica.

    Args:
        momentum: see `keras.layers.BatchNormalization`.
        epsilon: see `keras.layers.BatchNormalization`; the kernel needs at least 1e-5.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        That of the input.

    Example:

    >>> x = np.random.default_rng(0).normal(size=(2, 8, 12, 4)).astype("float32")
    >>> round(abs(float(np.mean(FusedBatchNormalization()(x, training=True)))), 3)
    0.0
    """

    def __init__(self, momentum=0.9, epsilon=1e-5, **kwargs):
        if others := sorted(kwargs.keys() - {"name", "trainable", "dtype"}):
            raise ValueError(
                "Expected momentum, epsilon, name and trainable; for others take "
                f"keras.layers.BatchNormalization. Received: {', '.join(others)}"
            )
        kwargs["dtype"] = "float32"
        super().__init__(momentum=momentum, epsilon=epsilon, autocast=False, **kwargs)

    def add_weight(self, *args, trainable=True, **kwargs):
        if not trainable:
            kwargs["aggregation"] = "mean"
        return super().add_weight(*args, trainable=trainable, **kwargs)

    def call(self, inputs, training=None):
        if not (training and self.trainable):
            return tf.cast(super().call(inputs, training=False), inputs.dtype)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma,
            offset=self.beta,
            mean=tf.constant([], tf.float32),
            variance=tf.constant([], tf.float32),
            epsilon=self.epsilon,
            is_training=True,
        )
        for running, seen in ((self.moving_mean, mean), (self.moving_variance, variance)):
            running.assign(running * self.momentum + seen * (1.0 - self.momentum))
        return outputs

    def get_config(self):
        config = super().get_config()
        kept = ("name", "trainable", "momentum", "epsilon")
        return {key: config[key] for key in kept}


@keras.saving.register_keras_serializable(package="tfwm")
class InstanceNormalization(Configured, keras.layers.Layer):
    """Normalizes each channel of each image to mean 0 and variance 1 over its pixels.

    By default it has no learned scale and offset, as in StegaStamp's successor. It equals
    `keras.layers.GroupNormalization(groups=-1, center=affine, scale=affine)` with fewer passes
    over the features. Statistics are computed in float32.

    Reference: Ulyanov, Vedaldi and Lempitsky, "Instance Normalization", 2016.

    Args:
        epsilon: added to the variance.
        affine: whether each channel has a learned scale and offset.

    Input shape:
        `(batch, height, width, channels)`, or `(batch, features)`, normalized over its features.

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
        centered = x - mean
        variance = tf.reduce_mean(tf.square(centered), axes, keepdims=True)
        x = centered * tf.math.rsqrt(variance + self.epsilon)
        if self.affine:
            x = x * tf.cast(self.gamma, tf.float32) + tf.cast(self.beta, tf.float32)
        return tf.cast(x, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape
