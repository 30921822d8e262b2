import keras
import numpy as np

from tfwm.attacks.arguments import padding_name
from tfwm.attacks.base import Attack
from tfwm.checks import odd_size
from tfwm.ops.filters import filter_separable


@keras.saving.register_keras_serializable(package="tfwm")
class MeanFilter(Attack):
    """Replaces every pixel by the mean of the window around it.

    ReDMark trains with 3 x 3 (section 3.3), padded with gray 128.

    Args:
        size: odd side of the window, pixels.
        padding: what lies beyond the border; see `FIRFilter`.
        seed: not used; see `Attack`.

    Example:

    >>> MeanFilter(3)(tf.ones((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    def __init__(self, size=3, padding="symmetric", seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.size = odd_size("size", size)
        self.padding = padding_name(padding)

    def apply(self, image, seed, cover=None):
        kernel = np.full(self.size, 1 / self.size, np.float32)
        return filter_separable(image, kernel, self.padding)

    def get_config(self):
        return {**super().get_config(), "size": self.size, "padding": self.padding}
