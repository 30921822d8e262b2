"""Keras metrics of images, messages and watermarks."""

import keras
import numpy as np
from keras import ops

from tfwm.layers.base import Configured
from tfwm.losses.lpips import build_distance

# Mean square below which an image counts as empty: a deviation of 1e-4, in pixels of [0, 1].
FLOOR = 1e-8


@keras.saving.register_keras_serializable(package="tfwm")
class PSNR(Configured, keras.metrics.Mean):
    """Computes the peak signal-to-noise ratio in dB, mean over the images.

    Reference: Ahmadi et al., ReDMark, Eq. 6, here with pixels in [0, 1].

    Args:
        ceiling: value for equal images, in dB.

    Input shape:
        Two batches `(batch, height, width, channels)` in [0, 1].

    Example:

    >>> metric = PSNR()
    >>> metric.update_state(np.zeros((1, 8, 8, 1)), np.full((1, 8, 8, 1), 0.01))
    >>> round(float(metric.result()), 2)
    40.0
    """

    def __init__(self, ceiling=100.0, name="psnr", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.ceiling = ceiling

    def update_state(self, y_true, y_pred, sample_weight=None):
        difference = ops.cast(y_pred, "float32") - ops.cast(y_true, "float32")
        error = ops.mean(ops.square(difference), axis=(1, 2, 3))
        decibels = -10.0 * ops.log10(ops.maximum(error, 10 ** (-self.ceiling / 10)))
        super().update_state(decibels)


@keras.saving.register_keras_serializable(package="tfwm", name="LPIPSMetric")
class LPIPS(Configured, keras.metrics.Mean):
    """Computes LPIPS, mean over the images: see `tfwm.losses.LPIPS`.

    Reference: Zhang et al., CVPR 2018 (https://arxiv.org/abs/1801.03924).

    Args:
        trunk: see `tfwm.losses.LPIPS`.
        weights: see `tfwm.losses.LPIPS`.

    Input shape:
        Two batches `(batch, height, width, 3)`, RGB in [0, 1], sides of at least 32.

    Example:

    >>> metric = LPIPS("alex", "alexnet-owt-7be5be79.pth")  # doctest: +SKIP
    >>> metric.update_state(cover, watermarked)  # doctest: +SKIP
    """

    def __init__(self, trunk="alex", weights="download", name="lpips", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.trunk = trunk
        self.weights = str(weights)
        self._distance = build_distance(trunk, self.weights)

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(self._distance(y_true, y_pred))


@keras.saving.register_keras_serializable(package="tfwm")
class BitErrorRate(keras.metrics.Mean):
    """Computes the share of message bits that are read wrong, 0 to 1.

    Reference: Ahmadi et al., ReDMark, Eq. 4.

    Input shape:
        `y_true`: bits 0/1 `(batch, ...)`; `y_pred`: logits of the same shape.

    Example:

    >>> metric = BitErrorRate()
    >>> metric.update_state([[1.0, 0.0]], [[3.0, 3.0]])
    >>> float(metric.result())
    0.5
    """

    def __init__(self, name="bit_error_rate", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        read = ops.convert_to_tensor(y_pred) > 0
        wrong = ops.cast(read != (ops.convert_to_tensor(y_true) > 0.5), "float32")
        super().update_state(wrong)


def normalized_correlation(y_true, y_pred, centered=False):
    """Computes the normalized correlation of two images, for each pair of a batch.

    The usual form, `sum(a b) / sqrt(sum(a^2) sum(b^2))`, is common for watermarks (Zhang et al.,
    AAAI 2020, count 0.95 as success, without a formula). It confuses bright with similar: a white
    image and a logo on white have more than 0.9. With `centered` the mean of each channel is
    removed first (Pearson's correlation): a blank of any color has 0, and so has noise on average.
    An image without content, black or centered and blank, has 0. Neither form measures how strong
    a picture is: the faintest trace of a watermark on gray has 1 if centered.

    Args:
        y_true: `(batch, height, width, channels)`, in [0, 1].
        y_pred: the same shape.
        centered: whether to remove the mean of each channel.

    Returns:
        float32 `(batch,)`, at most 1.

    Example:

    >>> mark = np.array([1.0, 1.0, 1.0, 0.0]).reshape(1, 2, 2, 1)
    >>> white = np.ones((1, 2, 2, 1))
    >>> round(float(normalized_correlation(mark, white)[0]), 3)
    0.866
    >>> float(normalized_correlation(mark, white, centered=True)[0])
    0.0
    """
    a, b = (ops.cast(image, "float32") for image in (y_true, y_pred))
    if centered:
        a, b = (image - ops.mean(image, axis=(1, 2), keepdims=True) for image in (a, b))
    power = ops.maximum(_mean(a * a), FLOOR) * ops.maximum(_mean(b * b), FLOOR)
    return _mean(a * b) / ops.sqrt(power)


def _mean(image):
    return ops.mean(image, axis=(1, 2, 3))


@keras.saving.register_keras_serializable(package="tfwm")
class NormalizedCorrelation(Configured, keras.metrics.Mean):
    """Computes the normalized correlation of watermarks, mean over the images.

    Args:
        centered: whether to remove the means first; see
            `tfwm.metrics.normalized_correlation`.

    Input shape:
        Two batches `(batch, height, width, channels)` in [0, 1].

    Example:

    >>> metric = NormalizedCorrelation(centered=True)
    >>> mark = np.eye(8).reshape(1, 8, 8, 1)
    >>> metric.update_state(mark, 1 - mark)
    >>> round(float(metric.result()), 3)
    -1.0
    """

    def __init__(self, centered=False, name="normalized_correlation", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.centered = centered

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(normalized_correlation(y_true, y_pred, self.centered))


def watermark_similarity(watermark, read):
    """Measures how much of a watermark is in pictures that were read, for each picture.

    It is the correlation without means (`normalized_correlation(centered=True)`) if the picture has
    at least the watermark's contrast, and proportionally less if it is fainter. A correlation
    alone is 1 for the faintest trace of the watermark on a blank.

    Args:
        watermark: `(height, width, channels)`, in [0, 1].
        read: `(batch, height, width, channels)`, in [0, 1].

    Returns:
        float64 `(batch,)`, in [-1, 1]; 0 for a blank of any color.

    Example:

    >>> watermark = np.eye(8)[..., None]
    >>> faint = 0.5 + 0.1 * watermark
    >>> watermark_similarity(watermark, np.stack([watermark, faint])).round(3).tolist()
    [1.0, 0.1]
    """
    mark, read = (np.asarray(x, np.float64) for x in (watermark, read))
    mark, read = (x - x.mean((-3, -2), keepdims=True) for x in (mark, read))
    contrast = np.sqrt(np.mean(mark**2))
    found = np.sqrt(np.mean(read**2, (1, 2, 3)))
    if not contrast:
        return np.zeros(len(read))
    return np.mean(read * mark, (1, 2, 3)) / (contrast * np.maximum(found, contrast))
