import keras
from keras import ops


@keras.saving.register_keras_serializable(package="tfwm")
class SqueezeExcite(keras.layers.Layer):
    """Weighs each channel by a gate that the means of all channels decide.

    Hu, Shen and Sun, "Squeeze-and-excitation networks", CVPR 2018; MBRS builds its blocks with
    it (section 3.2).

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

    def get_config(self):
        return {**super().get_config(), "ratio": self.ratio}
