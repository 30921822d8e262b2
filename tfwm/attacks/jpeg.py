"""JPEG with gradients."""

import keras
import tensorflow as tf

from tfwm.attacks.base import Attack, Twin
from tfwm.checks import number_or_range, one_of
from tfwm.ops import jpeg, libjpeg
from tfwm.ops.libjpeg import encode_and_decode_jpeg
from tfwm.ops.random import draw_integer, split_seed, uniform
from tfwm.ops.rounding import (
    cubic_round,
    cubic_round_at_zero,
    straight_through,
    straight_through_clip,
)

__all__ = ["JPEG"]

METHODS = ("faithful", "codec", "noise", "cubic", "cubic_at_zero", "mask")
SMOOTH_ROUNDING = {"cubic": cubic_round, "cubic_at_zero": cubic_round_at_zero}
GRADIENTS = ("straight_through", "cubic", "zero")
MASKS = {"square": (5, 3), "zigzag": (25, 9)}


@keras.saving.register_keras_serializable(package="tfwm")
class JPEG(Attack):
    """Compresses gray or color images of any size as JPEG does, with gradients.

    All methods except `"codec"` run under XLA. Quality tables, edges of odd sizes and
    the chroma filters are libjpeg's.

    | method | what the extractor sees | gradient |
    |---|---|---|
    | `"faithful"` | libjpeg's integer arithmetic, the codec bit for bit | argument `gradient` |
    | `"codec"` | the codec itself, on the host: slower, no XLA | argument `gradient` |
    | `"noise"` | uniform noise of +-0.5 in quantized units, not clipped (ReDMark, Eq. 3) | exact |
    | `"cubic"` | rounding replaced by a cubic (Shin and Song) | exact |
    | `"cubic_at_zero"` | a cubic where rounding gives 0, else no rounding (StegaStamp) | exact |
    | `"mask"` | high frequencies set to 0, whatever the quality (MBRS, HiDDeN) | exact |

    Where a method clips to [0, 1], before and after, the gradient passes straight
    through. Inside a `Ramp`, the quality falls from 100.

    The layers of the papers:

    | layer | arguments |
    |---|---|
    | ReDMark | `70, method="noise"` |
    | MBRS, "real JPEG" in training | `50, subsampling="4:4:4", gradient="zero"` |
    | MBRS, JPEG-Mask | `method="mask", subsampling="4:4:4"` |
    | MBRS, JPEG-SS | `50, method="cubic_at_zero", subsampling="4:4:4"` |
    | MBRS, real JPEG in tests | `50` |
    | HiDDeN, JPEG-Mask | `method="mask", mask="zigzag", subsampling="4:4:4"` |
    | StegaStamp | `(50, 100), method="cubic_at_zero"` |

    The training code of MBRS uses YCbCr in full resolution, does not round pixels to 8 bits and
    does not shift them by 128 before the DCT; the first is `"4:4:4"`, in the other two points
    this layer follows libjpeg. StegaStamp's code does not round either; its tables, like those
    of ReDMark's code, are transposed; and it repeats chroma samples instead of filtering them.

    References:
        Ahmadi et al., "ReDMark", 2020, section 3.3.
        Shin and Song, "JPEG-resistant adversarial images", NIPS workshop 2017.
        Jia et al., "MBRS", ACM MM 2021, sections 3.2 and 4.3.2.
        Zhu et al., "HiDDeN", ECCV 2018.
        Tancik et al., "StegaStamp", CVPR 2020.
        Reich et al., "Differentiable JPEG: the devil is in the details", WACV 2024.

    Args:
        quality: libjpeg's quality, an integer from 1 to 100, or a pair `(low, high)`
            to draw one per image, both ends included.
        method: see the table.
        subsampling: `"4:2:0"` or `"4:4:4"`; no effect on gray images.
        gradient: for `"faithful"` and `"codec"`: `"straight_through"` treats rounding
            as the identity; `"cubic"` is the gradient of the method `"cubic"`, so that
            coefficients which quantization leaves at 0 get little gradient; with
            `"zero"` no gradient reaches the embedder, as with true rounding.
        mask: for `"mask"`: `"square"` keeps 5 x 5 coefficients of luma and 3 x 3 of
            chroma (MBRS), `"zigzag"` the first 25 and 9 (HiDDeN).
        seed: see `Attack`.

    Example:

    >>> JPEG(quality=(50, 95), seed=1)(tf.ones((2, 30, 41, 3))).shape
    TensorShape([2, 30, 41, 3])
    """

    twins = (Twin("jpeg", 50),)

    def __init__(
        self,
        quality=50,
        method="faithful",
        subsampling="4:2:0",
        gradient="straight_through",
        mask="square",
        seed=None,
        **kwargs,
    ):
        super().__init__(seed=seed, **kwargs)
        self.quality = number_or_range("quality", quality, 1, 100, kind=int)
        self.method = one_of("method", method, METHODS)
        self.subsampling = one_of("subsampling", subsampling, ("4:2:0", "4:4:4"))
        self.gradient = one_of("gradient", gradient, GRADIENTS)
        self.mask = one_of("mask", mask, MASKS)
        if method == "codec":
            self.supports_jit = False

    def apply(self, image, seed, cover=None):
        return self._compress(image, seed)

    def apply_share(self, image, seed, cover=None, share=1.0):
        if self.method == "mask":
            return super().apply_share(image, seed, cover, share)
        return self._compress(image, seed, share)

    def _compress(self, image, seed, share=None):
        if image.shape[-1] not in (1, 3):
            raise ValueError(f"Expected 1 or 3 channels. Received: image of shape {image.shape}")
        quality_seed, *noise_seeds = split_seed(seed, 4)
        quality = draw_integer(self.quality, quality_seed, tf.shape(image)[0])
        if share is not None:
            loss = share * tf.cast(100 - quality, tf.float32)
            quality = 100 - tf.cast(tf.round(loss), tf.int32)
        if self.method == "noise":
            return self._quantized(image, quality, [_add_noise(part) for part in noise_seeds])
        image = straight_through_clip(image)
        if self.method == "mask":
            return straight_through_clip(self._masked(image))
        smooth = self._smooth(image, quality)
        if self.method in SMOOTH_ROUNDING:
            return straight_through_clip(smooth)
        values = tf.stop_gradient(image)
        if self.method == "faithful":
            values = libjpeg.compress(values, quality, self.subsampling)
        else:
            fixed = share is None and not isinstance(self.quality, tuple)
            number = self.quality if fixed else quality
            values = encode_and_decode_jpeg(values, number, self.subsampling)
        return straight_through(values, smooth)

    def _smooth(self, image, quality):
        if self.method in SMOOTH_ROUNDING:
            return self._quantized(image, quality, [SMOOTH_ROUNDING[self.method]] * 3)
        if self.gradient == "cubic":
            return self._quantized(image, quality, [cubic_round] * 3)
        if self.gradient == "zero":
            return 0.0 * image
        if image.shape[-1] == 1 or self.subsampling == "4:4:4":
            return image
        return jpeg.simulate(image, None, self.subsampling)

    def _quantized(self, image, quality, rounding):
        def quantize(table, round_values):
            table = jpeg.flat_table(jpeg.quantization_table(quality, table))
            return lambda coefficients: round_values(coefficients / table) * table

        tables = jpeg.LUMINANCE_TABLE, jpeg.CHROMINANCE_TABLE, jpeg.CHROMINANCE_TABLE
        functions = [quantize(*pair) for pair in zip(tables, rounding, strict=True)]
        return jpeg.simulate(image, functions, self.subsampling)

    def _masked(self, image):
        luma, chroma = (jpeg.low_frequency_mask(n, self.mask).ravel() for n in MASKS[self.mask])
        functions = [lambda x: x * luma, *[lambda x: x * chroma] * 2]
        return jpeg.simulate(image, functions, self.subsampling)


def _add_noise(seed):
    return lambda x: x + uniform(tf.shape(x), seed, -0.5, 0.5)
