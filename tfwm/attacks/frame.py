import keras
import tensorflow as tf

from tfwm.attacks.base import Attack
from tfwm.checks import number_or_range
from tfwm.ops.random import draw_strength


@keras.saving.register_keras_serializable(package="tfwm")
class Frame(Attack):
    """Paints a black frame over the border of the image.

    CropDefender (section 5.1.1) measures with it what a crop loses besides place; its widest
    frame, 70 of 400 pixels, is `Frame(0.175)`.

    Args:
        width: share of each side that the frame covers at either end, from 0 to 0.49, or a
            pair `(low, high)` to draw one per image; rounded to whole pixels.
        seed: see `Attack`.

    Example:

    >>> float(tf.reduce_mean(Frame(0.25)(tf.ones((1, 32, 32, 3)))))
    0.25
    """

    def __init__(self, width=0.1, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.width = number_or_range("width", width, high=0.49)

    def apply(self, image, seed, cover=None):
        batch = tf.shape(image)[0]
        width = tf.broadcast_to(draw_strength(self.width, seed, batch), (batch,))
        rows, columns = (_middle(tf.shape(image)[axis], width) for axis in (1, 2))
        return tf.where(rows[:, :, None, None] & columns[:, None, :, None], image, 0.0)

    def get_config(self):
        return {**super().get_config(), "width": self.width}


def _middle(size, width):
    """Marks what is inside of the frame along an axis, bool `(batch, size)`."""
    size = tf.cast(size, tf.float32)
    border = tf.round(width * size)[:, None]
    position = tf.range(size)[None]
    return (position >= border) & (position < size - border)
