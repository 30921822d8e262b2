"""What all recipes share: settings, data, attacks, the training loop and the command line."""

import argparse
import dataclasses
import difflib
import json
import logging
import platform
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfwm import attacks, data, losses, metrics
from tfwm.layers import HoldPSNR
from tfwm.resources import resource_directory
from tfwm.training import (
    Checkpoint,
    ConfigError,
    WatermarkTrainer,
    load_config,
    save_config,
    training_strategy,
)
from tfwm.version import __version__

POSITIVE = ("steps", "steps_per_epoch", "batch_size", "crop_size", "width")


@dataclasses.dataclass
class RunConfig:
    """Settings that every recipe has; see the recipes' TOML files for how they are used."""

    name: str = "network"
    output: str = "runs/network"
    seed: int = 0
    # Photos: "tfds:NAME:SPLIT", "bundled:train" or a folder. Test photos are for the report.
    photos: list = dataclasses.field(default_factory=lambda: ["bundled:train"])
    test_photos: str = "bundled:test"
    crop_size: int = 32
    patches_per_photo: int = 0  # 0: as many as tile the photo
    width: int = 64
    # Attacks: tables with the layer's name, its arguments and a weight (1 by default); a
    # "Chain" has a list of such tables as its `attacks`.
    attacks: list = dataclasses.field(default_factory=list)
    attack_per: str = "batch"
    rounding_noise: float = 0.003
    # Losses; a `psnr` above 0 holds that PSNR (dB), rising from `psnr_start`
    image_weight: float = 1.0
    message_weight: float = 1.0
    psnr: float = 0.0
    psnr_start: float = 27.0
    psnr_ramp: float = 0.5  # share of the steps
    psnr_rate: float = 0.005
    psnr_multiplier: float = 0.05
    psnr_penalty: str = "log"
    # Optimisation
    optimizer: str = "sgd"
    learning_rate: float = 1e-4
    momentum: float = 0.98
    schedule: str = "constant"
    batch_size: int = 32
    steps: int = 1000
    steps_per_epoch: int = 200
    jit_compile: bool = True


def check_positive(config, names=POSITIVE):
    """Raises `ConfigError` for a size or number of steps that is not above 0."""
    for name in names:
        if getattr(config, name) <= 0:
            raise ConfigError(f"Expected {name} above 0. Received: {getattr(config, name)}")


def cut_source(config, source):
    """Returns the patches `(n, crop_size, crop_size, 1)` of one entry of `photos`."""
    kind, _, rest = source.partition(":")
    if kind == "tfds":
        name, _, split = rest.partition(":")
        photos = data.tfds_photos(name, split or "train")
    elif kind == "bundled":
        photos = data.bundled_photos(rest or "train")
    else:
        photos = data.folder_photos(source)
    return data.cut_patches(photos, config.crop_size, config.seed, config.patches_per_photo or None)


def build_data(config, seed_offset=0, cut=cut_source):
    """Returns the endless training batches."""
    parts = [cut(config, source) for source in config.photos]
    patches = np.random.default_rng(config.seed).permutation(np.concatenate(parts))
    return data.patch_dataset(patches, config.batch_size, config.seed + 1000 * seed_offset)


def build_attack(config):
    """Returns the attack layer between embedder and extractor."""
    weights = [table.get("weight", 1) for table in config.attacks]
    layers = [_attack(table) for table in config.attacks]
    parts = [attacks.RandomChoice(layers, weights, per=config.attack_per)] if layers else []
    if config.rounding_noise:
        parts.append(attacks.GaussianNoise(config.rounding_noise))
    return attacks.Chain(parts, seed=config.seed)


def _attack(table):
    arguments = {key: value for key, value in table.items() if key not in ("name", "weight")}
    name = table.get("name")
    if name not in attacks.__all__:
        known = {known.lower(): known for known in attacks.__all__}
        near = difflib.get_close_matches(str(name).lower(), known, 1, 0.0)[0]
        raise ConfigError(f"Unknown attack {name!r}; the nearest is {known[near]!r}")
    if "attacks" in arguments:
        arguments["attacks"] = [_attack(part) for part in arguments["attacks"]]
    try:
        return getattr(attacks, name)(**arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"Attack {name}: {error}") from error


def attack_names(tables):
    """Returns the names of the attacks in a config's tables, each once, parts of chains too."""
    names = {}
    for table in tables:
        parts = table.get("attacks")
        names.update(dict.fromkeys(attack_names(parts) if parts else [table["name"]]))
    return list(names)


def build_hold_psnr(config):
    """Returns the `HoldPSNR` of a config, or `None`."""
    if not config.psnr:
        return None
    ramp = max(1, int(config.steps * config.psnr_ramp))
    return HoldPSNR(
        config.psnr,
        config.psnr_start,
        ramp,
        config.psnr_rate,
        config.psnr_multiplier,
        config.psnr_penalty,
    )


def build_trainer(config, embedder, extractor, cells):
    """Returns the compiled trainer of a network whose message is a square of cells.

    Args:
        config: a `RunConfig`.
        embedder: see `WatermarkTrainer`.
        extractor: see `WatermarkTrainer`.
        cells: number of bits along a side of a crop.
    """
    trainer = WatermarkTrainer(
        embedder,
        extractor,
        message_shape=(cells, cells, 1),
        attack=build_attack(config),
        hold_psnr=build_hold_psnr(config),
        seed=config.seed,
    )
    image_loss = {"watermarked": losses.SSIMLoss()} if config.image_weight else {}
    image_weight = {"watermarked": config.image_weight} if config.image_weight else {}
    # Not with XLA over several replicas.
    single = tf.distribute.get_strategy().num_replicas_in_sync == 1
    trainer.compile(
        optimizer=build_optimizer(config),
        loss={"logits": losses.MessageLoss(), **image_loss},
        loss_weights={"logits": config.message_weight, **image_weight},
        metrics={"watermarked": [metrics.PSNR()], "logits": [metrics.BitErrorRate()]},
        jit_compile=config.jit_compile and single,
    )
    return trainer


def build_optimizer(config):
    """Returns the optimizer with its learning rate schedule."""
    rate = config.learning_rate
    if config.schedule == "cosine":
        warmup = min(200, config.steps // 10)
        rate = keras.optimizers.schedules.CosineDecay(
            rate / 100, config.steps - warmup, 0.01, warmup_target=rate, warmup_steps=warmup
        )
    elif config.schedule != "constant":
        raise ConfigError(f'schedule is "constant" or "cosine". Received: {config.schedule!r}')
    if config.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=config.momentum)
    if config.optimizer == "adam":
        return keras.optimizers.Adam(rate, beta_2=0.995, global_clipnorm=1.0)
    raise ConfigError(f'optimizer is "sgd" or "adam". Received: {config.optimizer!r}')


def train(config, build_model, resume=False, callbacks=(), cut=cut_source):
    """Trains (or goes on training) and returns the trainer.

    Args:
        config: a `RunConfig`.
        build_model: function of the config to the compiled trainer.
        resume: whether to go on from the checkpoint in `config.output`.
        callbacks: more Keras callbacks.
        cut: see `build_data`.
    """
    output = Path(config.output)
    checkpoint = Checkpoint(output / "checkpoints")
    if checkpoint.exists() and not resume:
        raise ConfigError(
            f"{output} already holds a run: add --resume to go on, or choose another output="
        )
    keras.utils.set_random_seed(config.seed)
    with training_strategy().scope():
        trainer = build_model(config)
        trainer.build((config.batch_size, config.crop_size, config.crop_size, 1))
        first_epoch = checkpoint.restore(trainer)
    output.mkdir(parents=True, exist_ok=True)
    save_config(config, output / "config.toml")
    environment = {
        "tfwm": __version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "seed": config.seed,
        "command": " ".join(sys.argv),
    }
    (output / "environment.json").write_text(json.dumps(environment, indent=2) + "\n")
    epochs = max(1, config.steps // config.steps_per_epoch)
    if first_epoch < epochs:
        batches = build_data(config, first_epoch, cut)
        trainer.fit(
            batches,
            epochs=epochs,
            shuffle=False,
            initial_epoch=first_epoch,
            steps_per_epoch=min(config.steps, config.steps_per_epoch),
            callbacks=[
                checkpoint,
                keras.callbacks.CSVLogger(output / "log.csv", append=first_epoch > 0),
                keras.callbacks.TensorBoard(output / "tensorboard", write_graph=False),
                *callbacks,
            ],
            verbose=1 if sys.stdout.isatty() else 2,
        )
    return trainer


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
