"""Trains ReDMark, measures it on photos it has not seen, and exports it.

    python -m tfwm.recipes.redmark                                  # minutes, bundled photos
    python -m tfwm.recipes.redmark --config recipes/redmark/mt.toml output=runs/mt
    python -m tfwm.recipes.redmark --config recipes/redmark/mt.toml output=runs/mt --resume

Ahmadi et al., "ReDMark: Framework for residual diffusion watermarking based on deep
networks", 2020. The defaults of `Config` are the paper's MT-Net (Table 1, section 4.2) with the
official code's values where the text is silent: loss weights 1:1 (3:1 for GT and JT), batch 32,
noise of 0.003 after the attack, 4 % salt and 4 % pepper. The paper's runs take hours on a GPU;
the `cpu-*.toml` variants train the same networks in under an hour on two cores.
"""

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
from tfwm.layers import BlockTransform, HoldPSNR
from tfwm.models import redmark
from tfwm.recipes.finish import finish
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

PAPER_ATTACKS = [
    {"name": "SaltAndPepper", "amount": 0.08},
    {"name": "GaussianNoise", "stddev": 3 / 255},
    {"name": "JPEG", "quality": 70, "method": "noise"},
    {"name": "MeanFilter", "size": 3},
]
POSITIVE = ("steps", "steps_per_epoch", "batch_size", "crop_size", "width", "watermarks")
PATCH_SOURCES = ("tfds:cifar10:train",)


@dataclasses.dataclass
class Config:
    """Settings of a run; see the recipes' TOML files for how they are used."""

    name: str = "redmark-mt"
    output: str = "runs/redmark-mt"
    seed: int = 0
    # Photos: "tfds:NAME:SPLIT", "bundled:train" or a folder. Test photos are for the report.
    photos: list = dataclasses.field(
        default_factory=lambda: ["tfds:cifar10:train", "tfds:voc/2012:train+validation"]
    )
    test_photos: str = "bundled:test"
    crop_size: int = 32
    patches_per_photo: int = 0  # 0: as many as tile the photo
    per_deviation_bin: int = 3000  # of each source but CIFAR-10; 0: keep all patches
    # Network
    patch_size: int = 32
    block_size: int = 8
    transform: str = "dct"
    release_transform: bool = False
    width: int = 64
    embedder_depth: int = 4
    extractor_depth: int = 3
    # Attacks: tables with the layer's name, its arguments and a weight (1 by default)
    attacks: list = dataclasses.field(default_factory=lambda: [dict(a) for a in PAPER_ATTACKS])
    attack_per: str = "batch"
    rounding_noise: float = 0.003
    # Losses; a `psnr` above 0 holds that PSNR (dB), rising from `psnr_start`
    image_weight: float = 1.0
    message_weight: float = 1.0
    psnr: float = 0.0
    psnr_start: float = 27.0
    psnr_ramp: float = 0.5  # share of the steps
    # Optimisation
    optimizer: str = "sgd"
    learning_rate: float = 1e-4
    momentum: float = 0.98
    schedule: str = "constant"
    batch_size: int = 32
    steps: int = 2_000_000
    steps_per_epoch: int = 10_000
    jit_compile: bool = True
    # Report
    suite: str = "redmark"
    watermarks: int = 4  # random watermarks an image


def build_data(config, seed_offset=0):
    """Returns the endless training batches."""
    parts = [_patches(config, source) for source in config.photos]
    patches = np.random.default_rng(config.seed).permutation(np.concatenate(parts))
    return data.patch_dataset(patches, config.batch_size, config.seed + 1000 * seed_offset)


def _patches(config, source):
    kind, _, rest = source.partition(":")
    if kind == "tfds":
        name, _, split = rest.partition(":")
        photos = data.tfds_photos(name, split or "train")
    elif kind == "bundled":
        photos = data.bundled_photos(rest or "train")
    else:
        photos = data.folder_photos(source)
    patches = data.cut_patches(
        photos, config.crop_size, config.seed, config.patches_per_photo or None
    )
    # CIFAR-10's images are patches already and all kept, as the authors do.
    if config.per_deviation_bin and source not in PATCH_SOURCES:
        patches = data.balance_by_deviation(patches, config.per_deviation_bin)
    return patches


def build_attack(config):
    """Returns the attack layer between embedder and extractor."""
    layers, weights = [], []
    for table in config.attacks:
        arguments = dict(table)
        name = arguments.pop("name", None)
        weights.append(arguments.pop("weight", 1))
        if name not in attacks.__all__:
            known = {known.lower(): known for known in attacks.__all__}
            near = difflib.get_close_matches(str(name).lower(), known, 1, 0.0)[0]
            raise ConfigError(f"Unknown attack {name!r}; the nearest is {known[near]!r}")
        try:
            layers.append(getattr(attacks, name)(**arguments))
        except (TypeError, ValueError) as error:
            raise ConfigError(f"Attack {name}: {error}") from error
    parts = [attacks.RandomChoice(layers, weights, per=config.attack_per)] if layers else []
    if config.rounding_noise:
        parts.append(attacks.GaussianNoise(config.rounding_noise))
    return attacks.Chain(parts, seed=config.seed)


def build_model(config):
    """Returns the compiled trainer."""
    for name in POSITIVE:
        if getattr(config, name) <= 0:
            raise ConfigError(f"Expected {name} above 0. Received: {getattr(config, name)}")
    if config.crop_size % config.patch_size:
        raise ConfigError(
            f"crop_size must be a multiple of patch_size. Received: {config.crop_size} and "
            f"{config.patch_size}"
        )
    block, patch = (config.block_size,) * 2, (config.patch_size,) * 2
    transform = BlockTransform(
        block, config.transform, release=config.release_transform, name="transform"
    )
    shared = {"patch_shape": patch, "block_shape": block, "width": config.width}
    bits = config.crop_size // config.block_size
    hold = None
    if config.psnr:
        ramp = max(1, int(config.steps * config.psnr_ramp))
        hold = HoldPSNR(config.psnr, config.psnr_start, ramp)
    trainer = WatermarkTrainer(
        redmark.build_embedder(transform=transform, depth=config.embedder_depth, **shared),
        redmark.build_extractor(transform=transform, depth=config.extractor_depth, **shared),
        message_shape=(bits, bits, 1),
        attack=build_attack(config),
        hold_psnr=hold,
        seed=config.seed,
    )
    image_loss = {"watermarked": losses.SSIMLoss()} if config.image_weight else {}
    image_weight = {"watermarked": config.image_weight} if config.image_weight else {}
    trainer.compile(
        optimizer=_optimizer(config),
        loss={"logits": losses.MessageLoss(), **image_loss},
        loss_weights={"logits": config.message_weight, **image_weight},
        metrics={"watermarked": [metrics.PSNR()], "logits": [metrics.BitErrorRate()]},
        jit_compile=config.jit_compile and tf.distribute.get_strategy().num_replicas_in_sync == 1,
    )
    return trainer


def _optimizer(config):
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


def train(config, resume=False, callbacks=()):
    """Trains (or goes on training) and returns the trainer."""
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
        batches = build_data(config, seed_offset=first_epoch)
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


def main(arguments=None):
    """Runs the recipe; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tfwm.recipes.redmark",
        description=__doc__.split("\n\n")[0],
        epilog="Settings: " + ", ".join(field.name for field in dataclasses.fields(Config)),
    )
    parser.add_argument("--config", help="TOML file; by default the bundled redmark/quick.toml")
    parser.add_argument("--resume", action="store_true", help="go on from output's checkpoint")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings to change")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING)
    path = options.config or resource_directory("recipes") / "redmark" / "quick.toml"
    try:
        config = load_config(Config, path, options.overrides)
        trainer = train(config, options.resume)
        print(finish(trainer, config, Path(path).name))
    except (ConfigError, FileNotFoundError, ValueError) as error:
        print(f"tfwm: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
