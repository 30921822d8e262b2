import keras
import tensorflow as tf

from tfwm.attacks.base import Attack
from tfwm.checks import number_or_range
from tfwm.ops.random import draw_strength, per_image, split_seed, uniform


@keras.saving.register_keras_serializable(package="tfwm")
class GridCrop(Attack):
    """Fills randomly chosen blocks of the image's grid.

    ReDMark's "grid crop" (section 4.3, Table 2: 20, 30 and 40 %, 8 x 8, black).

    Args:
        amount: probability that a block is filled, in [0, 1], or a pair
            `(low, high)` to draw one per image.
        block_shape: rows and columns of a block, pixels. Blocks are aligned with the
            top left corner; those at the right and bottom border may be cut.
        fill: value in a filled block, in [0, 1].
        seed: see `Attack`.

    Example:

    >>> attack = GridCrop(amount=0.3, seed=1)
    >>> attack(tf.ones((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    def __init__(self, amount=0.3, block_shape=(8, 8), fill=0.0, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.amount = number_or_range("amount", amount, high=1.0)
        self.block_shape = tuple(block_shape)
        self.fill = float(fill)
        if len(self.block_shape) != 2 or min(self.block_shape) < 1:
            raise ValueError(
                "Expected a pair (rows, columns) of positive integers. "
                f"Received: block_shape={block_shape}"
            )

    def apply(self, image, seed, cover=None):
        seed, strength_seed = split_seed(seed, 2)
        batch, height, width, _ = tf.unstack(tf.shape(image))
        rows, columns = self.block_shape
        amount = per_image(draw_strength(self.amount, strength_seed, batch))
        grid = (batch, -(-height // rows), -(-width // columns), 1)
        filled = uniform(grid, seed) < amount
        filled = tf.repeat(tf.repeat(filled, rows, axis=1), columns, axis=2)
        return tf.where(filled[:, :height, :width], self.fill, image)

    def get_config(self):
        return {
            **super().get_config(),
            "amount": self.amount,
            "block_shape": self.block_shape,
            "fill": self.fill,
        }
