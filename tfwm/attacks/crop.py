import keras
import tensorflow as tf

from tfwm.attacks.base import Attack
from tfwm.checks import number_or_range
from tfwm.ops.windows import cut_window, random_window


@keras.saving.register_keras_serializable(package="tfwm")
class Crop(Attack):
    """Keeps a window at a random place in every image and fills the rest, or cuts it off.

    The window has `int(fraction * height)` rows and `int(fraction * width)` columns.

    | layer of | arguments |
    |---|---|
    | MBRS, official code, "crop p = 0.035" (0.0225 in training) | `0.19` (`0.15`) |
    | MBRS, paper's text (section 4.2.2: white) | `0.19, fill=1.0` |
    | HiDDeN, PyTorch port: the image gets smaller | `(0.4, 0.55), fill=None` |

    `RectangleCrop` does the opposite: it fills a rectangle.

    Args:
        fraction: share of each side that is kept, above 0 and up to 1, or a pair `(low, high)`
            to draw one per image and side. The papers' `p` is the share of the area, about the
            square of this.
        fill: value outside the window, in [0, 1]; mid gray by default, which is 0 in the [-1, 1]
            of the official code. `None`, or `"none"` in a config file, cuts the window out:
            all images of a batch get one size, drawn per batch, each its own place; such a
            layer does not run under XLA.
        seed: see `Attack`.

    Output shape:
        That of `image`; `(batch, None, None, channels)` with `fill=None`.

    Example:

    >>> attacked = Crop(0.5, fill=0.0, seed=1)(tf.ones((1, 32, 32, 3)))
    >>> float(tf.reduce_mean(attacked))
    0.25
    >>> Crop(0.19, fill=None)(tf.ones((2, 128, 128, 3))).shape
    TensorShape([2, 24, 24, 3])
    """

    def __init__(self, fraction, fill=0.5, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.fraction = number_or_range("fraction", fraction, low=1e-3, high=1.0)
        self.fill = None if fill in (None, "none") else _fill_value(fill)
        if self.fill is None:
            self.supports_jit = False

    def apply(self, image, seed, cover=None):
        if self.fill is None:
            return cut_window(image, self.fraction, seed)
        return tf.where(random_window(image, self.fraction, seed), image, self.fill)

    def compute_output_shape(self, image_shape, cover_shape=None):
        if self.fill is None:
            return (image_shape[0], None, None, image_shape[-1])
        return image_shape

    def get_config(self):
        return {**super().get_config(), "fraction": self.fraction, "fill": self.fill}


def _fill_value(fill):
    """Returns the value of `fill` as a float, or raises ValueError."""
    if not isinstance(fill, int | float) or not 0 <= fill <= 1:
        raise ValueError(
            "Expected a number from 0 (black) to 1 (white), or None to cut the window out. "
            f"Received: fill={fill!r}"
        )
    return float(fill)
