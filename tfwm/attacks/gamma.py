import keras
import tensorflow as tf

from tfwm.attacks.base import Attack
from tfwm.checks import number_or_range
from tfwm.ops.random import draw_strength, per_image
from tfwm.ops.rounding import straight_through_clip

# The slope of a power below 1 is infinite at 0.
DARKEST = 1 / 255


@keras.saving.register_keras_serializable(package="tfwm")
class Gamma(Attack):
    """Raises the pixels, clipped to [0, 1], to a power.

    Args:
        gamma: number above 0, or a pair `(low, high)` to draw one per image; below 1
            lightens the shadows.
        seed: see `Attack`.

    Example:

    >>> Gamma(2.0)(tf.fill((1, 8, 8, 1), 0.5)).numpy().max().item()
    0.25
    """

    def __init__(self, gamma=1.0, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.gamma = number_or_range("gamma", gamma, low=1e-3)

    def apply(self, image, seed, cover=None):
        gamma = per_image(draw_strength(self.gamma, seed, tf.shape(image)[0]))
        image = straight_through_clip(image)
        # Below one gray level the curve goes on straight to 0.
        return tf.where(
            image > DARKEST,
            tf.pow(tf.maximum(image, DARKEST), gamma),
            image * tf.pow(DARKEST, gamma - 1.0),
        )

    def get_config(self):
        return {**super().get_config(), "gamma": self.gamma}
