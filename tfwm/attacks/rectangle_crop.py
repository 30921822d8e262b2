import keras
import tensorflow as tf

from tfwm.attacks.base import Attack
from tfwm.checks import number_or_range
from tfwm.ops.random import draw_strength, split_seed
from tfwm.ops.windows import place_window


@keras.saving.register_keras_serializable(package="tfwm")
class RectangleCrop(Attack):
    """Fills one rectangle at a random place in every image; the size is kept.

    ReDMark's "cropping" (section 4.3, Table 2: 10, 20 and 30 %, black). The rectangle
    has `floor(s)` rows and `ceil(s)` columns, `s = sqrt(amount * height * width)`, cut
    to the image's sides.

    Args:
        amount: filled fraction of the area, in [0, 1], or a pair `(low, high)` to
            draw one per image.
        fill: value in the rectangle, in [0, 1].
        seed: see `Attack`.

    Example:

    >>> attack = RectangleCrop(amount=0.25, seed=1)
    >>> attacked = attack(tf.ones((1, 32, 32, 1)))
    >>> float(tf.reduce_mean(attacked))
    0.75
    """

    def __init__(self, amount=0.2, fill=0.0, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.amount = number_or_range("amount", amount, high=1.0)
        self.fill = float(fill)

    def apply(self, image, seed, cover=None):
        strength_seed, place_seed = split_seed(seed, 2)
        batch, height, width, _ = tf.unstack(tf.shape(image))
        amount = draw_strength(self.amount, strength_seed, batch)
        side = tf.sqrt(amount * tf.cast(height * width, tf.float32))
        filled = place_window(image, tf.floor(side), tf.math.ceil(side), place_seed)
        return tf.where(filled, self.fill, image)

    def get_config(self):
        return {**super().get_config(), "amount": self.amount, "fill": self.fill}
