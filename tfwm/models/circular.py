"""Convolutions that wrap around: ReDMark's."""

import keras
import tensorflow as tf

from tfwm.checks import one_of
from tfwm.layers.base import Configured
from tfwm.ops.torus import convolve_torus


@keras.saving.register_keras_serializable(package="tfwm")
class CircularConv2D(Configured, keras.layers.Layer):
    """Convolves an image that wraps around at its borders.

    `y[i, j] = b + sum K[a, c] x[(i + a - p) mod H, (j + c - q) mod W]` with
    `p = (rows - 1) // 2`, `q = (columns - 1) // 2`: an odd kernel is centered, and a
    2x2 kernel sees the pixels to the right and below, as the authors' does. The size does not
    change and no zeros enter at the borders, so a bit spreads equally over all blocks of a
    patch.

    Reference: Ahmadi et al., ReDMark, sections 3.1.1 and 4.6 (Fig. 9).

    Args:
        filters: number of output channels.
        kernel_size: integer or `(rows, columns)`, not larger than the input.
        activation: a Keras activation, none by default.
        use_bias: whether to add a bias.
        kernel_initializer: a Keras initializer.
        bias_initializer: a Keras initializer.
        method: `"direct"`, or `"fourier"`: by `tfwm.ops.torus.convolve_torus`, which gives the same
            up to rounding and is faster in training compiled by XLA, and slower elsewhere.

    Input shape:
        `(batch, height, width, channels)`; for `"fourier"` height and width have to be known.

    Output shape:
        `(batch, height, width, filters)`.

    Example:

    >>> y = CircularConv2D(16, 2, activation="elu")(np.ones((1, 4, 4, 64), "float32"))
    >>> tuple(y.shape)
    (1, 4, 4, 16)
    """

    def __init__(
        self,
        filters,
        kernel_size,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        method="direct",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.method = one_of("method", method, ("direct", "fourier"))
        self.kernel_size = (
            (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
        )
        if filters < 1 or min(self.kernel_size) < 1:
            raise ValueError(
                "Expected filters and kernel_size of at least 1. "
                f"Received: filters={filters}, kernel_size={kernel_size}"
            )
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)

    def build(self, input_shape):
        for side, kernel in zip(input_shape[1:3], self.kernel_size, strict=True):
            if side is not None and kernel > side:
                raise ValueError(
                    "Expected a kernel_size that is not larger than its input. Received: "
                    f"kernel_size={self.kernel_size}, input shape {tuple(input_shape)}"
                )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, input_shape[-1], self.filters),
            initializer=self.kernel_initializer,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(self.filters,), initializer=self.bias_initializer
            )

    def call(self, inputs):
        if self.method == "fourier":
            # Transposed after the activation, so that XLA drops the transpositions between layers.
            x = convolve_torus(tf.transpose(inputs, (1, 2, 0, 3)), self.kernel)
            return tf.transpose(self._activated(tf.cast(x, self.compute_dtype)), (2, 0, 1, 3))
        x = inputs
        for axis, kernel in zip((2, 1), reversed(self.kernel_size), strict=True):
            x = _wrap(x, axis, before=(kernel - 1) // 2, after=kernel // 2)
        return self._activated(
            tf.nn.conv2d(x, tf.cast(self.kernel, self.compute_dtype), 1, "VALID")
        )

    def _activated(self, x):
        if self.bias is not None:
            x = tf.nn.bias_add(x, tf.cast(self.bias, self.compute_dtype))
        return self.activation(x)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        activation = keras.activations.serialize(self.activation)
        return {**super().get_config(), "activation": activation}


def _wrap(x, axis, before, after):
    parts = [x]
    if before:
        parts.insert(0, x[:, -before:] if axis == 1 else x[:, :, -before:])
    if after:
        parts.append(x[:, :after] if axis == 1 else x[:, :, :after])
    return tf.concat(parts, axis) if len(parts) > 1 else x
