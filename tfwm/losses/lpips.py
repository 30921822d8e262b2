import keras

from tfwm.losses.lpips_network import build_distance


@keras.saving.register_keras_serializable(package="tfwm")
class LPIPS(keras.losses.Loss):
    """Learned perceptual distance: how far features of a classifier differ, channels weighted.

    The same numbers as `lpips.LPIPS(net=trunk)` of the package `lpips`, version 0.1 of the
    weights, on images in [0, 1]. The small heads come with tfwm; the trunk's weights are
    torchvision's, 3 to 530 MB, which it reads without PyTorch. Without them take
    `tfwm.losses.PerceptualLoss`. Always computed in float32; the trunk is not trained, and
    not saved with the model.

    Reference: Zhang et al., CVPR 2018 (https://arxiv.org/abs/1801.03924).

    Args:
        trunk: `"alex"` (AlexNet, as StegaStamp), `"vgg"` (VGG16) or `"squeeze"`
            (SqueezeNet 1.1, the smallest).
        weights: path of torchvision's `.pth` of that trunk, for instance
            `alexnet-owt-7be5be79.pth`, or of an `.npz` with the same names; `"download"`
            fetches it once, into Keras's cache.

    Input shape:
        Two batches `(batch, height, width, 3)`, RGB in [0, 1], sides of at least 32.

    Example:

    >>> loss = LPIPS("alex", "alexnet-owt-7be5be79.pth")  # doctest: +SKIP
    >>> float(loss(cover, watermarked))  # doctest: +SKIP
    """

    def __init__(
        self,
        trunk="alex",
        weights="download",
        reduction="sum_over_batch_size",
        name="lpips",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.trunk = trunk
        self.weights = str(weights)
        # A function, which Keras does not save with the model that uses the loss.
        self._distance = build_distance(trunk, self.weights)

    def call(self, y_true, y_pred):
        return self._distance(y_true, y_pred)

    def get_config(self):
        return {**super().get_config(), "trunk": self.trunk, "weights": self.weights}
