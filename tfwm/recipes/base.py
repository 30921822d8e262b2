"""What all recipes share: the training loop and the command line."""

import argparse
import dataclasses
import json
import logging
import platform
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfwm.networks import find_keras_models, network_directory, read_keras_models
from tfwm.recipes import build
from tfwm.resources import resource_directory
from tfwm.training import Checkpoint, ConfigError, load_config, save_config, training_strategy
from tfwm.version import __version__


def train(config, build_model, resume=False, callbacks=(), cut=build.cut_source):
    """Trains (or goes on training) and returns the trainer.

    Args:
        config: a `RunConfig`.
        build_model: function of the config to the compiled trainer.
        resume: whether to go on from the checkpoint in `config.output`.
        callbacks: more Keras callbacks.
        cut: see `build.build_data`.
    """
    output = Path(config.output)
    begun = Checkpoint(output / "checkpoints").exists()
    if begun:
        check_resume(output, resume)

    def build_trainer():
        trainer = build_model(config)
        if config.initial and not begun:
            _begin_with(trainer, config.initial)
        return trainer

    return fit(
        build_trainer,
        (config.batch_size, config.crop_size, config.crop_size, config.channels),
        config,
        output,
        lambda first_epoch: build.build_data(config, first_epoch, cut),
        lambda: build.build_validation_data(config, cut),
        [*callbacks, *_early_stopping(config)],
    )


def check_resume(output, resume):
    """Raises `ConfigError` if a folder that holds a run was not to be gone on with."""
    if not resume:
        raise ConfigError(
            f"{output} already holds a run: add --resume to go on, or choose another output="
        )


def fit(build_trainer, input_shape, config, folder, data, validation_data=None, callbacks=()):
    """Fits one trainer, from its last checkpoint if there is one; returns it.

    Args:
        build_trainer: function without arguments to the compiled trainer.
        input_shape: shape, or dict of shapes, that it is built with.
        config: settings, of which `seed`, `steps` and `steps_per_epoch` are read here.
        folder: where settings, environment, log and checkpoints go.
        data: function of the first epoch's number to the endless training batches.
        validation_data: function without arguments to batches, or `None`.
        callbacks: more Keras callbacks.
    """
    checkpoint = Checkpoint(folder / "checkpoints")
    keras.utils.set_random_seed(config.seed)
    with training_strategy().scope():
        trainer = build_trainer()
        trainer.build(input_shape)
        # Here, or the first step is traced twice, as its variables come only with the first.
        trainer.optimizer.build(trainer.trainable_variables)
        first_epoch = checkpoint.restore(trainer)
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
    (folder / "environment.json").write_text(json.dumps(environment, indent=2) + "\n")
    epochs = max(1, config.steps // config.steps_per_epoch)
    if first_epoch < epochs:
        trainer.fit(
            data(first_epoch),
            validation_data=validation_data and validation_data(),
            epochs=epochs,
            shuffle=False,
            initial_epoch=first_epoch,
            steps_per_epoch=min(config.steps, config.steps_per_epoch),
            callbacks=[
                *callbacks,
                # Logged first: a kill in between then repeats a line, and loses none.
                keras.callbacks.CSVLogger(folder / "log.csv", append=first_epoch > 0),
                checkpoint,
                keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False),
            ],
            verbose=1 if sys.stdout.isatty() else 2,
        )
    return trainer


def _begin_with(trainer, network):
    """Gives the trainer the weights of a finished run or an exported network."""
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
        model.set_weights(saved.get_weights())


def _early_stopping(config):
    if not config.patience:
        return []
    return [
        keras.callbacks.EarlyStopping(
            "val_logits_bit_error_rate",
            mode="min",
            patience=config.patience,
            restore_best_weights=True,
            # While the PSNR still rises, errors do.
            start_from_epoch=round(build.psnr_ramp_steps(config) / config.steps_per_epoch),
            verbose=1,
        )
    ]


def run(system, config_class, train, finish, description, arguments=None):
    """Runs a recipe from the words of a command line; returns the exit code.

    Args:
        system: name of the recipe's module, and of its folder of TOML files.
        config_class: its dataclass of settings.
        train: function of config and `resume` to the trainer.
        finish: function of trainer, config and the TOML file's name to the text to print.
        description: one line for the help.
        arguments: the words; those of the process by default.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m tfwm.recipes.{system}",
        description=description,
        epilog="Settings: " + ", ".join(field.name for field in dataclasses.fields(config_class)),
    )
    default = f"{system}/quick.toml"
    parser.add_argument("--config", help=f"TOML file; by default the bundled {default}")
    parser.add_argument("--resume", action="store_true", help="go on from output's checkpoint")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings to change")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING)
    path = options.config or resource_directory("recipes") / default
    try:
        config = load_config(config_class, path, options.overrides)
        trainer = train(config, options.resume)
        print(finish(trainer, config, Path(path).name))
    except (ConfigError, FileNotFoundError, ValueError) as error:
        print(f"tfwm: error: {error}", file=sys.stderr)
        return 2
    return 0
