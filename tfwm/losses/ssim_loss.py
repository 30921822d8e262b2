import keras

from tfwm.ops.ssim import ssim


@keras.saving.register_keras_serializable(package="tfwm")
class SSIMLoss(keras.losses.Loss):
    """`1 - SSIM` of cover and watermarked image.

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

    def __init__(
        self,
        filter_size=8,
        filter_sigma=1.5,
        reduction="sum_over_batch_size",
        name="ssim_loss",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.filter_size = filter_size
        self.filter_sigma = filter_sigma

    def call(self, y_true, y_pred):
        similarity = ssim(
            y_true, y_pred, filter_size=self.filter_size, filter_sigma=self.filter_sigma
        )
        return 1.0 - similarity

    def get_config(self):
        return {
            **super().get_config(),
            "filter_size": self.filter_size,
            "filter_sigma": self.filter_sigma,
        }
