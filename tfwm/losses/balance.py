"""Layers that weigh losses during training: against each other, or to hold a PSNR."""

import keras
import numpy as np
import tensorflow as tf

from tfwm.checks import one_of
from tfwm.layers.base import Configured, add_number, mean_over_replicas
from tfwm.losses.image import YUVLoss


class LossBalance(Configured, keras.layers.Layer):
    """Base of layers that weigh several losses against each other during training.

    Derive from it and write `combine`. Each loss and each weight becomes a metric,
    `loss_<name>` and `weight_<name>`, a mean over the epoch. All is computed in float32.

    Args:
        terms: dict from names to Keras losses, which are averaged over the batch. The one named
            `"message"` compares logits with bits. The others compare watermarked images
            with covers; their usual names are `"image"` and `"perceptual"`.

    Call arguments:
        inputs: dict with `"watermarked"` and `"cover"`, `(batch, height, width, channels)` in
            [0, 1], and `"logits"` and `"message"`, `(batch, ...)`.
        training: the state changes only if `True`.

    Returns:
        The combined loss, a float32 scalar.
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
        """Combines the losses into one.

        Args:
            values: dict from names to losses, float32 scalars.
            training: whether the state may change.

        Returns:
            The total, and a dict from names to the weight of each loss.
        """
        raise NotImplementedError

    def measure(self, loss, truth, prediction):
        """Computes one loss; override it to change the settings of a loss during training."""
        # Not `loss(...)`: it divides by the number of replicas, as a trainer does later.
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
        return total

    def compute_output_shape(self, input_shape):
        return ()

    def per_term(self, argument, given, defaults):
        """Returns `given`, completed by `defaults`: a positive number for each term."""
        given = given or {}
        values = {name: given.get(name, defaults.get(name)) for name in self.terms}
        if set(given) - set(values) or not all(value and value > 0 for value in values.values()):
            raise ValueError(
                f"Expected {argument} to have a number above 0 for each of {list(self.terms)}. "
                f"Received: {argument}={given}"
            )
        return values


# StegaStamp's `scripts/base.sh`.
_MAXIMUM = {"image": 2.0, "perceptual": 1.5, "message": 1.5}
_RAMP = {"image": 15_000, "perceptual": 15_000, "message": 1}


@keras.saving.register_keras_serializable(package="tfwm")
class RampedWeights(LossBalance):
    """Weighs losses by ramps over the steps, as in StegaStamp.

    At step `n`, counted from 0, a loss has the weight `maximum * min(n / ramp, 1)`. In the first
    `message_only` steps the message's loss has the weight 1 and the others 0. The gain at the
    edges of a `tfwm.losses.YUVLoss` is 0 until `edge_start` and then rises over `edge_ramp`
    steps to the loss's own `edge_gain`. The step is a weight: it is saved, continues when a
    training is resumed, and does not change outside training.

    Reference: Tancik et al., "StegaStamp", CVPR 2020, and the values in its code's `base.sh`.

    Args:
        terms: see `LossBalance`.
        maximum: dict of the final weights; by default 2 for `"image"`, 1.5 for
            `"perceptual"` and `"message"`. A loss of another name needs an entry here and in
            `ramp`.
        ramp: dict of the number of steps until then, by default 15,000, and 1 for the message.
        message_only: number of steps at the start in which only the message's loss counts.
        edge_start: step at which the gain at the edges begins to rise.
        edge_ramp: number of steps in which it rises.

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
        self.step = add_number(self, "step")

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


@keras.saving.register_keras_serializable(package="tfwm")
class SelfAdaptiveWeights(LossBalance):
    """Weighs losses by variances that the optimizer learns together with the network.

    The total is the sum of `L / w + log(w)` over the losses. A variance `w` converges to the
    loss itself, so that all losses have to shrink by the same share. With a small first `w` of
    the message, the message is learned first. There are no ramps and no other settings.

    The trained weight is `log(w) / speed`, so that no step makes a variance zero or negative.
    The variances see `L + floor`, so that the weight of a loss of 0 does not grow without end.
    The network's gradient is that of the plain `L / w`.

    Reference: Kendall et al., CVPR 2018; for StegaStamp, the CropDefender paper, section 3.4,
    whose code trains `w` itself and clips it at 0.

    Args:
        terms: see `LossBalance`.
        initial: dict of the first variances; by default 0.1 for `"message"` and 1 for others.
        speed: how many times faster than the learning rate `log(w)` changes under Adam. With
            10 and a learning rate of 1e-4, a variance falls to a tenth in 2,300 steps. For
            plain SGD, whose steps grow with the gradient, use 1.
        floor: dict of the smallest variances, by default 1e-3 for all; no weight exceeds
            `1 / floor`. Without a large enough floor, the training ends in a perfect image
            without a message: the logarithm of an image loss has no lower bound, while a
            message's cross-entropy can only fall from 0.69 to 0, or normalized to 0.31.

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
        """Returns the present variance of a loss, a float32 scalar."""
        return tf.exp(self.speed * tf.convert_to_tensor(self.scales[name]))

    def combine(self, values, training):
        total, weights = 0.0, {}
        for name, loss in values.items():
            variance = self.variance(name)
            total += (loss + self.floor[name]) / variance + tf.math.log(variance)
            weights[name] = 1.0 / variance
        return total, weights


@keras.saving.register_keras_serializable(package="tfwm")
class HoldPSNR(Configured, keras.layers.Layer):
    """Holds the PSNR of a network at a target during training.

    The layer returns the loss `multiplier * penalty`. The penalty grows with the mean squared
    error. The multiplier rises while the PSNR is below the
    target and falls while it is above (a Lagrange multiplier with integral control). Trainings
    that start at a high PSNR rarely learn the message, so the target is `start` for `hold_steps`
    calls and then rises linearly to `target` over `ramp_steps` calls.

    Args:
        target: PSNR to hold, in dB, mean over the images of a batch.
        start: target at the first step, in dB; by default `target`.
        ramp_steps: number of training steps from `start` to `target`.
        rate: change of the multiplier's logarithm in a step for each dB of difference.
        initial_multiplier: multiplier at the first step.
        error: a Keras loss that is taken in place of the mean squared error, such as
            `tfwm.losses.VisibleError`, or `None`.
        penalty: `"log"`, the mean of log10(MSE) over the images, which treats smooth and
            textured images equally; or `"relative"`, the mean MSE as a share of the target's,
            which hardly acts on an image with a weak mark, and so cannot erase a mark that is
            hard to read.
        hold_steps: number of training steps before the target begins to rise.

    Call arguments:
        inputs: `[watermarked, cover]`, both `(batch, height, width, channels)` in [0, 1].
        training: the multiplier changes only if `True`.

    Returns:
        The loss, a float32 scalar.

    Example:

    >>> layer = HoldPSNR(target=40.0, start=30.0, ramp_steps=1000)
    >>> image = np.full((1, 32, 32, 1), 0.5, "float32")
    >>> loss = layer([image + 0.01, image], training=True)
    >>> round(float(loss), 3), round(float(layer.multiplier), 4)
    (-0.2, 0.0493)
    """

    def __init__(
        self,
        target,
        start=None,
        ramp_steps=1,
        rate=0.005,
        initial_multiplier=0.05,
        penalty="log",
        error=None,
        hold_steps=0,
        **kwargs,
    ):
        kwargs["dtype"] = "float32"  # an error of 40 dB is below the steps of bfloat16
        super().__init__(**kwargs)
        if ramp_steps < 1:
            raise ValueError(f"Expected ramp_steps of at least 1. Received: {ramp_steps}")
        self.target = target
        self.start = target if start is None else start
        self.ramp_steps = ramp_steps
        self.rate = rate
        self.initial_multiplier = initial_multiplier
        self.penalty = one_of("penalty", penalty, ("log", "relative"))
        self.error = error
        self.hold_steps = hold_steps

    def build(self, input_shape):
        self.multiplier = add_number(self, "multiplier", self.initial_multiplier)
        self.log_error = add_number(self, "log_error")
        self.step = add_number(self, "step")

    def call(self, inputs, training=None):
        watermarked, cover = inputs
        if self.error is None:
            error = tf.reduce_mean(tf.square(watermarked - cover), axis=(1, 2, 3))
        else:
            error = self.error.call(cover, watermarked)
        log_error = tf.reduce_mean(tf.math.log(error + 1e-7)) / tf.math.log(10.0)
        multiplier = tf.convert_to_tensor(self.multiplier)
        step = tf.convert_to_tensor(self.step)
        progress = tf.clip_by_value((step - self.hold_steps) / self.ramp_steps, 0.0, 1.0)
        wanted = self.start + (self.target - self.start) * progress
        if training:
            reached = mean_over_replicas(self.log_error, log_error)
            missing = tf.clip_by_value(wanted + 10.0 * reached, -3.0, 3.0)
            moved = multiplier * tf.exp(self.rate * missing)
            self.multiplier.assign(tf.clip_by_value(moved, 1e-4, 10.0))
            self.step.assign(step + 1.0)
        if self.penalty == "log":
            return multiplier * log_error
        return multiplier * tf.reduce_mean(error) * tf.pow(10.0, wanted / 10.0)

    def compute_output_shape(self, input_shape):
        return ()
