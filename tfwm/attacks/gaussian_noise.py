import keras
import tensorflow as tf

from tfwm.attacks.base import Attack
from tfwm.checks import number_or_range, one_of
from tfwm.ops.random import draw_strength, normal, per_image, split_seed


@keras.saving.register_keras_serializable(package="tfwm")
class GaussianNoise(Attack):
    """Adds independent normal noise to every pixel and channel.

    ReDMark trains with `stddev=3 / 255` and tests with 5, 15 and 25 / 255
    (section 3.3 and Table 2). StegaStamp draws up to 0.02 and clips.

    Args:
        stddev: standard deviation in units of the [0, 1] range, or a pair
            `(low, high)` to draw one per image.
        clip: whether the result is clipped to [0, 1], without a gradient outside: an embedder that
            is not bounded itself then gains nothing by leaving the range. `Ramp` clips fully
            from the first call.
        seed: see `Attack`.

    Example:

    >>> attack = GaussianNoise(stddev=3 / 255, seed=1)
    >>> attack(tf.zeros((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    def __init__(self, stddev=3 / 255, clip=False, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.stddev = number_or_range("stddev", stddev)
        self.clip = one_of("clip", clip, (True, False))

    def apply(self, image, seed, cover=None):
        return self.apply_share(image, seed, cover)

    def apply_share(self, image, seed, cover=None, share=1.0):
        seed, strength_seed = split_seed(seed, 2)
        shape = tf.shape(image)
        stddev = per_image(draw_strength(self.stddev, strength_seed, shape[0]))
        noisy = image + share * stddev * normal(shape, seed)
        return tf.clip_by_value(noisy, 0.0, 1.0) if self.clip else noisy

    def get_config(self):
        return {**super().get_config(), "stddev": self.stddev, "clip": self.clip}
