import keras
import numpy as np
import tensorflow as tf

from tfwm.losses.image import YUVLoss


class LossBalance(keras.layers.Layer):
    """Base of layers that weigh several losses against each other while they train.

    Derive from it and write `combine`. Each loss and each weight is a metric, `loss_<name>`
    and `weight_<name>`, means over the epoch. Everything is computed in float32.

    Args:
        terms: dict of names to Keras losses, of which the mean over the batch is taken. The
            one named `"message"` compares logits with bits, the others watermarked images
            with covers; by custom `"image"` and `"perceptual"`.

    Call arguments:
        inputs: dict of `"watermarked"` and `"cover"`, `(batch, height, width, channels)` in
            [0, 1], and of `"logits"` and `"message"`, `(batch, ...)`.
        training: state moves only if `True`; the loss is added always.

    Returns:
        The combined loss, a scalar, which is added to the model's as well.
    """

    def __init__(self, terms, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        if "message" not in terms or not all(
            isinstance(loss, keras.losses.Loss) for loss in terms.values()
        ):
            raise ValueError(
                'Expected a dict of Keras losses, with one named "message". '
                f"Received: terms={terms!r}"
            )
        self.terms = dict(terms)
        self.trackers = {
            f"{kind}_{name}": keras.metrics.Mean(name=f"{kind}_{name}")
            for name in self.terms
            for kind in ("loss", "weight")
        }

    def combine(self, values, training):
        """Weighs the losses.

        Args:
            values: dict of names to losses, float32 scalars.
            training: whether state may move.

        Returns:
            The total, and a dict of names to what each loss is multiplied by.
        """
        raise NotImplementedError

    def measure(self, loss, truth, prediction):
        """Computes one loss, for classes that change its settings as they go."""
        # Called as a whole it divides by the number of replicas, and `add_loss` does so again.
        return tf.reduce_mean(loss.call(truth, prediction))

    def call(self, inputs, training=None):
        values = {}
        for name, loss in self.terms.items():
            pair = ("message", "logits") if name == "message" else ("cover", "watermarked")
            values[name] = tf.cast(self.measure(loss, *(inputs[key] for key in pair)), tf.float32)
        total, weights = self.combine(values, training)
        for name in self.terms:
            self.trackers[f"loss_{name}"].update_state(values[name])
            self.trackers[f"weight_{name}"].update_state(weights[name])
        self.add_loss(total)
        return total

    def compute_output_shape(self, input_shape):
        return ()

    def per_term(self, argument, given, defaults):
        """Returns a dict with a positive number for each term, from an argument of that name."""
        given = given or {}
        values = {name: given.get(name, defaults.get(name)) for name in self.terms}
        if set(given) - set(values) or not all(value and value > 0 for value in values.values()):
            raise ValueError(
                f"Expected {argument} to have a number above 0 for each of {list(self.terms)}. "
                f"Received: {argument}={given}"
            )
        return values

    def get_config(self):
        terms = {name: keras.losses.serialize(loss) for name, loss in self.terms.items()}
        return {**super().get_config(), "terms": terms}

    @classmethod
    def from_config(cls, config):
        terms = {name: keras.losses.deserialize(loss) for name, loss in config["terms"].items()}
        return cls(**{**config, "terms": terms})


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


@keras.saving.register_keras_serializable(package="tfwm")
class SelfAdaptiveWeights(LossBalance):
    """Weighs losses by variances that are learned with the network, by the same optimizer.

    The total is the sum of `L / w + log(w)` over the losses. A variance `w` settles at the
    loss itself, so that each loss is asked to shrink by the same share. A small first `w` of
    the message makes it be learned first. No ramps, no other settings.

    What is trained is `log(w) / speed`, so that no step makes a variance zero or negative;
    and the variances see `L + floor`, so that a loss of 0 does not make its weight grow for
    ever. The network's gradient is that of the plain `L / w`.

    Reference: Kendall et al., CVPR 2018; for StegaStamp, the CropDefender paper, section 3.4,
    whose code trains `w` itself and cuts it off at 0.

    Args:
        terms: see `LossBalance`.
        initial: dict of the first variances; by default 0.1 for `"message"` and 1 for others.
        speed: how many times faster than the learning rate `log(w)` moves under Adam. With
            10 and a learning rate of 1e-4, a variance falls to a tenth in 2,300 steps. With
            plain SGD, whose steps grow with the gradient, take 1.
        floor: dict of the smallest variances, by default 1e-3 for all; no weight exceeds
            `1 / floor`. Without one that stops it in time, an image loss draws the training
            into a perfect image without a message: its logarithm has no end, while a
            message's cross-entropy can only fall from 0.69 to 0, or normalised to 0.31.

    Call arguments:
        inputs, training: see `LossBalance`.

    Example:

    >>> layer = SelfAdaptiveWeights(
    ...     {"image": tfwm.losses.YUVLoss(), "message": tfwm.losses.MessageLoss()}
    ... )
    >>> image, bits = np.full((1, 32, 32, 3), 0.5, "float32"), np.ones((1, 8), "float32")
    >>> total = layer(
    ...     {"watermarked": image, "cover": image, "logits": 0 * bits, "message": bits}
    ... )
    >>> round(float(layer.variance("message")), 3)
    0.1
    """

    def __init__(self, terms, initial=None, speed=10.0, floor=None, **kwargs):
        super().__init__(terms, **kwargs)
        if speed <= 0:
            raise ValueError(f"Expected a speed above 0. Received: speed={speed}")
        defaults = {name: 0.1 if name == "message" else 1.0 for name in self.terms}
        self.initial = self.per_term("initial", initial, defaults)
        self.speed = speed
        self.floor = self.per_term("floor", floor, dict.fromkeys(self.terms, 1e-3))

    def build(self, input_shape=None):
        self.scales = {
            name: self.add_weight(
                name=f"log_variance_{name}",
                shape=(),
                initializer=keras.initializers.Constant(np.log(value) / self.speed),
                dtype="float32",
            )
            for name, value in self.initial.items()
        }

    def variance(self, name):
        """Returns the variance of a loss now, a float32 scalar."""
        return tf.exp(self.speed * tf.convert_to_tensor(self.scales[name]))

    def combine(self, values, training):
        total, weights = 0.0, {}
        for name, loss in values.items():
            variance = self.variance(name)
            total += (loss + self.floor[name]) / variance + tf.math.log(variance)
            weights[name] = 1.0 / variance
        return total, weights

    def get_config(self):
        return {
            **super().get_config(),
            "initial": dict(self.initial),
            "speed": self.speed,
            "floor": dict(self.floor),
        }
