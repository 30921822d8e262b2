import keras
import tensorflow as tf

from tfwm.attacks.arguments import needed_cover
from tfwm.attacks.base import Attack
from tfwm.checks import number_or_range, one_of
from tfwm.ops.perspective import random_homography, unwarp
from tfwm.ops.random import draw_strength, split_seed

FILLS = ("white", "cover", "edge")


@keras.saving.register_keras_serializable(package="tfwm")
class PerspectiveWarp(Attack):
    """Warps the image as if its four corners had been found inexactly in a photo of it.

    StegaStamp's warp (section 3.2 of its paper): every coordinate of every corner is
    displaced by up to `offset` of the side, and what the displaced corners enclose fills
    the image, bilinearly. Its code warps the cover before the embedder and the watermarked
    image back (`tfwm.ops.perspective.warp` and `unwarp`); to the extractor, which sees the
    watermark displaced, this attack is the same. `Ramp` lowers the offset.

    Reference:
        Tancik et al., "StegaStamp", CVPR 2020.

    Args:
        offset: the largest displacement as a share of the side, from 0 to 0.24, or a pair
            `(low, high)` to draw one per image; the paper's by default, which draws one per
            batch.
        fill: what shows beyond the border: `"white"` (the paper), `"cover"`, the same place
            of the cover (the improved network of CropDefender), or `"edge"`, the
            nearest pixel of the image.
        seed: see `Attack`.

    Example:

    >>> PerspectiveWarp(seed=1)(tf.ones((2, 32, 32, 3))).shape
    TensorShape([2, 32, 32, 3])
    """

    moves = True

    def __init__(self, offset=(0.0, 0.1), fill="white", seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.offset = number_or_range("offset", offset, high=0.24)
        self.fill = one_of("fill", fill, FILLS)

    def apply(self, image, seed, cover=None):
        return self.apply_share(image, seed, cover)

    def apply_share(self, image, seed, cover=None, share=1.0):
        fill = {"white": 1.0, "edge": None}.get(self.fill, cover)
        if self.fill == "cover":
            fill = needed_cover(self, cover)
        batch, height, width, _ = tf.unstack(tf.shape(image))
        offset_seed, corner_seed = split_seed(seed, 2)
        offset = tf.broadcast_to(share * draw_strength(self.offset, offset_seed, batch), (batch,))
        return unwarp(image, random_homography((height, width), offset, corner_seed), fill)

    def get_config(self):
        return {**super().get_config(), "offset": self.offset, "fill": self.fill}
