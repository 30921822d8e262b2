"""A residual whose size is held, so that a network learns only where it lies and how it looks."""

import keras
import tensorflow as tf

from tfwm.checks import one_of
from tfwm.layers.base import Configured, add_number
from tfwm.losses.image import VisibleError

ERRORS = ("visible", "rgb")


@keras.saving.register_keras_serializable(package="tfwm")
class HeldResidual(Configured, keras.layers.Layer):
    """Scales the residual of each image so that its error has a given size.

    So nothing has to balance the image's loss with the message's: the network learns only where
    the mark lies and what it looks like. In training the error's size, as a PSNR, is `start` for
    `hold_steps` calls and then rises linearly to `target` over `ramp_steps` calls; the number of
    calls is a weight.

    Args:
        target: `-10 log10` of the error, in dB.
        start: the same at the first step; `target` if `None`.
        ramp_steps: number of training steps from `start` to `target`.
        error: `"visible"` for `tfwm.losses.VisibleError`, or `"rgb"` for the mean square.
        hold_steps: number of training steps before the target begins to rise.

    Call arguments:
        inputs: `[residual, image]`, both `(batch, height, width, 3)`, the image in [0, 1].

    Output shape:
        That of the residual.
    """

    def __init__(self, target, start=None, ramp_steps=1, error="visible", hold_steps=0, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.target = target
        self.start = target if start is None else start
        self.ramp_steps = ramp_steps
        self.error = one_of("error", error, ERRORS)
        self.hold_steps = hold_steps

    def build(self, input_shape):
        self.step = add_number(self, "step")
        self._visible = VisibleError()

    def call(self, inputs, training=None):
        residual, image = inputs
        psnr = self.target
        if training:
            step = tf.convert_to_tensor(self.step)
            share = tf.clip_by_value((step - self.hold_steps) / self.ramp_steps, 0.0, 1.0)
            psnr = self.start + (self.target - self.start) * share
            self.step.assign(step + 1.0)
        if self.error == "visible":
            error = self._visible.call(image, image + residual)
        else:
            error = tf.reduce_mean(tf.square(residual), axis=(1, 2, 3))
        scale = 10.0 ** (-psnr / 20.0) * tf.math.rsqrt(error + 1e-9)
        return residual * scale[:, None, None, None]

    def compute_output_shape(self, input_shape):
        return input_shape[0]
