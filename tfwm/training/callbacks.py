"""Callbacks: checkpoints that a killed training resumes from, and a log of gradients."""

import json
import os
from pathlib import Path

import keras
import tensorflow as tf


class Checkpoint(keras.callbacks.Callback):
    """Saves weights, optimizer and random state after each epoch, so that a run can be resumed.

    The weights get a new name each time, and the small state file is moved into place after
    them, so that a run killed at any moment leaves a complete checkpoint.

    Args:
        directory: folder for `epoch-NNNNN.weights.h5` and `last.json`, which names it.

    Example:

    >>> checkpoint = Checkpoint("runs/mt/checkpoints")  # doctest: +SKIP
    >>> trainer.fit(  # doctest: +SKIP
    ...     data, initial_epoch=checkpoint.restore(trainer), callbacks=[checkpoint]
    ... )
    """

    def __init__(self, directory):
        super().__init__()
        self.directory = Path(directory)
        self.state = self.directory / "last.json"

    def exists(self):
        """Returns whether there is a checkpoint to resume from."""
        return self.state.is_file()

    def restore(self, model):
        """Loads the checkpoint into a compiled and built model; returns the next epoch's number.

        Raises:
            ValueError: the checkpoint is of a model whose weights have other shapes.
        """
        if not self.exists():
            return 0
        state = json.loads(self.state.read_text("utf-8"))
        # Keras only warns of optimizer variables that do not fit, and ignores layers too many.
        shapes = _shapes(model)
        if state.get("shapes", shapes) != shapes:
            raise ValueError(
                "Expected the settings of the networks that were trained before. Received: others, "
                f"which do not fit the checkpoint in {self.directory}; leave out those that change "
                "the networks, or choose another output="
            )
        model.load_weights(self.directory / state["weights"])
        return state["epoch"]

    def on_epoch_end(self, epoch, logs=None):
        self.directory.mkdir(parents=True, exist_ok=True)
        weights = f"epoch-{epoch + 1:05d}.weights.h5"
        self.model.save_weights(self.directory / weights)
        partial = self.state.with_suffix(".partial")
        state = {"epoch": epoch + 1, "weights": weights, "shapes": _shapes(self.model)}
        partial.write_text(json.dumps(state), "utf-8")
        os.replace(partial, self.state)
        for old in self.directory.glob("epoch-*.weights.h5"):
            if old.name != weights:
                old.unlink()


def _shapes(model):
    return [list(weight.shape) for weight in model.weights]


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
