"""The training loop of every recipe: fit from the last checkpoint, with settings, log, versions."""

import contextlib
import json
import math
import platform
import sys

import keras
import numpy as np
import tensorflow as tf

from tfwm.networks import find_keras_models, network_directory, read_keras_models
from tfwm.training import (
    Checkpoint,
    ConfigError,
    Diverged,
    EarlyStopping,
    LastStep,
    RestOfEpoch,
    save_config,
    training_strategy,
)
from tfwm.training.distribute import is_chief, worker
from tfwm.version import __version__

LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)


def fit(build_trainer, input_shape, config, folder, data, validation_data=None, callbacks=()):
    """Fit one trainer, from its last checkpoint if there is one; return it.

    Args:
        build_trainer: function without arguments to the compiled trainer.
        input_shape: shape, or dict of shapes, that it is built with.
        config: settings, of which `seed`, `steps`, `steps_per_epoch`, `checkpoint_minutes` and, if
            there is one, `initial` are read here.
        folder: where settings, environment, log and checkpoints go.
        data: function of the first step's number to the endless training batches.
        validation_data: function without arguments to batches, or `None`.
        callbacks: more Keras callbacks.
    """
    stopping = [one for one in callbacks if isinstance(one, EarlyStopping)]
    checkpoint = Checkpoint(
        folder / "checkpoints", config.checkpoint_minutes, stopping, writes=is_chief()
    )
    epoch_steps = min(config.steps, config.steps_per_epoch)
    keras.utils.set_random_seed(config.seed)
    with training_strategy().scope():
        trainer = build_trainer()
        if getattr(config, "initial", "") and not checkpoint.exists():
            _begin_with(trainer, config.initial)
        trainer.build(input_shape)
        first_epoch = checkpoint.restore(trainer, epoch_steps)
    rest = config.steps - checkpoint.step
    more = rest > 0 and not any(one.stopped_epoch for one in stopping)
    if more:  # read before anything is written
        batches, validation = data(checkpoint.step), validation_data and validation_data()
    if is_chief():
        _describe(config, folder)
    if not more:
        for callback in stopping:  # takes the best weights, as at the end of training
            callback.set_model(trainer)
            callback.on_train_end()
        return trainer
    ends, logs = [LastStep(rest), Diverged()], []
    if checkpoint.batch:
        ends.append(RestOfEpoch(epoch_steps - checkpoint.batch))
    if is_chief():
        # Logged first: a kill before the checkpoint then repeats a line, and loses none.
        logs.append(keras.callbacks.CSVLogger(folder / "log.csv", append=checkpoint.step > 0))
        logs.append(keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False))
    with _all_workers():
        trainer.fit(
            batches,
            validation_data=validation,
            epochs=math.ceil(config.steps / epoch_steps),
            shuffle=False,
            initial_epoch=first_epoch,
            steps_per_epoch=epoch_steps,
            callbacks=[*ends, *callbacks, *logs, checkpoint],
            verbose=0 if not is_chief() else 1 if sys.stdout.isatty() else 2,
        )
    return trainer


@contextlib.contextmanager
def _all_workers():
    """Tell in one line that another worker is gone."""
    try:
        yield
    except LOST as error:
        if worker()[1] == 1:
            raise
        raise ConnectionError(
            "Another worker was lost, or does not answer: start all workers again, with --resume"
        ) from error


def _describe(config, folder):
    """Write settings and environment."""
    folder.mkdir(parents=True, exist_ok=True)
    save_config(config, folder / "config.toml")
    environment = {
        "tfwm": __version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "seed": config.seed,
        "command": " ".join(sys.argv),
    }
    (folder / "environment.json").write_text(json.dumps(environment, indent=2) + "\n", "utf-8")


def _begin_with(trainer, network):
    """Give the trainer the weights of a finished run or an exported network."""
    folder = find_keras_models(network_directory(network))
    for model, saved in zip(
        (trainer.embedder, trainer.extractor), read_keras_models(folder), strict=True
    ):
        shapes, expected = ([w.shape for w in m.weights] for m in (saved, model))
        if shapes != expected:
            raise ConfigError(
                f"Expected as initial an {model.name} of the same layers and width. Received: "
                f"{network!r}, which has others"
            )
        for weight, value in zip(model.weights, saved.get_weights(), strict=True):
            if weight.name != "step":  # a ramp, which begins with the training
                weight.assign(value)
