"""A callback that logs how large gradients are."""

import keras
import tensorflow as tf


class MeanGradients(keras.callbacks.Callback):
    """Logs the mean size of some layers' gradients at the end of each epoch.

    It shows whether a network learns at all: because of vanishing gradients, StegaStamp without
    normalization often does not (Figure 5 of its successor). It adds `gradient_<name>` to the
    logs, so it must precede the callbacks that write them.

    Args:
        covers: batch of covers `(batch, height, width, channels)` in [0, 1].
        layers: dict from `"embedder"` or `"extractor"` to the name of the layer whose kernel's
            gradient is logged.

    Example:

    >>> gradients = MeanGradients(covers, {"extractor": "conv1"})  # doctest: +SKIP
    >>> trainer.fit(data, callbacks=[gradients])  # doctest: +SKIP
    """

    def __init__(self, covers, layers):
        super().__init__()
        self._covers = covers
        self._layers = dict(layers)

    def on_epoch_end(self, epoch, logs=None):
        kernels = [
            getattr(self.model, part).get_layer(name).kernel.value
            for part, name in self._layers.items()
        ]
        with tf.GradientTape() as tape:
            outputs = self.model(self._covers, training=True)
            loss = self.model.compute_loss(self._covers, None, outputs, training=True)
        for name, gradient in zip(self._layers, tape.gradient(loss, kernels), strict=True):
            logs[f"gradient_{name}"] = float(tf.reduce_mean(tf.abs(gradient)))
