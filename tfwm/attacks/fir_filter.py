import keras
import numpy as np

from tfwm.attacks.arguments import padding_name
from tfwm.attacks.base import Attack
from tfwm.ops.filters import filter2d


@keras.saving.register_keras_serializable(package="tfwm")
class FIRFilter(Attack):
    """Filters every channel by a given kernel. Nothing is clipped.

    Args:
        kernel: 2D list or array of odd sides; it is correlated with the image, as it
            is, without normalisation.
        padding: what lies beyond the border: `"symmetric"` (cba|abc, "reflect" of
            SciPy), `"reflect"` (cb|abc), `"edge"` (aa|abc) or `"zero"`.
        seed: not used; see `Attack`.

    Example:

    >>> attack = FIRFilter([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
    >>> attack(tf.ones((2, 32, 32, 3))).shape
    TensorShape([2, 32, 32, 3])
    """

    def __init__(self, kernel, padding="symmetric", seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        array = np.asarray(kernel, np.float32)
        if array.ndim != 2 or array.shape[0] % 2 == 0 or array.shape[1] % 2 == 0:
            raise ValueError(
                "Expected a 2D kernel of odd sides, such as [[0, 1, 0]]. "
                f"Received: kernel of shape {array.shape}"
            )
        self.kernel = array.tolist()
        self.padding = padding_name(padding)

    def apply(self, image, seed, cover=None):
        return filter2d(image, self.kernel, self.padding)

    def get_config(self):
        return {**super().get_config(), "kernel": self.kernel, "padding": self.padding}
