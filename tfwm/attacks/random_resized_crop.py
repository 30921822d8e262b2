import math

import keras
import tensorflow as tf

from tfwm.attacks.base import Attack
from tfwm.checks import number_or_range
from tfwm.ops.random import draw_strength, split_seed, uniform
from tfwm.ops.resample import apply_separable, window_matrix


@keras.saving.register_keras_serializable(package="tfwm")
class RandomResizedCrop(Attack):
    """Cuts a window out of every image and brings it to the size of the image.

    What CropDefender adds to StegaStamp (section 3.2 of its paper). Each image has its own
    window of whole pixels; the code of the paper takes one per batch. The resize is that of
    `PIL.Image.resize(size, Image.BILINEAR)` without rounding to 8 bits; a window is never
    larger than the image, so that there is nothing to antialias. `Ramp` lets the area shrink
    from all of the image.

    Args:
        area: share of the area that is kept, above 0 and up to 1, or a pair `(low, high)` to
            draw one per image.
        aspect: width by height of the window in units of the image's, or a pair, drawn
            uniformly in its logarithm; no more than the area lets fit into the image, so
            that it is 1 for an area of 1.
        seed: see `Attack`.

    Example:

    >>> RandomResizedCrop(seed=1)(tf.ones((2, 32, 48, 3))).shape
    TensorShape([2, 32, 48, 3])
    """

    moves = True

    def __init__(self, area=(0.6, 1.0), aspect=(3 / 4, 4 / 3), seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.area = number_or_range("area", area, low=0.01, high=1.0)
        self.aspect = number_or_range("aspect", aspect, low=0.1, high=10.0)

    def apply(self, image, seed, cover=None):
        return self.apply_share(image, seed, cover)

    def apply_share(self, image, seed, cover=None, share=1.0):
        batch = tf.shape(image)[0]
        area_seed, aspect_seed, *place_seeds = split_seed(seed, 4)
        area = tf.broadcast_to(draw_strength(self.area, area_seed, batch), (batch,))
        area = 1 - share * (1 - area)
        aspect = self._draw_aspect(area, aspect_seed)
        sides = (tf.sqrt(area / aspect), tf.sqrt(area * aspect))
        matrices = []
        for axis, side, place_seed in zip((1, 2), sides, place_seeds, strict=True):
            size = image.shape[axis] or tf.shape(image)[axis]
            whole = tf.cast(size, tf.float32)
            length = tf.clip_by_value(tf.round(side * whole), 1.0, whole)
            start = tf.floor(uniform((batch,), place_seed) * (whole - length + 1))
            matrices.append(window_matrix(size, start, length))
        return apply_separable(image, *matrices)

    def _draw_aspect(self, area, seed):
        ends = self.aspect if isinstance(self.aspect, tuple) else (self.aspect, self.aspect)
        bound = -tf.math.log(area)
        low, high = (tf.clip_by_value(math.log(end) + 0 * area, -bound, bound) for end in ends)
        return tf.exp(low + (high - low) * uniform(tf.shape(area), seed))

    def get_config(self):
        return {**super().get_config(), "area": self.area, "aspect": self.aspect}
