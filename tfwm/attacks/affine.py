import keras
import tensorflow as tf

from tfwm.attacks.base import Attack
from tfwm.checks import number_or_range
from tfwm.ops.random import draw_strength, split_seed
from tfwm.ops.warp import affine_grid, sample_bilinear


@keras.saving.register_keras_serializable(package="tfwm")
class Affine(Attack):
    """Turns, scales and shifts the image about its centre, bilinearly.

    The size stays; beyond the border the edge pixel repeats. Small ranges teach a network to
    bear the rest of a misalignment that a search leaves.

    Args:
        rotation: degrees counterclockwise, or a pair `(low, high)` to draw one per image.
        scale: factor above 0, or a pair; above 1 enlarges.
        shift: pixels, or a pair; drawn apart for the two axes.
        seed: see `Attack`.

    Example:

    >>> Affine(rotation=(-2, 2), scale=(0.97, 1.03), seed=1)(tf.ones((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    moves = True

    def __init__(self, rotation=0.0, scale=1.0, shift=0.0, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.rotation = number_or_range("rotation", rotation, low=-360.0, high=360.0)
        self.scale = number_or_range("scale", scale, low=1e-3)
        self.shift = number_or_range("shift", shift, low=-1e4)

    def apply(self, image, seed, cover=None):
        return self.apply_share(image, seed, cover)

    def apply_share(self, image, seed, cover=None, share=1.0):
        batch = tf.shape(image)[0]
        names = (self.rotation, self.scale, self.shift, self.shift)
        drawn = [
            tf.broadcast_to(draw_strength(value, part, batch), (batch,))
            for value, part in zip(names, split_seed(seed, 4), strict=True)
        ]
        rotation, scale, down, right = drawn
        rotation, down, right = (share * part for part in (rotation, down, right))
        scale = 1 + share * (scale - 1)
        sides = [image.shape[i] or tf.shape(image)[i] for i in (1, 2)]
        rows, columns = affine_grid(sides, rotation, scale, tf.stack([down, right], axis=-1))
        return sample_bilinear(image, rows, columns)

    def get_config(self):
        return {
            **super().get_config(),
            "rotation": self.rotation,
            "scale": self.scale,
            "shift": self.shift,
        }
