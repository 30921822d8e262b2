import keras
import tensorflow as tf

from tfwm.attacks.base import Attack
from tfwm.checks import number_or_range
from tfwm.ops.random import draw_strength, per_image, split_seed, uniform


@keras.saving.register_keras_serializable(package="tfwm")
class UniformNoise(Attack):
    """Adds independent uniform noise to every pixel and channel. Nothing is clipped.

    With the default it stands for the rounding to 8 bits when an image is saved.

    Args:
        amplitude: the noise is uniform in `[-amplitude, amplitude)`, in units of the
            [0, 1] range, or a pair `(low, high)` to draw the amplitude per image.
        seed: see `Attack`.

    Example:

    >>> attack = UniformNoise(amplitude=0.5 / 255, seed=1)
    >>> attack(tf.zeros((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    def __init__(self, amplitude=0.5 / 255, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.amplitude = number_or_range("amplitude", amplitude)

    def apply(self, image, seed, cover=None):
        seed, strength_seed = split_seed(seed, 2)
        shape = tf.shape(image)
        amplitude = per_image(draw_strength(self.amplitude, strength_seed, shape[0]))
        return image + amplitude * uniform(shape, seed, -1.0, 1.0)

    def get_config(self):
        return {**super().get_config(), "amplitude": self.amplitude}
