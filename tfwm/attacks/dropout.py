import keras
import tensorflow as tf

from tfwm.attacks.arguments import needed_cover
from tfwm.attacks.base import Attack
from tfwm.checks import number_or_range, one_of
from tfwm.ops.random import draw_strength, per_image, split_seed, uniform


@keras.saving.register_keras_serializable(package="tfwm")
class Dropout(Attack):
    """Keeps the watermark in randomly chosen pixels; in the others the cover comes back.

    Not `keras.layers.Dropout`: nothing is set to 0 or scaled, and it acts in inference too. HiDDeN
    and MBRS (section 4.2.2) test with 0.3; the PyTorch port of HiDDeN trains with 0.25 to 0.35.

    Args:
        keep: probability that a pixel keeps its watermarked value, in [0, 1], or a pair
            `(low, high)` to draw one per image.
        per: `"pixel"` chooses whole pixels (HiDDeN), `"element"` the value of each channel on
            its own (MBRS, official code).
        seed: see `Attack`.

    Call arguments:
        image: see `Attack`.
        cover: the image before the watermark; needed here.

    Example:

    >>> attack = Dropout(0.3, seed=1)
    >>> attack(tf.ones((2, 32, 32, 3)), cover=tf.zeros((2, 32, 32, 3))).shape
    TensorShape([2, 32, 32, 3])
    """

    def __init__(self, keep, per="pixel", seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.keep = number_or_range("keep", keep, high=1.0)
        self.per = one_of("per", per, ("pixel", "element"))

    def apply(self, image, seed, cover=None):
        cover = needed_cover(self, cover)
        seed, strength_seed = split_seed(seed, 2)
        batch, height, width, channels = tf.unstack(tf.shape(image))
        keep = per_image(draw_strength(self.keep, strength_seed, batch))
        shape = (batch, height, width, 1 if self.per == "pixel" else channels)
        return tf.where(uniform(shape, seed) < keep, image, cover)

    def get_config(self):
        return {**super().get_config(), "keep": self.keep, "per": self.per}
