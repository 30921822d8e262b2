"""A layer that holds the PSNR of a network at a target during training."""

import keras
import tensorflow as tf

from tfwm.layers.base import Configured, add_number


@keras.saving.register_keras_serializable(package="tfwm")
class HoldPSNR(Configured, keras.layers.Layer):
    """Holds the PSNR of a network at a target during training.

    The layer returns the watermarked image and adds `multiplier * penalty` to the loss. The
    penalty grows with the mean squared error. The multiplier rises while the PSNR is below the
    target and falls while it is above (a Lagrange multiplier with integral control). Trainings
    that start at a high PSNR rarely learn the message, so the target rises linearly from
    `start` to `target` over `ramp_steps` calls.

    Args:
        target: PSNR to hold, in dB, mean over the images of a batch.
        start: target at the first step, in dB; by default `target`.
        ramp_steps: number of training steps from `start` to `target`.
        rate: change of the multiplier's logarithm in a step for each dB of difference.
        initial_multiplier: multiplier at the first step.
        penalty: `"log"`, the mean of log10(MSE) over the images, which treats smooth and
            textured images equally; or `"relative"`, the mean MSE as a share of the target's,
            which hardly acts on an image with a weak mark, and so cannot erase a mark that is
            hard to read.

    Call arguments:
        inputs: `[watermarked, cover]`, both `(batch, height, width, channels)` in [0, 1].
        training: if not `True`, no loss is added and the multiplier does not change.

    Output shape:
        That of `watermarked`, which is returned unchanged.

    Example:

    >>> layer = HoldPSNR(target=40.0, start=30.0, ramp_steps=1000)
    >>> image = np.full((1, 32, 32, 1), 0.5, "float32")
    >>> y = layer([image + 0.01, image], training=True)
    >>> len(layer.losses)
    1
    """

    def __init__(
        self,
        target,
        start=None,
        ramp_steps=1,
        rate=0.005,
        initial_multiplier=0.05,
        penalty="log",
        **kwargs,
    ):
        kwargs["dtype"] = "float32"  # an error of 40 dB is below the steps of bfloat16
        super().__init__(**kwargs)
        if ramp_steps < 1:
            raise ValueError(f"Expected ramp_steps of at least 1. Received: {ramp_steps}")
        if penalty not in ("log", "relative"):
            raise ValueError(f'Expected a penalty "log" or "relative". Received: {penalty!r}')
        self.target = target
        self.start = target if start is None else start
        self.ramp_steps = ramp_steps
        self.rate = rate
        self.initial_multiplier = initial_multiplier
        self.penalty = penalty

    def build(self, input_shape):
        self.multiplier = add_number(self, "multiplier", self.initial_multiplier)
        self.step = add_number(self, "step")

    def call(self, inputs, training=None):
        watermarked, cover = inputs
        if training:
            difference = watermarked - cover
            error = tf.reduce_mean(tf.square(difference), axis=(1, 2, 3))
            log_error = tf.reduce_mean(tf.math.log(error + 1e-7)) / tf.math.log(10.0)
            multiplier = tf.convert_to_tensor(self.multiplier)
            step = tf.convert_to_tensor(self.step)
            progress = tf.minimum(step / self.ramp_steps, 1.0)
            wanted = self.start + (self.target - self.start) * progress
            penalty = log_error
            if self.penalty == "relative":
                penalty = tf.reduce_mean(error) * tf.pow(10.0, wanted / 10.0)
            self.add_loss(multiplier * penalty)
            missing = tf.clip_by_value(wanted + 10.0 * tf.stop_gradient(log_error), -3.0, 3.0)
            moved = multiplier * tf.exp(self.rate * missing)
            self.multiplier.assign(tf.clip_by_value(moved, 1e-4, 10.0))
            self.step.assign(step + 1.0)
        return watermarked

    def compute_output_shape(self, input_shape):
        return input_shape[0]
