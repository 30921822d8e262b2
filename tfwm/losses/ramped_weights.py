import keras
import tensorflow as tf

from tfwm.losses.loss_balance import LossBalance
from tfwm.losses.yuv_loss import YUVLoss

# StegaStamp's `scripts/base.sh`.
_MAXIMUM = {"image": 2.0, "perceptual": 1.5, "message": 1.5}
_RAMP = {"image": 15_000, "perceptual": 15_000, "message": 1}


@keras.saving.register_keras_serializable(package="tfwm")
class RampedWeights(LossBalance):
    """Weighs losses by ramps over the steps, as StegaStamp.

    At step `n`, from 0, a loss has the weight `maximum * min(n / ramp, 1)`; in the first
    `message_only` steps the message's has the weight 1 and the others 0. The gain at the
    edges of a `tfwm.losses.YUVLoss` is 0 until `edge_start` and then rises over `edge_ramp`
    steps to the loss's own `edge_gain`. The step is a weight: it is saved, goes on when a
    training is resumed, and stands outside training.

    Reference: Tancik et al., "StegaStamp", CVPR 2020; the values of its code's `base.sh`.

    Args:
        terms: see `LossBalance`.
        maximum: dict of the final weights; 2 for `"image"`, 1.5 for `"perceptual"` and
            `"message"` by default. Losses of other names need theirs here and in `ramp`.
        ramp: dict of the steps until then; 15,000 and, for the message, 1.
        message_only: number of first steps.
        edge_start, edge_ramp: in steps.

    Call arguments:
        inputs, training: see `LossBalance`.

    Example:

    >>> layer = RampedWeights(
    ...     {"image": tfwm.losses.YUVLoss(), "message": tfwm.losses.MessageLoss()}
    ... )
    >>> image, bits = np.full((1, 32, 32, 3), 0.5, "float32"), np.ones((1, 8), "float32")
    >>> total = layer(
    ...     {"watermarked": image, "cover": image, "logits": 0 * bits, "message": bits}
    ... )
    >>> round(float(total), 4)
    0.6931
    """

    def __init__(
        self,
        terms,
        maximum=None,
        ramp=None,
        message_only=1500,
        edge_start=80_000,
        edge_ramp=10_000,
        **kwargs,
    ):
        super().__init__(terms, **kwargs)
        if min(message_only, edge_start) < 0 or edge_ramp < 1:
            raise ValueError(
                "Expected message_only and edge_start of at least 0 and edge_ramp of at least 1. "
                f"Received: {message_only}, {edge_start}, {edge_ramp}"
            )
        self.maximum = self.per_term("maximum", maximum, _MAXIMUM)
        self.ramp = self.per_term("ramp", ramp, _RAMP)
        self.message_only = message_only
        self.edge_start = edge_start
        self.edge_ramp = edge_ramp

    def build(self, input_shape=None):
        self.step = self.add_weight(
            name="step",
            shape=(),
            initializer="zeros",
            trainable=False,
            dtype="float32",
            aggregation="mean",
        )

    def measure(self, loss, truth, prediction):
        if not isinstance(loss, YUVLoss):
            return super().measure(loss, truth, prediction)
        share = (tf.convert_to_tensor(self.step) - self.edge_start) / self.edge_ramp
        gain = loss.edge_gain * tf.clip_by_value(share, 0.0, 1.0)
        return tf.reduce_mean(loss.per_image(truth, prediction, gain))

    def combine(self, values, training):
        step = tf.convert_to_tensor(self.step)
        weights = {}
        for name in values:
            first = 1.0 if name == "message" else 0.0
            ramped = self.maximum[name] * tf.minimum(step / self.ramp[name], 1.0)
            weights[name] = tf.where(step < self.message_only, first, ramped)
        if training:
            self.step.assign(step + 1.0)
        return sum(weights[name] * loss for name, loss in values.items()), weights

    def get_config(self):
        return {
            **super().get_config(),
            "maximum": dict(self.maximum),
            "ramp": dict(self.ramp),
            "message_only": self.message_only,
            "edge_start": self.edge_start,
            "edge_ramp": self.edge_ramp,
        }
