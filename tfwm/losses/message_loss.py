import keras
from keras import ops


@keras.saving.register_keras_serializable(package="tfwm")
class MessageLoss(keras.losses.Loss):
    """Binary cross-entropy between message bits and logits, mean over the bits.

    Reference: Ahmadi et al., ReDMark, Eq. 8.

    Input shape:
        `y_true`: bits 0/1 `(batch, ...)`; `y_pred`: logits of the same shape.

    Example:

    >>> bits = np.ones((1, 4, 4, 1), "float32")
    >>> round(float(MessageLoss()(bits, 0 * bits)), 4)
    0.6931
    """

    def __init__(self, reduction="sum_over_batch_size", name="message_loss", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true, y_pred):
        y_pred = ops.convert_to_tensor(y_pred)
        y_true = ops.cast(y_true, y_pred.dtype)
        loss = ops.maximum(y_pred, 0) - y_pred * y_true + ops.log1p(ops.exp(-ops.abs(y_pred)))
        return ops.mean(loss, axis=tuple(range(1, len(loss.shape))))
