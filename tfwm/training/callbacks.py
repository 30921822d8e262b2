"""Callbacks: first and last epochs cut short, early stopping that is resumed, mean gradients."""

import math

import keras
import tensorflow as tf

from tfwm.training.config import ConfigError


class RestOfEpoch(keras.callbacks.Callback):
    """Ends the first epoch early: the rest of one that was begun before, see `Checkpoint.batch`.

    It comes first among the callbacks, before those that may stop the training.

    Args:
        batches: number of batches of the first epoch.
    """

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_train_batch_end(self, batch, logs=None):
        if self.batches is not None and batch + 1 >= self.batches:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        if self.batches is not None:
            self.model.stop_training, self.batches = False, None


class LastStep(keras.callbacks.Callback):
    """Ends a training after a number of steps, maybe within an epoch, which is the last one.

    Args:
        steps: number of steps.
    """

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def on_train_batch_end(self, batch, logs=None):
        self.steps -= 1
        if not self.steps:
            self.model.stop_training = True


class Diverged(keras.callbacks.Callback):
    """Ends a training by an error once its loss is no number; put it before `Checkpoint`."""

    def on_train_batch_end(self, batch, logs=None):
        if not math.isfinite((logs or {}).get("loss", 0.0)):
            raise ConfigError(
                f"The loss is {logs['loss']}: training has diverged. Take a smaller learning_rate, "
                "or a clip_norm; with --resume it goes on from the last checkpoint, if there is one"
            )


class TellSkipped(keras.callbacks.Callback):
    """Warns at the end of an epoch of the photos that were left out, if there are new ones.

    Args:
        stream: a `tfwm.data.CropStream`.
    """

    def __init__(self, stream):
        super().__init__()
        self.stream = stream

    def on_epoch_end(self, epoch, logs=None):
        self.stream.tell_skipped()


class EarlyStopping(keras.callbacks.EarlyStopping):
    """Keras's, with a `state` that `Checkpoint` saves: a resumed run stops where it would have."""

    NUMBERS = ("wait", "best", "best_epoch", "stopped_epoch")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._restored = {}

    @property
    def state(self):
        """Dict of numbers, and of the best weights as arrays."""
        numbers = {key: getattr(self, key) for key in self.NUMBERS}
        weights = {f"weights.{i}": w for i, w in enumerate(self.best_weights or [])}
        return {key: x for key, x in numbers.items() if x is not None} | weights

    @state.setter
    def state(self, state):
        self._restored = dict(state)
        self._take_restored()

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)  # forgets all
        self._take_restored()
        self._restored = {}  # another training begins anew

    def _take_restored(self):
        for key in self.NUMBERS:
            if key in self._restored:
                setattr(self, key, self._restored[key].item())
        count = sum(key.startswith("weights.") for key in self._restored)
        if count:
            self.best_weights = [self._restored[f"weights.{i}"] for i in range(count)]


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
        state = [(variable, variable.numpy()) for variable in self.model.variables]
        with tf.GradientTape() as tape:
            outputs = self.model(self._covers, training=True)
            loss = self.model.compute_loss(self._covers, None, outputs, training=True)
        for name, gradient in zip(self._layers, tape.gradient(loss, kernels), strict=True):
            logs[f"gradient_{name}"] = float(tf.reduce_mean(tf.abs(gradient)))
        for variable, value in state:  # counters and statistics are those of the training alone
            variable.assign(value)
