"""Attacks that add noise to pixels or replace single ones."""

import keras
import tensorflow as tf

from tfwm.attacks.base import Attack, Twin
from tfwm.checks import number_or_range, one_of
from tfwm.ops.random import draw_strength, normal, per_image, split_seed, uniform

__all__ = ["GaussianNoise", "SaltAndPepper", "UniformNoise"]


@keras.saving.register_keras_serializable(package="tfwm")
class GaussianNoise(Attack):
    """Adds independent normal noise to every pixel and channel.

    ReDMark trains with `stddev=3 / 255` and tests with 5, 15 and 25 / 255
    (section 3.3 and Table 2). StegaStamp draws up to 0.02 and clips.

    Args:
        stddev: standard deviation in units of the [0, 1] range, or a pair
            `(low, high)` to draw one per image.
        clip: whether the result is clipped to [0, 1], without a gradient outside: an embedder that
            is not bounded itself then gains nothing by leaving the range. Inside a `Ramp`, the
            clipping is complete from the first call.
        seed: see `Attack`.

    Example:

    >>> attack = GaussianNoise(stddev=3 / 255, seed=1)
    >>> attack(tf.zeros((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    twins = (Twin("gaussian_noise", 15, lambda level: GaussianNoise(level / 255), tolerance=0.1),)

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


@keras.saving.register_keras_serializable(package="tfwm")
class UniformNoise(Attack):
    """Adds independent uniform noise to every pixel and channel, without clipping.

    The default simulates the rounding to 8 bits when an image is saved.

    Args:
        amplitude: the noise is uniform in `[-amplitude, amplitude)`, in units of the
            [0, 1] range, or a pair `(low, high)` to draw the amplitude per image.
        seed: see `Attack`.

    Example:

    >>> attack = UniformNoise(amplitude=0.5 / 255, seed=1)
    >>> attack(tf.zeros((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    twins = (Twin("uniform_noise", 10, lambda level: UniformNoise(level / 255), tolerance=0.05),)

    def __init__(self, amplitude=0.5 / 255, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.amplitude = number_or_range("amplitude", amplitude)

    def apply(self, image, seed, cover=None):
        seed, strength_seed = split_seed(seed, 2)
        shape = tf.shape(image)
        amplitude = per_image(draw_strength(self.amplitude, strength_seed, shape[0]))
        return image + amplitude * uniform(shape, seed, -1.0, 1.0)


@keras.saving.register_keras_serializable(package="tfwm")
class SaltAndPepper(Attack):
    """Sets some values to 1 (salt) and the same number to 0 (pepper).

    Each value of the image is chosen independently, each channel too, as in
    `skimage.util.random_noise(mode="s&p")`. ReDMark trains with 8 % in all, and tests
    with 2, 6 and 10 % (section 3.3 and Table 2).

    Args:
        amount: fraction of values that change, salt and pepper together, in [0, 1],
            or a pair `(low, high)` to draw one per image.
        seed: see `Attack`.

    Example:

    >>> attack = SaltAndPepper(amount=0.08, seed=1)
    >>> attack(tf.fill((2, 32, 32, 1), 0.5)).shape
    TensorShape([2, 32, 32, 1])
    """

    twins = (Twin("salt_and_pepper", 0.1, tolerance=0.15),)

    def __init__(self, amount=0.08, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.amount = number_or_range("amount", amount, high=1.0)

    def apply(self, image, seed, cover=None):
        seed, strength_seed = split_seed(seed, 2)
        shape = tf.shape(image)
        half = per_image(draw_strength(self.amount, strength_seed, shape[0])) / 2
        noise = uniform(shape, seed)
        image = tf.where(noise < half, 0.0, image)
        return tf.where(noise >= 1 - half, 1.0, image)
