import keras
import tensorflow as tf

from tfwm.attacks.arguments import padding_name
from tfwm.attacks.base import Attack
from tfwm.checks import number_or_range, odd_size
from tfwm.ops.filters import filter2d, line_kernel
from tfwm.ops.random import draw_strength, split_seed


@keras.saving.register_keras_serializable(package="tfwm")
class MotionBlur(Attack):
    """Blurs along a line, as a camera that moves does.

    The line blur of StegaStamp: a ridge with a Gaussian profile through the middle of the
    kernel, cut off where `|x| + |y| > size // 2`. Its code takes one kernel per batch and
    `padding="zero"`. Its defocus blur is `GaussianBlur((1.0, 3.0), size=7, padding="zero")`.

    Reference:
        Tancik et al., "StegaStamp", CVPR 2020.

    Args:
        size: odd side of the kernel, pixels.
        angle: direction of the motion, degrees counterclockwise from the right, or a pair
            `(low, high)` to draw one per image.
        sigma: standard deviation across the line, pixels, or a pair.
        padding: what lies beyond the border; see `FIRFilter`.
        seed: see `Attack`.

    Example:

    >>> MotionBlur(size=9, seed=1)(tf.ones((2, 32, 32, 3))).shape
    TensorShape([2, 32, 32, 3])
    """

    def __init__(
        self,
        size=7,
        angle=(0.0, 180.0),
        sigma=(0.25, 1.0),
        padding="symmetric",
        seed=None,
        **kwargs,
    ):
        super().__init__(seed=seed, **kwargs)
        self.size = odd_size("size", size)
        self.angle = number_or_range("angle", angle, low=-360.0, high=360.0)
        self.sigma = number_or_range("sigma", sigma)
        self.padding = padding_name(padding)

    def apply(self, image, seed, cover=None):
        batch = tf.shape(image)[0]
        angle, sigma = (
            tf.broadcast_to(draw_strength(value, part, batch), (batch,))
            for value, part in zip((self.angle, self.sigma), split_seed(seed, 2), strict=True)
        )
        return filter2d(image, line_kernel(angle, sigma, self.size // 2), self.padding)

    def get_config(self):
        return {
            **super().get_config(),
            "size": self.size,
            "angle": self.angle,
            "sigma": self.sigma,
            "padding": self.padding,
        }
