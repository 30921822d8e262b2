"""Attacks that change light and color."""

import keras
import tensorflow as tf

from tfwm.attacks.base import Attack, Twin
from tfwm.checks import number_or_range
from tfwm.ops.random import draw_strength, per_image, split_seed, uniform
from tfwm.ops.rounding import straight_through_clip

__all__ = ["Brightness", "Contrast", "Gamma", "Hue", "Saturation"]


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

    twins = (Twin("brightness", 1.3, tolerance=0.5),)

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


@keras.saving.register_keras_serializable(package="tfwm")
class Contrast(Attack):
    """Scales the distance of pixels to the image's mean, and clips to [0, 1].

    `mean + factor * (image - mean)` with each image's own mean over pixels and channels. The
    gradient passes straight through the clipping.

    Args:
        factor: number of at least 0, or a pair `(low, high)` to draw one per image; below 1
            reduces the contrast.
        seed: see `Attack`.

    Example:

    >>> Contrast(0.5)(tf.constant([[[[0.0], [1.0]]]])).numpy().ravel().tolist()
    [0.25, 0.75]
    """

    twins = (Twin("contrast", 1.3, tolerance=1.5),)

    def __init__(self, factor=1.0, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.factor = number_or_range("factor", factor)

    def apply(self, image, seed, cover=None):
        factor = per_image(draw_strength(self.factor, seed, tf.shape(image)[0]))
        mean = tf.reduce_mean(image, axis=(1, 2, 3), keepdims=True)
        return straight_through_clip(mean + factor * (image - mean))


# The slope of a power below 1 is infinite at 0.
DARKEST = 1 / 255


@keras.saving.register_keras_serializable(package="tfwm")
class Gamma(Attack):
    """Clips the pixels to [0, 1] and raises them to a power.

    Args:
        gamma: number above 0, or a pair `(low, high)` to draw one per image; below 1
            brightens the shadows.
        seed: see `Attack`.

    Example:

    >>> Gamma(2.0)(tf.fill((1, 8, 8, 1), 0.5)).numpy().max().item()
    0.25
    """

    twins = (Twin("gamma", 1.5, tolerance=0.01),)

    def __init__(self, gamma=1.0, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.gamma = number_or_range("gamma", gamma, low=1e-3)

    def apply(self, image, seed, cover=None):
        gamma = per_image(draw_strength(self.gamma, seed, tf.shape(image)[0]))
        image = straight_through_clip(image)
        # Below one gray level the curve is a straight line to 0.
        return tf.where(
            image > DARKEST,
            tf.pow(tf.maximum(image, DARKEST), gamma),
            image * tf.pow(DARKEST, gamma - 1.0),
        )


@keras.saving.register_keras_serializable(package="tfwm")
class Hue(Attack):
    """Adds a color cast, a number for every channel, and clips to [0, 1].

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

    twins = (Twin("hue", differs="the real one rotates the hue instead of adding a color cast"),)

    def __init__(self, offset=(-0.1, 0.1), seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.offset = number_or_range("offset", offset, low=-1.0, high=1.0)

    def apply(self, image, seed, cover=None):
        if not isinstance(self.offset, tuple):
            return straight_through_clip(image + self.offset)
        shape = (tf.shape(image)[0], 1, 1, image.shape[-1])
        return straight_through_clip(image + uniform(shape, seed, *self.offset))


# StegaStamp's; BT.601 rounds to the same.
LUMINANCE = (0.3, 0.6, 0.1)


@keras.saving.register_keras_serializable(package="tfwm")
class Saturation(Attack):
    """Scales the distance of colors to their gray, and clips to [0, 1].

    `gray + factor * (image - gray)` with the gray `0.3 R + 0.6 G + 0.1 B` of StegaStamp,
    which draws a factor from (0, 1). Gray images do not change. The gradient passes
    straight through the clipping.

    Reference:
        Tancik et al., "StegaStamp", CVPR 2020.

    Args:
        factor: number of at least 0, or a pair `(low, high)` to draw one per image; 0 gives
            a gray image, above 1 stronger colors.
        seed: see `Attack`.

    Example:

    >>> Saturation(0.0)(tf.constant([[[[1.0, 0.0, 0.0]]]])).numpy().ravel().round(2)
    array([0.3, 0.3, 0.3], dtype=float32)
    """

    twins = (Twin("saturation", 0.4, tolerance=0.7),)

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
