import keras
import tensorflow as tf

from tfwm.attacks.arguments import number_or_range
from tfwm.attacks.base import Attack
from tfwm.ops.random import draw_strength, normal, per_image, split_seed


@keras.saving.register_keras_serializable(package="tfwm")
class GaussianNoise(Attack):
    """Adds independent normal noise to every pixel and channel. Nothing is clipped.

    ReDMark trains with `stddev=3 / 255` and tests with 5, 15 and 25 / 255
    (section 3.3 and Table 2).

    Args:
        stddev: standard deviation in units of the [0, 1] range, or a pair
            `(low, high)` to draw one per image.
        seed: see `Attack`.

    Example:

    >>> attack = GaussianNoise(stddev=3 / 255, seed=1)
    >>> attack(tf.zeros((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    def __init__(self, stddev=3 / 255, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.stddev = number_or_range("stddev", stddev)

    def apply(self, image, seed, cover=None):
        seed, strength_seed = split_seed(seed, 2)
        shape = tf.shape(image)
        stddev = per_image(draw_strength(self.stddev, strength_seed, shape[0]))
        return image + stddev * normal(shape, seed)

    def get_config(self):
        return {**super().get_config(), "stddev": self.stddev}
