import keras
import tensorflow as tf

from tfwm.attacks.base import Attack
from tfwm.checks import number_or_range
from tfwm.ops.random import draw_strength, per_image
from tfwm.ops.rounding import straight_through_clip

# StegaStamp's; BT.601 rounds to the same.
LUMINANCE = (0.3, 0.6, 0.1)


@keras.saving.register_keras_serializable(package="tfwm")
class Saturation(Attack):
    """Moves colours away from their gray, or towards it, and clips to [0, 1].

    `gray + factor * (image - gray)` with the gray `0.3 R + 0.6 G + 0.1 B` of StegaStamp,
    which draws a factor from (0, 1). Gray images stay as they are. The gradient passes
    straight through the clipping.

    Reference:
        Tancik et al., "StegaStamp", CVPR 2020.

    Args:
        factor: number of at least 0, or a pair `(low, high)` to draw one per image; 0 leaves
            gray, above 1 is more colourful.
        seed: see `Attack`.

    Example:

    >>> Saturation(0.0)(tf.constant([[[[1.0, 0.0, 0.0]]]])).numpy().ravel().round(2)
    array([0.3, 0.3, 0.3], dtype=float32)
    """

    def __init__(self, factor=(0.0, 1.0), seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.factor = number_or_range("factor", factor)

    def apply(self, image, seed, cover=None):
        if image.shape[-1] == 1:
            return image
        factor = per_image(draw_strength(self.factor, seed, tf.shape(image)[0]))
        channels = tf.split(image, 3, axis=-1)
        gray = sum(weight * one for weight, one in zip(LUMINANCE, channels, strict=True))
        return straight_through_clip(gray + factor * (image - gray))

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}
