import keras
import tensorflow as tf

from tfwm.attacks.base import Attack
from tfwm.checks import largest, number_or_range
from tfwm.ops.filters import pillow_gaussian_blur
from tfwm.ops.random import draw_strength, per_image, split_seed
from tfwm.ops.rounding import straight_through_clip


@keras.saving.register_keras_serializable(package="tfwm")
class Sharpen(Attack):
    """Sharpens by an unsharp mask, as `PIL.ImageFilter.UnsharpMask` does.

    `image + percent / 100 * (image - blurred)` where the two differ by more than the
    threshold. The result is clipped to [0, 1] with a straight-through gradient.
    ReDMark tests with radius 1, 5 and 10 and these defaults (Table 3).

    Args:
        radius: standard deviation of the blur, pixels, or a pair `(low, high)` to
            draw one per image.
        percent: strength in percent, or a pair `(low, high)`.
        threshold: smallest difference that is sharpened, in gray levels of 255.
        seed: see `Attack`.

    Example:

    >>> Sharpen(radius=5, percent=150)(tf.ones((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    def __init__(self, radius=2.0, percent=150.0, threshold=3, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.radius = number_or_range("radius", radius)
        self.percent = number_or_range("percent", percent)
        self.threshold = threshold

    def apply(self, image, seed, cover=None):
        radius_seed, percent_seed = split_seed(seed, 2)
        batch = tf.shape(image)[0]
        radius = draw_strength(self.radius, radius_seed, batch)
        factor = per_image(draw_strength(self.percent, percent_seed, batch)) / 100
        blurred = pillow_gaussian_blur(image, radius, largest(self.radius))
        detail = image - blurred
        strong = tf.abs(tf.round(255 * image) - tf.round(255 * blurred)) > self.threshold
        return straight_through_clip(tf.where(strong, image + factor * detail, image))

    def get_config(self):
        return {
            **super().get_config(),
            "radius": self.radius,
            "percent": self.percent,
            "threshold": self.threshold,
        }
