import keras
import tensorflow as tf

from tfwm.attacks.base import Attack
from tfwm.checks import number_or_range
from tfwm.ops.random import uniform
from tfwm.ops.rounding import straight_through_clip


@keras.saving.register_keras_serializable(package="tfwm")
class Hue(Attack):
    """Gives the image a colour cast: adds a number to every channel and clips to [0, 1].

    StegaStamp's change of hue, with up to 0.1. The gradient passes straight through the
    clipping.

    Reference:
        Tancik et al., "StegaStamp", CVPR 2020.

    Args:
        offset: in units of the image, or a pair `(low, high)` to draw one for every image and
            channel.
        seed: see `Attack`.

    Example:

    >>> Hue((-0.1, 0.1), seed=1)(tf.ones((2, 32, 32, 3))).shape
    TensorShape([2, 32, 32, 3])
    """

    def __init__(self, offset=(-0.1, 0.1), seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.offset = number_or_range("offset", offset, low=-1.0, high=1.0)

    def apply(self, image, seed, cover=None):
        if not isinstance(self.offset, tuple):
            return straight_through_clip(image + self.offset)
        shape = (tf.shape(image)[0], 1, 1, image.shape[-1])
        return straight_through_clip(image + uniform(shape, seed, *self.offset))

    def get_config(self):
        return {**super().get_config(), "offset": self.offset}
