import keras
import tensorflow as tf

from tfwm.attacks.base import Attack
from tfwm.checks import number_or_range
from tfwm.ops.random import draw_strength, per_image, split_seed
from tfwm.ops.rounding import straight_through_clip


@keras.saving.register_keras_serializable(package="tfwm")
class Brightness(Attack):
    """Makes the image brighter or darker: `image * factor + offset`, clipped to [0, 1].

    `factor` is that of `PIL.ImageEnhance.Brightness`. StegaStamp draws an `offset` from
    (-0.3, 0.3) and a `factor`, which it calls contrast, from (0.5, 1.5). The gradient passes
    straight through the clipping.

    Args:
        factor: number of at least 0, or a pair `(low, high)` to draw one per image.
        offset: in units of the image, or a pair.
        seed: see `Attack`.

    Example:

    >>> Brightness(offset=0.25)(tf.fill((1, 8, 8, 1), 0.5)).numpy().max().item()
    0.75
    """

    def __init__(self, factor=1.0, offset=0.0, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.factor = number_or_range("factor", factor)
        self.offset = number_or_range("offset", offset, low=-1.0, high=1.0)

    def apply(self, image, seed, cover=None):
        batch = tf.shape(image)[0]
        factor, offset = (
            per_image(draw_strength(value, part, batch))
            for value, part in zip((self.factor, self.offset), split_seed(seed, 2), strict=True)
        )
        return straight_through_clip(image * factor + offset)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor, "offset": self.offset}
