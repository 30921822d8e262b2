import keras
import tensorflow as tf

from tfwm.attacks.arguments import largest, number_or_range
from tfwm.attacks.base import Attack
from tfwm.ops.random import draw_strength
from tfwm.ops.resample import apply_separable, resize_and_back_matrices


@keras.saving.register_keras_serializable(package="tfwm")
class Resize(Attack):
    """Resizes the image and brings it back to its size.

    Both steps are antialiased bilinear, with the weights of
    `PIL.Image.resize(size, Image.BILINEAR)`, without the rounding to 8 bits in between.
    The middle size is `int(side * scale)`. ReDMark tests with 0.5, 0.75 and 1.5
    (Table 3).

    Args:
        scale: the factor, above 0, or a pair `(low, high)` to draw one per image.
        seed: see `Attack`.

    Example:

    >>> Resize(scale=(0.5, 1.5), seed=1)(tf.ones((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    def __init__(self, scale=0.5, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.scale = number_or_range("scale", scale, low=1e-3)

    def apply(self, image, seed, cover=None):
        scale = draw_strength(self.scale, seed, tf.shape(image)[0])
        matrices = [self._matrices(image, axis, scale) for axis in (1, 2)]
        for vertical, horizontal in zip(*matrices, strict=True):
            image = apply_separable(image, vertical, horizontal)
        return image

    def _matrices(self, image, axis, scale):
        size = image.shape[axis]
        if size and not isinstance(self.scale, tuple):
            middle = most = max(int(size * self.scale), 1)
        else:
            size = size or tf.shape(image)[axis]
            length = tf.cast(size, tf.float32)
            middle = tf.maximum(tf.cast(length * scale, tf.int32), 1)
            most = tf.maximum(tf.cast(length * largest(self.scale), tf.int32), 1)
        return resize_and_back_matrices(size, middle, most)

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}
