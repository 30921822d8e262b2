import keras
import numpy as np
import tensorflow as tf

from tfwm.ops.color import rgb_to_yuv

# "falloff_speed" of StegaStamp's code: the map falls over a quarter of the image.
_QUARTER = 4


@keras.saving.register_keras_serializable(package="tfwm")
class YUVLoss(keras.losses.Loss):
    """Mean squared difference in YUV, colour and edges weighted: StegaStamp's image loss.

    A sum over the channels `c` of `weights[c] * mean(((1 + edge_gain * F) * difference_c) ** 2)`
    where the map F is 1 at the borders and falls to 0 along cosines a quarter of the image
    further in, so that the watermark leaves the borders, where it is easily seen.

    Reference: Tancik et al., "StegaStamp", CVPR 2020, and its code (MIT), which sets its two
    far borders off by a pixel; `tfwm.losses.RampedWeights` ramps the gain as it does.

    Args:
        weights: of Y, U and V; StegaStamp's by default.
        edge_gain: gain at the borders; StegaStamp ends with 10.

    Input shape:
        Two batches `(batch, height, width, 3)`, RGB in [0, 1].

    Example:

    >>> image = np.full((1, 32, 32, 3), 0.5, "float32")
    >>> round(float(YUVLoss()(image, image + 0.1)), 4)  # gray: only Y differs
    0.01
    """

    def __init__(
        self,
        weights=(1.0, 100.0, 100.0),
        edge_gain=0.0,
        reduction="sum_over_batch_size",
        name="yuv_loss",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if len(weights) != 3 or min(weights) < 0:
            raise ValueError(
                f"Expected three weights of at least 0, of Y, U and V. Received: weights={weights}"
            )
        self.weights = tuple(float(weight) for weight in weights)
        self.edge_gain = edge_gain

    def call(self, y_true, y_pred):
        return self.per_image(y_true, y_pred, self.edge_gain)

    def per_image(self, y_true, y_pred, edge_gain):
        """Returns the loss of each image `(batch,)` with another gain, which may be a tensor."""
        # The transform is linear: one of the difference does.
        difference = rgb_to_yuv(y_pred - y_true)
        height, width = (difference.shape[i] or tf.shape(difference)[i] for i in (1, 2))
        inside = _ramps(height, difference.dtype)[:, None] * _ramps(width, difference.dtype)
        gain = 1.0 + tf.cast(edge_gain, difference.dtype) * (1.0 - inside)
        errors = tf.reduce_mean(tf.square(difference * gain[..., None]), axis=(1, 2))
        return tf.reduce_sum(errors * tf.constant(self.weights, errors.dtype), axis=-1)

    def get_config(self):
        return {**super().get_config(), "weights": self.weights, "edge_gain": self.edge_gain}


def _ramps(size, dtype):
    """Two cosine ramps `(size,)`: 0 at both ends, 1 from a quarter of the size on."""
    place = tf.range(size)
    distance = tf.cast(tf.minimum(place, size - 1 - place), dtype)
    share = tf.minimum(distance * _QUARTER / tf.cast(size, dtype), 1.0)
    return (1.0 - tf.cos(np.pi * share)) / 2
