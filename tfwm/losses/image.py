"""Losses that compare watermarked images with their covers, without a trained network."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tfwm.layers.base import Configured
from tfwm.ops.color import rgb_to_gray, rgb_to_yuv
from tfwm.ops.filters import box_means
from tfwm.ops.ssim import ssim
from tfwm.ops.transforms import dct_matrix


@keras.saving.register_keras_serializable(package="tfwm")
class SSIMLoss(Configured, keras.losses.Loss):
    """Computes `1 - SSIM` of cover and watermarked image.

    Reference: Ahmadi et al., ReDMark, Eq. 5 (the image part of Eq. 7).

    Args:
        filter_size: side of the Gaussian window in pixels; 8 as in the official code.
        filter_sigma: standard deviation of the window in pixels.

    Input shape:
        Two batches `(batch, height, width, channels)` in [0, 1], sides of at least
        `filter_size`.

    Example:

    >>> image = np.random.rand(2, 32, 32, 1).astype("float32")
    >>> float(SSIMLoss()(image, image))
    0.0
    """

    def __init__(self, filter_size=8, filter_sigma=1.5, name="ssim_loss", **kwargs):
        super().__init__(name=name, **kwargs)
        self.filter_size = filter_size
        self.filter_sigma = filter_sigma

    def call(self, y_true, y_pred):
        return 1.0 - ssim(y_true, y_pred, self.filter_size, self.filter_sigma)


@keras.saving.register_keras_serializable(package="tfwm")
class PSNRLoss(Configured, keras.losses.Loss):
    """Computes `log10(MSE)` of each image: minus a tenth of its PSNR.

    Because of the logarithm, a decibel counts the same in each image. Under a plain squared error,
    smooth images would lose quality to the advantage of textured ones.

    Args:
        floor: mean squared error in squared units of [0, 1] pixels; the loss hardly falls below
            it. The default is 60 dB.
        hard: if `True`, the loss is exactly constant below `floor`.

    Input shape:
        Two batches `(batch, height, width, channels)` in [0, 1].

    Example:

    >>> image = np.full((1, 32, 32, 1), 0.5, "float32")
    >>> round(float(PSNRLoss()(image, image + 0.01)), 3)
    -3.996
    """

    def __init__(self, floor=1e-6, hard=False, name="psnr_loss", **kwargs):
        super().__init__(name=name, **kwargs)
        self.floor = floor
        self.hard = hard

    def call(self, y_true, y_pred):
        error = ops.mean(ops.square(y_pred - y_true), axis=(1, 2, 3))
        return ops.log10(ops.maximum(error, self.floor) if self.hard else error + self.floor)


# "falloff_speed" of StegaStamp's code: the map falls over a quarter of the image.
_QUARTER = 4


@keras.saving.register_keras_serializable(package="tfwm")
class YUVLoss(Configured, keras.losses.Loss):
    """Computes StegaStamp's mean squared difference in YUV, with weights for color and edges.

    A sum over the channels `c` of `weights[c] * mean(((1 + edge_gain * F) * difference_c) ** 2)`
    where the map F is 1 at the borders and falls along cosines to 0 at a quarter of the image's
    side, so that the watermark avoids the borders, where it is easily visible.

    Reference: Tancik et al., "StegaStamp", CVPR 2020, and its code (MIT), where two of the
    borders are off by a pixel. `tfwm.losses.RampedWeights` ramps the gain as the code does.

    Args:
        weights: weights of Y, U and V, by default StegaStamp's.
        edge_gain: gain at the borders; StegaStamp's final value is 10.

    Input shape:
        Two batches `(batch, height, width, 3)`, RGB in [0, 1].

    Example:

    >>> image = np.full((1, 32, 32, 3), 0.5, "float32")
    >>> round(float(YUVLoss()(image, image + 0.1)), 4)  # gray: only Y differs
    0.01
    """

    def __init__(self, weights=(1.0, 100.0, 100.0), edge_gain=0.0, name="yuv_loss", **kwargs):
        super().__init__(name=name, **kwargs)
        if len(weights) != 3 or min(weights) < 0:
            raise ValueError(
                f"Expected three weights of at least 0, for Y, U and V. Received: weights={weights}"
            )
        self.weights = tuple(float(weight) for weight in weights)
        self.edge_gain = edge_gain

    def call(self, y_true, y_pred):
        return self.per_image(y_true, y_pred, self.edge_gain)

    def per_image(self, y_true, y_pred, edge_gain):
        """Returns the loss of each image `(batch,)` for a given gain, which may be a tensor."""
        # The transform is linear, so the difference is enough.
        difference = rgb_to_yuv(y_pred - y_true)
        height, width = (difference.shape[i] or tf.shape(difference)[i] for i in (1, 2))
        inside = _ramps(height, difference.dtype)[:, None] * _ramps(width, difference.dtype)
        gain = 1.0 + tf.cast(edge_gain, difference.dtype) * (1.0 - inside)
        errors = tf.reduce_mean(tf.square(difference * gain[..., None]), axis=(1, 2))
        return tf.reduce_sum(errors * tf.constant(self.weights, errors.dtype), axis=-1)


def _ramps(size, dtype):
    """Returns cosine ramps `(size,)`: 0 at both ends, 1 from a quarter of the size inward."""
    place = tf.range(size)
    distance = tf.cast(tf.minimum(place, size - 1 - place), dtype)
    share = tf.minimum(distance * _QUARTER / tf.cast(size, dtype), 1.0)
    return (1.0 - tf.cos(np.pi * share)) / 2


# Side in pixels of the neighborhood whose texture hides a mark.
_NEIGHBORHOOD = 9
_TYPICAL = 0.065


@keras.saving.register_keras_serializable(package="tfwm")
class VisibleError(Configured, keras.losses.Loss):
    """Computes a mean squared error that counts what the eye sees.

    The mean of `m (dY ** 2 + chroma_weight (dU ** 2 + dV ** 2))`, where
    `m = (0.065 / (masking + s)) ** 2` and `s` is the standard deviation of the cover's luminance
    in 9 x 9 pixels. Where that is 0.05, as in the middle of most photos, gray errors count as
    their mean square, so that the loss, in dB, compares with a PSNR; smooth places count more,
    textured ones less.

    Args:
        chroma_weight: weight of U and V; the one of Y is 1.
        masking: deviation of luminance, in [0, 1] pixels, below which places count as smooth.

    Input shape:
        Two batches `(batch, height, width, channels)` in [0, 1]; RGB if they have three channels,
        else gray.

    Example:

    >>> image = np.full((1, 32, 32, 3), 0.5, "float32")
    >>> round(float(VisibleError()(image, image + 0.1)), 4)
    0.1878
    """

    def __init__(self, chroma_weight=6.0, masking=0.015, name="visible_error", **kwargs):
        super().__init__(name=name, **kwargs)
        if chroma_weight < 0 or not masking > 0:
            raise ValueError(
                "Expected a chroma_weight of at least 0 and a masking above 0. "
                f"Received: chroma_weight={chroma_weight}, masking={masking}"
            )
        self.chroma_weight = chroma_weight
        self.masking = masking

    def call(self, y_true, y_pred):
        error, light = tf.square(y_pred - y_true), y_true
        if y_true.shape[-1] == 3:
            weights = tf.constant([1.0, self.chroma_weight, self.chroma_weight], error.dtype)
            error = tf.reduce_sum(tf.square(rgb_to_yuv(y_pred - y_true)) * weights, -1, True)
            light = rgb_to_gray(y_true)
        return tf.reduce_mean(error * self._mask(light), axis=(1, 2, 3))

    def _mask(self, light):
        margin = _NEIGHBORHOOD - 1
        light = tf.pad(light, [(0, 0), (margin, margin), (margin, margin), (0, 0)], "REFLECT")
        # Not the mean of squares less the square of the mean, which float16 would blur.
        change = tf.square(light - box_means(light, _NEIGHBORHOOD))
        change = box_means(change, _NEIGHBORHOOD)[:, margin:-margin, margin:-margin]
        deviation = tf.sqrt(change)
        return tf.square(_TYPICAL / (self.masking + deviation))


# Side of the blocks, which overlap by half.
_BLOCK = 4
# The eye sees contrasts of color less than contrasts of light.
_CHANNELS = (1.0, 0.25, 0.25)
# Light added to black, so that not every change of light is visible in it.
_BLACK = 0.2
# A band masks by its energy; the first band, which is the light, by the energy of one pixel.
_MASKING = np.array([1 / _BLOCK**2] + [1.0] * (_BLOCK**2 - 1), np.float32)


@keras.saving.register_keras_serializable(package="tfwm")
class PerceptualLoss(Configured, keras.losses.Loss):
    """Measures how visible a difference is, without a trained network: an offline LPIPS.

    At several scales the loss computes the DCT of overlapping blocks of 4 x 4 pixels of cover and
    difference. A difference in a band counts by its energy, divided by the cover's energy in the
    same band and neighborhood (contrast masking): it counts much where the cover is smooth, little
    in textures, and a change of light counts as a share of the light. Color images are compared
    in YUV, with U and V weighted by a quarter. Each scale counts twice as much as the finer one
    before it, which is more sensitive to noise. The loss grows with the square of the difference's
    amplitude; the masking has no gradient. Unlike LPIPS it is not fitted to human opinions.

    The method is that of Watson's DCT model (1993) and of the normalized Laplacian pyramid
    (Laparra et al., 2016); bands and weights are tfwm's own.

    Args:
        scales: number of scales; each has half the sides of the one before.
        floor: standard deviation in [0, 1] pixels, about that of noise which is clearly visible
            in a smooth area. Texture below it masks nothing.

    Input shape:
        Two batches `(batch, height, width, channels)` in [0, 1], RGB if they have three
        channels; sides of at least `2 ** (scales + 1)`.

    Example:

    >>> image = np.full((1, 32, 32, 3), 0.5, "float32")
    >>> noise = np.random.default_rng(0).normal(0, 0.01, image.shape)
    >>> round(float(PerceptualLoss()(image, image + noise)), 2)
    0.03
    """

    def __init__(self, scales=3, floor=0.02, name="perceptual_loss", **kwargs):
        super().__init__(name=name, **kwargs)
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


def _halve(image):
    return tf.nn.avg_pool2d(image, 2, 2, "VALID")


def _bands(image):
    """Returns the DCT of overlapping blocks, `(batch, rows, columns, 16 * channels)`."""
    channels, matrix = image.shape[-1], dct_matrix(_BLOCK)
    basis = np.einsum("vm,un,cd->mncvud", matrix, matrix, np.eye(channels))
    kernel = basis.reshape(_BLOCK, _BLOCK, channels, -1)
    return tf.nn.conv2d(image, tf.constant(kernel, image.dtype), _BLOCK // 2, "VALID")
