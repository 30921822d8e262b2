import keras
import tensorflow as tf

from tfwm.attacks.arguments import needed_cover
from tfwm.attacks.base import Attack
from tfwm.checks import number_or_range
from tfwm.ops.windows import random_window


@keras.saving.register_keras_serializable(package="tfwm")
class Cropout(Attack):
    """Keeps the watermark in a window at a random place; outside, the cover comes back.

    The window is that of `Crop`. MBRS (section 4.2.2) and HiDDeN test with 0.3 of the area, a
    fraction of 0.55 of the sides; the PyTorch port of HiDDeN trains with fractions of 0.25 to 0.35.

    Args:
        fraction: share of each side that is kept, above 0 and up to 1, or a pair `(low, high)`
            to draw one per image and side.
        seed: see `Attack`.

    Call arguments:
        image: see `Attack`.
        cover: the image before the watermark; needed here.

    Example:

    >>> attack = Cropout(0.5, seed=1)
    >>> attacked = attack(tf.ones((1, 32, 32, 3)), cover=tf.zeros((1, 32, 32, 3)))
    >>> float(tf.reduce_mean(attacked))
    0.25
    """

    def __init__(self, fraction, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.fraction = number_or_range("fraction", fraction, low=1e-3, high=1.0)

    def apply(self, image, seed, cover=None):
        cover = needed_cover(self, cover)
        return tf.where(random_window(image, self.fraction, seed), image, cover)

    def get_config(self):
        return {**super().get_config(), "fraction": self.fraction}
