import keras
from keras import ops


@keras.saving.register_keras_serializable(package="tfwm")
class PSNRLoss(keras.losses.Loss):
    """Mean over the images of `log10(MSE)`: minus a tenth of the PSNR, per image.

    Taking the logarithm image by image makes each image's decibels count alike, so that
    smooth images are not sacrificed for textured ones as under a plain squared error.

    Args:
        floor: mean squared error below which an image costs nothing more, in squared
            units of [0, 1] pixels; the default is 60 dB.
        hard: whether nothing is exactly that, and not less and less.

    Input shape:
        Two batches `(batch, height, width, channels)` in [0, 1].

    Example:

    >>> image = np.full((1, 32, 32, 1), 0.5, "float32")
    >>> round(float(PSNRLoss()(image, image + 0.01)), 3)
    -3.996
    """

    def __init__(
        self,
        floor=1e-6,
        hard=False,
        reduction="sum_over_batch_size",
        name="psnr_loss",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.floor = floor
        self.hard = hard

    def call(self, y_true, y_pred):
        error = ops.mean(ops.square(y_pred - y_true), axis=(1, 2, 3))
        return ops.log10(ops.maximum(error, self.floor) if self.hard else error + self.floor)

    def get_config(self):
        return {**super().get_config(), "floor": self.floor, "hard": self.hard}
