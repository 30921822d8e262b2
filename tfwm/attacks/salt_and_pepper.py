import keras
import tensorflow as tf

from tfwm.attacks.base import Attack
from tfwm.checks import number_or_range
from tfwm.ops.random import draw_strength, per_image, split_seed, uniform


@keras.saving.register_keras_serializable(package="tfwm")
class SaltAndPepper(Attack):
    """Sets some values to 1 (salt) and as many to 0 (pepper).

    Each value of the image is chosen on its own, channels too, as in
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

    def get_config(self):
        return {**super().get_config(), "amount": self.amount}
