import keras
import tensorflow as tf

from tfwm.attacks.base import Attack
from tfwm.checks import number_or_range
from tfwm.ops.random import draw_strength, per_image
from tfwm.ops.rounding import straight_through_clip


@keras.saving.register_keras_serializable(package="tfwm")
class Contrast(Attack):
    """Moves the image away from its mean, or towards it, and clips to [0, 1].

    `mean + factor * (image - mean)` with each image's own mean over pixels and channels. The
    gradient passes straight through the clipping.

    Args:
        factor: number of at least 0, or a pair `(low, high)` to draw one per image; below 1
            flattens.
        seed: see `Attack`.

    Example:

    >>> Contrast(0.5)(tf.constant([[[[0.0], [1.0]]]])).numpy().ravel().tolist()
    [0.25, 0.75]
    """

    def __init__(self, factor=1.0, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.factor = number_or_range("factor", factor)

    def apply(self, image, seed, cover=None):
        factor = per_image(draw_strength(self.factor, seed, tf.shape(image)[0]))
        mean = tf.reduce_mean(image, axis=(1, 2, 3), keepdims=True)
        return straight_through_clip(mean + factor * (image - mean))

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}
