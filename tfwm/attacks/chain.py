import keras

from tfwm.attacks.composite import CompositeAttack, output_shape, run_attack
from tfwm.ops.random import split_seed


@keras.saving.register_keras_serializable(package="tfwm")
class Chain(CompositeAttack):
    """Applies several attacks one after the other.

    One that puts the cover back must come before one that changes the size of images.

    Args:
        attacks: list of attacks, the first one first; other Keras layers will do too.
        seed: see `Attack`.

    Example:

    >>> attack = Chain([GaussianBlur(1.0), GaussianNoise(0.01)], seed=1)
    >>> attack(tf.ones((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    def apply_share(self, image, seed, cover=None, share=None):
        for attack, own_seed in zip(self.attacks, split_seed(seed, len(self.attacks)), strict=True):
            image = run_attack(attack, image, own_seed, cover, share)
        return image

    def compute_output_shape(self, image_shape, cover_shape=None):
        for attack in self.attacks:
            image_shape = output_shape(attack, image_shape)
        return image_shape
