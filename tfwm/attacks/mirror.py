import keras
import tensorflow as tf

from tfwm.attacks.base import Attack
from tfwm.ops.random import uniform


@keras.saving.register_keras_serializable(package="tfwm")
class Mirror(Attack):
    """Mirrors the image left-right.

    Always, as every attack; `RandomChoice([Mirror(), Identity()], per="image")` mirrors half of
    the images. `Ramp` lets the share of mirrored images grow from none to all.

    Args:
        seed: see `Attack`.

    Example:

    >>> Mirror()(tf.reshape([0.25, 0.5, 0.75], (1, 1, 3, 1))).numpy().ravel()
    array([0.75, 0.5 , 0.25], dtype=float32)
    """

    moves = True

    def apply(self, image, seed, cover=None):
        return tf.reverse(image, [2])

    def apply_share(self, image, seed, cover=None, share=1.0):
        chosen = uniform((tf.shape(image)[0], 1, 1, 1), seed) < share
        return tf.where(chosen, self.apply(image, seed), image)
