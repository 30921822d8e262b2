"""A loss that asks marks to show where they are."""

import keras
import tensorflow as tf

from tfwm.layers.base import Configured
from tfwm.layers.registration import CELLS, SHARPNESS, hypotheses
from tfwm.losses.alignment import affine_map


@keras.saving.register_keras_serializable(package="tfwm")
class RegistrationLoss(Configured, keras.layers.Layer):
    """Asks that the crop that an attack cut has the highest correlation of all that are tried.

    The cross-entropy between the softmax of the correlations of a `tfwm.layers.Registration` and
    the crop that is closest to what the attack did. Two metrics go with it: `registration`, the
    cross-entropy, and `found`, the share of images whose best crop is within 2.5 cells.

    Args:
        layer: name of the extractor's `tfwm.layers.Registration`.
        weight: weight of the loss.
        smallest: see `tfwm.layers.Registration`.

    Call arguments:
        inputs: `[scores, positions]`: the correlations, and the positions that
            `tfwm.attacks.Attack.call_with_positions` returns.

    Returns:
        The loss, a float32 scalar.

    Example:

    >>> loss = RegistrationLoss("registration")
    >>> scores = np.zeros((1, len(hypotheses(0.64)[1])), "float32")
    >>> loss([scores, np.full((1, 8, 8, 3), 0.5, "float32")]).shape
    TensorShape([])
    """

    def __init__(self, layer, weight=0.03, smallest=0.64, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.layer = layer
        self.weight = weight
        self.smallest = smallest
        self.trackers = [keras.metrics.Mean(name=name) for name in ("registration", "found")]

    def call(self, inputs):
        scores, positions = inputs
        maps = tf.constant(hypotheses(self.smallest)[1])
        wanted = tf.gather(affine_map(positions), [0, 4, 2, 5], axis=1)
        # Mean squares over an image: that of x is 1 / 3.
        gaps = tf.square(wanted[:, None] - maps) * tf.constant([1 / 3, 1 / 3, 1.0, 1.0])
        index = tf.argmin(tf.reduce_sum(gaps, -1), -1)
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(index, SHARPNESS * scores)
        )
        best = tf.gather(maps, tf.argmax(scores, -1))
        near = tf.reduce_max(abs(best - wanted), -1) < 5.0 / CELLS
        for tracker, value in zip(self.trackers, (loss, tf.cast(near, tf.float32)), strict=True):
            tracker.update_state(value)
        return self.weight * loss

    def compute_output_shape(self, input_shape):
        return ()
