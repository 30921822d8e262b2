import keras

from tfwm.losses.lpips_network import build_distance


@keras.saving.register_keras_serializable(package="tfwm", name="LPIPSMetric")
class LPIPS(keras.metrics.Mean):
    """Learned perceptual distance, mean over the images: see `tfwm.losses.LPIPS`.

    Reference: Zhang et al., CVPR 2018 (https://arxiv.org/abs/1801.03924).

    Args:
        trunk, weights: see `tfwm.losses.LPIPS`.

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

    def get_config(self):
        return {**super().get_config(), "trunk": self.trunk, "weights": self.weights}
