import keras

from tfwm.attacks.arguments import padding_name
from tfwm.attacks.base import Attack
from tfwm.checks import odd_size
from tfwm.ops.filters import median_filter


@keras.saving.register_keras_serializable(package="tfwm")
class MedianFilter(Attack):
    """Replaces every pixel by the median of the window around it.

    Equal to `scipy.ndimage.median_filter`, which ReDMark tests with 3, 5 and 7
    (Table 3). The gradient goes to the pixel that was chosen.

    Args:
        size: odd side of the window, pixels.
        padding: what lies beyond the border; see `FIRFilter`.
        seed: not used; see `Attack`.

    Example:

    >>> MedianFilter(3)(tf.ones((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    def __init__(self, size=3, padding="symmetric", seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.size = odd_size("size", size)
        self.padding = padding_name(padding)

    def apply(self, image, seed, cover=None):
        return median_filter(image, self.size, self.padding)

    def get_config(self):
        return {**super().get_config(), "size": self.size, "padding": self.padding}
