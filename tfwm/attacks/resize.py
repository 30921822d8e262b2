import keras
import tensorflow as tf

from tfwm.attacks.base import Attack
from tfwm.checks import largest, number_or_range, one_of
from tfwm.ops.random import draw_strength
from tfwm.ops.resample import (
    METHODS,
    apply_separable,
    resize_and_back_matrices,
    resize_matrix,
)


@keras.saving.register_keras_serializable(package="tfwm")
class Resize(Attack):
    """Resizes the image and brings it back to its size, or leaves it so.

    The scaled size is `int(side * scale)`. ReDMark tests with 0.5, 0.75 and 1.5 and
    back (Table 3). The PyTorch port of HiDDeN trains with
    `Resize((0.4, 0.6), restore=False, method="nearest")`.

    Args:
        scale: the factor, above 0, or a pair `(low, high)` to draw one per image.
        restore: `False` leaves the images at the scaled size; a range then gives one
            size per batch, and the layer does not run under XLA.
        method: `"bilinear"`, antialiased, with the weights of
            `PIL.Image.resize(size, Image.BILINEAR)` but without rounding to 8 bits, or
            `"nearest"`, that of PyTorch's `interpolate`. It holds for both ways.
        seed: see `Attack`.

    Output shape:
        That of `image`; `(batch, None, None, channels)` with `restore=False`.

    Example:

    >>> Resize(scale=(0.5, 1.5), seed=1)(tf.ones((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    def __init__(self, scale=0.5, restore=True, method="bilinear", seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.scale = number_or_range("scale", scale, low=1e-3)
        self.restore = one_of("restore", restore, (True, False))
        self.method = one_of("method", method, METHODS)
        if not self.restore:
            self.supports_jit = False

    def apply(self, image, seed, cover=None):
        batch = tf.shape(image)[0]
        scale = draw_strength(self.scale, seed, batch if self.restore else 1)
        if self.restore:
            steps = zip(*(self._there_and_back(image, axis, scale) for axis in (1, 2)), strict=True)
        else:
            scale = tf.reshape(scale, ())
            steps = [[self._there(image, axis, scale) for axis in (1, 2)]]
        for vertical, horizontal in steps:
            image = apply_separable(image, vertical, horizontal)
        return image

    def _there(self, image, axis, scale):
        size, middle, _ = self._sizes(image, axis, scale)
        return resize_matrix(size, middle, method=self.method)

    def _there_and_back(self, image, axis, scale):
        return resize_and_back_matrices(*self._sizes(image, axis, scale), method=self.method)

    def _sizes(self, image, axis, scale):
        """Returns the side of the image, the scaled one and the most that it can be."""
        size = image.shape[axis]
        if size and not isinstance(self.scale, tuple):
            middle = max(int(size * self.scale), 1)
            return size, middle, middle
        size = size or tf.shape(image)[axis]
        length = tf.cast(size, tf.float32)
        middle = tf.maximum(tf.cast(length * scale, tf.int32), 1)
        return size, middle, tf.maximum(tf.cast(length * largest(self.scale), tf.int32), 1)

    def compute_output_shape(self, image_shape, cover_shape=None):
        if self.restore:
            return image_shape
        return (image_shape[0], None, None, image_shape[-1])

    def get_config(self):
        return {
            **super().get_config(),
            "scale": self.scale,
            "restore": self.restore,
            "method": self.method,
        }
