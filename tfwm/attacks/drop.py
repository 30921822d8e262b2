"""Attacks that remove parts of the image, or of the watermark."""

import keras
import tensorflow as tf

from tfwm.attacks.base import Attack, Twin, needed_cover
from tfwm.checks import number_or_range, one_of
from tfwm.ops.random import draw_strength, per_image, split_seed, uniform
from tfwm.ops.windows import cut_window, place_window, random_window

__all__ = ["Crop", "Cropout", "Dropout", "Frame", "GridCrop", "RectangleCrop"]


@keras.saving.register_keras_serializable(package="tfwm")
class Crop(Attack):
    """Keeps a window at a random place in every image, and fills the rest or cuts it off.

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
            all images of a batch get the same size, drawn per batch, each at its own place.
            Such a layer does not run under XLA.
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

    twins = (
        Twin("crop_keep", 0.3, lambda level: Crop(level**0.5, fill=0.0), tolerance=1),
        Twin("crop", 0.3, lambda level: Crop(level**0.5, fill=None), tolerance=2.5),
    )

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


def _fill_value(fill):
    """Returns the value of `fill` as a float, or raises ValueError."""
    if not isinstance(fill, int | float) or not 0 <= fill <= 1:
        raise ValueError(
            "Expected a number from 0 (black) to 1 (white), or None to cut the window out. "
            f"Received: fill={fill!r}"
        )
    return float(fill)


@keras.saving.register_keras_serializable(package="tfwm")
class Cropout(Attack):
    """Keeps the watermark in a window at a random place, and the cover outside.

    The window is that of `Crop`. MBRS (section 4.2.2) and HiDDeN test with 0.3 of the area, a
    fraction of 0.55 of the sides; the PyTorch port of HiDDeN trains with fractions of 0.25 to 0.35.

    Args:
        fraction: share of each side that is kept, above 0 and up to 1, or a pair `(low, high)`
            to draw one per image and side.
        seed: see `Attack`.

    Call arguments:
        image: see `Attack`.
        cover: the image before the watermark; needed here.

    Example:

    >>> attack = Cropout(0.5, seed=1)
    >>> attacked = attack(tf.ones((1, 32, 32, 3)), cover=tf.zeros((1, 32, 32, 3)))
    >>> float(tf.reduce_mean(attacked))
    0.25
    """

    twins = (Twin("cropout", 0.3, lambda level: Cropout(level**0.5), tolerance=2),)

    def __init__(self, fraction, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.fraction = number_or_range("fraction", fraction, low=1e-3, high=1.0)

    def apply(self, image, seed, cover=None):
        cover = needed_cover(self, cover)
        return tf.where(random_window(image, self.fraction, seed), image, cover)


@keras.saving.register_keras_serializable(package="tfwm")
class Dropout(Attack):
    """Keeps the watermark in randomly chosen pixels, and the cover in the others.

    Unlike `keras.layers.Dropout`, it sets and scales nothing, and acts in inference too. HiDDeN
    and MBRS (section 4.2.2) test with 0.3; the PyTorch port of HiDDeN trains with 0.25 to 0.35.

    Args:
        keep: probability that a pixel keeps its watermarked value, in [0, 1], or a pair
            `(low, high)` to draw one per image.
        per: `"pixel"` chooses whole pixels (HiDDeN), `"element"` the value of each channel
            independently (MBRS, official code).
        seed: see `Attack`.

    Call arguments:
        image: see `Attack`.
        cover: the image before the watermark; needed here.

    Example:

    >>> attack = Dropout(0.3, seed=1)
    >>> attack(tf.ones((2, 32, 32, 3)), cover=tf.zeros((2, 32, 32, 3))).shape
    TensorShape([2, 32, 32, 3])
    """

    twins = (Twin("dropout", 0.3, tolerance=0.2),)

    def __init__(self, keep, per="pixel", seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.keep = number_or_range("keep", keep, high=1.0)
        self.per = one_of("per", per, ("pixel", "element"))

    def apply(self, image, seed, cover=None):
        cover = needed_cover(self, cover)
        seed, strength_seed = split_seed(seed, 2)
        batch, height, width, channels = tf.unstack(tf.shape(image))
        keep = per_image(draw_strength(self.keep, strength_seed, batch))
        shape = (batch, height, width, 1 if self.per == "pixel" else channels)
        return tf.where(uniform(shape, seed) < keep, image, cover)


@keras.saving.register_keras_serializable(package="tfwm")
class Frame(Attack):
    """Paints a black frame over the border of the image.

    CropDefender (section 5.1.1) uses it to measure what a crop loses apart from the alignment;
    its widest frame, 70 of 400 pixels, is `Frame(0.175)`.

    Args:
        width: share of each side that the frame covers at either end, from 0 to 0.49, or a
            pair `(low, high)` to draw one per image; rounded to whole pixels.
        seed: see `Attack`.

    Example:

    >>> float(tf.reduce_mean(Frame(0.25)(tf.ones((1, 32, 32, 3)))))
    0.25
    """

    twins = (Twin("frame", 0.1),)

    def __init__(self, width=0.1, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.width = number_or_range("width", width, high=0.49)

    def apply(self, image, seed, cover=None):
        batch = tf.shape(image)[0]
        width = tf.broadcast_to(draw_strength(self.width, seed, batch), (batch,))
        rows, columns = (_middle(tf.shape(image)[axis], width) for axis in (1, 2))
        return tf.where(rows[:, :, None, None] & columns[:, None, :, None], image, 0.0)


def _middle(size, width):
    """Returns which positions along an axis lie inside the frame, bool `(batch, size)`."""
    size = tf.cast(size, tf.float32)
    border = tf.round(width * size)[:, None]
    position = tf.range(size)[None]
    return (position >= border) & (position < size - border)


@keras.saving.register_keras_serializable(package="tfwm")
class GridCrop(Attack):
    """Fills randomly chosen blocks of the image's grid.

    ReDMark's "grid crop" (section 4.3, Table 2: 20, 30 and 40 %, 8 x 8, black).

    Args:
        amount: probability that a block is filled, in [0, 1], or a pair
            `(low, high)` to draw one per image.
        block_shape: rows and columns of a block, pixels. Blocks are aligned with the
            top left corner; blocks at the right and bottom border may be incomplete.
        fill: value in a filled block, in [0, 1].
        seed: see `Attack`.

    Example:

    >>> attack = GridCrop(amount=0.3, seed=1)
    >>> attack(tf.ones((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    twins = (Twin("grid_crop", 0.3, tolerance=0.7),)

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

    twins = (Twin("cropping", 0.2, tolerance=1),)

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
