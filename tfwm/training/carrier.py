"""What a surrogate learns of a barrier's mark: a part that repeats, and a sign that it follows."""

import math

import keras
import tensorflow as tf

from tfwm.layers.base import Configured, add_number
from tfwm.ops.filters import filter_separable

# About the mean brightness of photos: there the sign is 1 from the start.
MIDDLE = 0.4
# Brightness is that of around 7 pixels: a mean over so many pixels a side, so many times.
BLUR, TIMES = 5, 3


@keras.saving.register_keras_serializable(package="tfwm")
class Carrier(Configured, keras.Layer):
    """Gives the sign by which the repeating part of a barrier's mark follows an image.

    A mark that is the same in every image is found as their mean, and subtracted. With the sign
    `cos(2 pi cycles (b - 0.4))`, where `b` is the brightness around a pixel, it is another one in
    each: their mean shows little of it, and a surrogate, which sees `b`, learns it all the same.
    From such a sign on, nothing is learned; so the sign is 1 everywhere at first, and the cycles
    grow.

    Args:
        cycles: of the sign between black and white.
        start: number of calls, in training, before the cycles begin to grow.
        steps: number of calls until they are complete; 0: they are from the start.

    Call arguments:
        image: `(batch, height, width, channels)` in [0, 1].
        training: whether to count the call.

    Returns:
        float32 `(batch, height, width, 1)`, from -1 to 1.

    Example:

    >>> gray = np.linspace(0, 1, 6).reshape(6, 1, 1, 1) * np.ones((6, 16, 16, 1))
    >>> [round(float(sign), 2) for sign in Carrier(1.0)(gray)[:, 8, 8, 0]]
    [-0.81, 0.31, 1.0, 0.31, -0.81, -0.81]
    """

    def __init__(self, cycles, start=0, steps=0, **kwargs):
        super().__init__(**kwargs)
        if cycles <= 0 or start < 0 or steps < 0:
            raise ValueError(
                "Expected cycles above 0, and numbers of calls. "
                f"Received: cycles={cycles}, start={start}, steps={steps}"
            )
        self.cycles, self.start, self.steps = float(cycles), int(start), int(steps)

    def build(self, image_shape):
        self.calls = add_number(self, "calls")
        self.built = True

    def call(self, image, training=None):
        phase = 2 * math.pi * self.cycles * self.grown() * (_brightness(image) - MIDDLE)
        if training:
            self.calls.assign_add(1.0)
        return tf.cos(phase)

    def grown(self):
        """Returns the share of its cycles that the sign has, 0 to 1."""
        if not self.steps:
            return 1.0
        calls = tf.convert_to_tensor(self.calls)
        return tf.clip_by_value((calls - self.start) / self.steps, 0.0, 1.0)


def learnable_part(residual, sign, period):
    """Returns the part of a batch's residuals that any surrogate can learn.

    Args:
        residual: `(batch, height, width, channels)`, sides multiples of the period.
        sign: `(batch, height, width, 1)`, see `Carrier`; 1 for a part that follows nothing.
        period: distance in pixels at which it repeats, but for the sign.

    Returns:
        `(batch, height, width, channels)`.
    """
    part = repeated_part(residual * sign, period) / tf.reduce_mean(tf.square(sign))
    return part * sign


def repeated_part(residual, period):
    """Returns the part of a batch's residuals that is the same at each `period` and in all images.

    Args:
        residual: see `learnable_part`, also for `period`.

    Returns:
        `(1, height, width, channels)`.

    Example:

    >>> repeated_part(np.arange(16.0).reshape(1, 4, 4, 1), 2)[0, :, :, 0].numpy()[:2]
    array([[ 5.,  6.,  5.,  6.],
           [ 9., 10.,  9., 10.]])
    """
    height, width, channels = residual.shape[1:]
    tiles = (-1, height // period, period, width // period, period, channels)
    tile = tf.reduce_mean(tf.reshape(residual, tiles), axis=(0, 1, 3))
    return tf.tile(tile, (height // period, width // period, 1))[None]


def common_part(residual, period):
    """Returns `repeated_part` of residuals that are scaled to a root mean square of 1."""
    size = tf.sqrt(tf.reduce_mean(tf.square(residual)) + 1e-8)
    return repeated_part(residual / tf.stop_gradient(size), period)


def _brightness(image):
    """The brightness around each pixel, `(batch, height, width, 1)`."""
    mean = tf.reduce_mean(tf.cast(image, tf.float32), axis=-1, keepdims=True)
    return filter_separable(mean, [1 / BLUR] * BLUR, repeats=TIMES)
