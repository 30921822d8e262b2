import keras
import tensorflow as tf


class MeanGradients(keras.callbacks.Callback):
    """Logs how large the gradients of some layers are, at the end of each epoch.

    Tells whether a network learns at all: vanishing gradients are why StegaStamp without
    normalisation often does not (Figure 5 of its successor). Adds `gradient_<name>` to the
    logs, so it must stand before the callbacks that write them.

    Args:
        covers: batch of covers `(batch, height, width, channels)` in [0, 1].
        layers: for `"embedder"` and `"extractor"` of the trainer, the name of the layer whose
            kernel counts.

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
