"""Metrics of image quality: PSNR and LPIPS."""

import keras
from keras import ops

from tfwm.layers.base import Configured
from tfwm.losses.lpips import build_distance


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
