import keras
import numpy as np
import tensorflow as tf

from tfwm.ops.color import rgb_to_yuv
from tfwm.ops.transforms import dct_matrix

# Side of the blocks, which overlap by half.
_BLOCK = 4
# The eye sees contrasts of colour less than those of light.
_CHANNELS = (1.0, 0.25, 0.25)
# Light that black is seen with, so that it does not show every change of light.
_BLACK = 0.2
# A band masks by its energy, but light, in the first one, by that of one pixel.
_MASKING = np.array([1 / _BLOCK**2] + [1.0] * (_BLOCK**2 - 1), np.float32)


@keras.saving.register_keras_serializable(package="tfwm")
class PerceptualLoss(keras.losses.Loss):
    """How visible a difference is, without a trained network: an offline stand-in for LPIPS.

    At several scales, cover and difference are seen through the DCT of overlapping blocks of
    4 x 4 pixels. A difference in a band counts by its energy, divided by that of the cover in
    the same band and neighbourhood (contrast masking): much where the cover is smooth, little
    in its textures, and a change of light as a share of the light that is there. Colour
    images are seen in YUV, U and V at a quarter. Each scale counts twice as much as the finer
    one before, which sees noise more. The loss grows with the square of the difference's
    amplitude; the cover's masking takes no gradient. Unlike LPIPS it is fitted to no opinions.

    The parts are those of Watson's DCT model (1993) and of the normalised Laplacian pyramid
    (Laparra et al., 2016); bands and weights are tfwm's own.

    Args:
        scales: number of scales; each has half the pixels a side of the one before.
        floor: standard deviation in [0, 1] pixels, about that of noise which a smooth area
            shows clearly: texture below it masks nothing.

    Input shape:
        Two batches `(batch, height, width, channels)` in [0, 1], RGB if they have three
        channels; sides of at least `2 ** (scales + 1)`.

    Example:

    >>> image = np.full((1, 32, 32, 3), 0.5, "float32")
    >>> noise = np.random.default_rng(0).normal(0, 0.01, image.shape)
    >>> round(float(PerceptualLoss()(image, image + noise)), 2)
    0.03
    """

    def __init__(
        self,
        scales=3,
        floor=0.02,
        reduction="sum_over_batch_size",
        name="perceptual_loss",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if scales < 1 or floor <= 0:
            raise ValueError(
                f"Expected at least 1 scale and a floor above 0. Received: scales={scales}, "
                f"floor={floor}"
            )
        self.scales = scales
        self.floor = floor

    def call(self, y_true, y_pred):
        cover, difference = y_true, y_pred - y_true
        channels = cover.shape[-1]
        if channels == 3:
            cover, difference = (rgb_to_yuv(x) * _CHANNELS for x in (cover, difference))
        cover = cover + ((_BLACK, 0.0, 0.0) if channels == 3 else _BLACK)
        total = 0.0
        for scale in range(self.scales):
            if scale:
                cover, difference = (_halve(x) for x in (cover, difference))
            energy = tf.nn.avg_pool2d(tf.square(_bands(cover)), 3, 1, "SAME")
            mask = tf.stop_gradient(energy * _MASKING.repeat(channels) + self.floor**2)
            seen = tf.square(_bands(difference)) / mask
            total += 2**scale * tf.reduce_mean(seen, axis=(1, 2, 3))
        return total * channels / (2**self.scales - 1)

    def get_config(self):
        return {**super().get_config(), "scales": self.scales, "floor": self.floor}


def _halve(image):
    return tf.nn.avg_pool2d(image, 2, 2, "VALID")


def _bands(image):
    """Orthonormal DCT of overlapping blocks: `(batch, rows, columns, 16 * channels)`."""
    channels, matrix = image.shape[-1], dct_matrix(_BLOCK)
    basis = np.einsum("vm,un,cd->mncvud", matrix, matrix, np.eye(channels))
    kernel = basis.reshape(_BLOCK, _BLOCK, channels, -1)
    return tf.nn.conv2d(image, tf.constant(kernel, image.dtype), _BLOCK // 2, "VALID")
