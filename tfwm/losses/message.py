"""The loss of the message bits."""

import keras
from keras import ops

from tfwm.checks import one_of
from tfwm.layers.base import Configured

KINDS = ("cross_entropy", "squared_error")


@keras.saving.register_keras_serializable(package="tfwm")
class MessageLoss(Configured, keras.losses.Loss):
    """Compares logits with the message bits, mean over the bits.

    Args:
        kind: `"cross_entropy"`, the binary one (ReDMark, Eq. 8), or `"squared_error"`, whose
            targets are the logits 1/2 for a 1 and -1/2 for a 0: MBRS (Eq. 6), HiDDeN and similar
            systems regress bits this way, with a threshold of 1/2 that is 0 here.

    Input shape:
        `y_true`: bits 0/1 `(batch, ...)`; `y_pred`: logits of the same shape.

    Example:

    >>> bits = np.ones((1, 4, 4, 1), "float32")
    >>> round(float(MessageLoss()(bits, 0 * bits)), 4)
    0.6931
    """

    def __init__(self, kind="cross_entropy", name="message_loss", **kwargs):
        super().__init__(name=name, **kwargs)
        self.kind = one_of("kind", kind, KINDS)

    def call(self, y_true, y_pred):
        y_pred = ops.convert_to_tensor(y_pred)
        y_true = ops.cast(y_true, y_pred.dtype)
        if self.kind == "squared_error":
            loss = ops.square(y_true - 0.5 - y_pred)
        else:
            loss = ops.binary_crossentropy(y_true, y_pred, from_logits=True)
        return ops.mean(loss, axis=tuple(range(1, len(loss.shape))))
