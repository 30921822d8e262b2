"""The metric of messages: the bit error rate."""

import keras
from keras import ops


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
