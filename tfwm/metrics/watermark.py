import keras
import numpy as np
from keras import ops

# Mean square below which an image counts as empty: a deviation of 1e-4, in pixels of [0, 1].
FLOOR = 1e-8


def normalized_correlation(y_true, y_pred, centred=False):
    """Normalised correlation of two images, one number for each pair of a batch.

    The usual form, `sum(a b) / sqrt(sum(a^2) sum(b^2))`, by which watermarks are compared
    (Zhang et al., AAAI 2020, count 0.95 as success, without a formula). It takes bright for
    alike: a white image has more than 0.9 with a logo on white ground. `centred` removes the mean
    of each channel first (Pearson's correlation): a blank of any colour has 0, and so has noise
    on average. An image without anything in it, black or centred and blank, has 0. Neither sees
    how strong a picture is: the faintest trace of a watermark on gray has 1 once centred.

    Args:
        y_true: `(batch, height, width, channels)`, in [0, 1].
        y_pred: the same shape.
        centred: whether to remove the means.

    Returns:
        float32 `(batch,)`, at most 1.

    Example:

    >>> mark = np.array([1.0, 1.0, 1.0, 0.0]).reshape(1, 2, 2, 1)
    >>> white = np.ones((1, 2, 2, 1))
    >>> round(float(normalized_correlation(mark, white)[0]), 3)
    0.866
    >>> float(normalized_correlation(mark, white, centred=True)[0])
    0.0
    """
    a, b = (ops.cast(image, "float32") for image in (y_true, y_pred))
    if centred:
        a, b = (image - ops.mean(image, axis=(1, 2), keepdims=True) for image in (a, b))
    power = ops.maximum(_mean(a * a), FLOOR) * ops.maximum(_mean(b * b), FLOOR)
    return _mean(a * b) / ops.sqrt(power)


def _mean(image):
    return ops.mean(image, axis=(1, 2, 3))


@keras.saving.register_keras_serializable(package="tfwm")
class NormalizedCorrelation(keras.metrics.Mean):
    """Normalised correlation of watermarks, mean over the images.

    Args:
        centred: whether to remove the means first; see
            `tfwm.metrics.normalized_correlation`.

    Input shape:
        Two batches `(batch, height, width, channels)` in [0, 1].

    Example:

    >>> metric = NormalizedCorrelation(centred=True)
    >>> mark = np.eye(8).reshape(1, 8, 8, 1)
    >>> metric.update_state(mark, 1 - mark)
    >>> round(float(metric.result()), 3)
    -1.0
    """

    def __init__(self, centred=False, name="normalized_correlation", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.centred = centred

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(normalized_correlation(y_true, y_pred, self.centred))

    def get_config(self):
        return {**super().get_config(), "centred": self.centred}


def watermark_similarity(watermark, read):
    """How much of a watermark is in images that were read, one number for each.

    The mean-removed correlation (`normalized_correlation(centred=True)`) where what was read has
    at least the watermark's contrast; in proportion less where it is fainter. A correlation
    alone gives 1 to the faintest trace of the watermark on a blank.

    Args:
        watermark: `(height, width, channels)`, in [0, 1].
        read: `(batch, height, width, channels)`, in [0, 1].

    Returns:
        float64 `(batch,)`, in [-1, 1]; 0 for a blank of any colour.

    Example:

    >>> watermark = np.eye(8)[..., None]
    >>> faint = 0.5 + 0.1 * watermark
    >>> watermark_similarity(watermark, np.stack([watermark, faint])).round(3).tolist()
    [1.0, 0.1]
    """
    mark, read = (_centred(np.asarray(x, np.float64)) for x in (watermark, read))
    contrast = np.sqrt(np.mean(mark**2))
    found = np.sqrt(np.mean(read**2, (1, 2, 3)))
    if not contrast:
        return np.zeros(len(read))
    return np.mean(read * mark, (1, 2, 3)) / (contrast * np.maximum(found, contrast))


def _centred(images):
    return images - images.mean((-3, -2), keepdims=True)
