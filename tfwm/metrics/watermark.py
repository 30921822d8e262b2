"""How similar a picture that was read is to the watermark."""

import keras
import numpy as np
from keras import ops

from tfwm.layers.base import Configured

# Mean square below which an image counts as empty: a deviation of 1e-4, in pixels of [0, 1].
FLOOR = 1e-8


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
    mark, read = (_centered(np.asarray(x, np.float64)) for x in (watermark, read))
    contrast = np.sqrt(np.mean(mark**2))
    found = np.sqrt(np.mean(read**2, (1, 2, 3)))
    if not contrast:
        return np.zeros(len(read))
    return np.mean(read * mark, (1, 2, 3)) / (contrast * np.maximum(found, contrast))


def _centered(images):
    return images - images.mean((-3, -2), keepdims=True)
