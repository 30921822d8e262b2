"""Trains a network whose outputs carry its owner's mark, read only with the key, and reports.

    python -m tfwm.recipes.keyed                                    # minutes, bundled photos
    python -m tfwm.recipes.keyed --config recipes/keyed/cpu-colorize.toml secret_file=my.secret
    python -m tfwm.recipes.keyed --config recipes/keyed/cpu-colorize.toml --resume

Wu, Liu, Yao and Zhang, "Watermarking neural networks with watermarked images", IEEE TCSVT 2021.
The run has two stages, each in a folder of its own: `unmarked` trains the host by its task's loss
alone, for comparison; `keyed` trains the same host from the same start together with the
extractor, for as many steps. What the extractor has to tell from the marked host's outputs are
real photos and the unmarked host's outputs, half of each. The config's defaults are the paper's
sizes, and pix2pix's where it has none; the watermark's losses are squared errors, as the L1 norm
saturates (see `tfwm.models.keyed`).

The owner's secret comes from the file `secret_file`, or else from the settings, or the environment
variable TFWM_SECRET. A `secret` in the settings is for demonstrations: it is stored with them.
"""

import dataclasses
import os
import sys
from pathlib import Path

import tensorflow as tf

from tfwm import data, losses, metrics
from tfwm.data.tasks import build_task
from tfwm.keys import derive_key
from tfwm.models import keyed, translators
from tfwm.protection import KeyedReader
from tfwm.recipes import base, build
from tfwm.recipes.keyed_report import report
from tfwm.recipes.run_config import TaskConfig, check_positive
from tfwm.training import Checkpoint, ConfigError, KeyedTrainer, TranslationTrainer

VARIABLE = "TFWM_SECRET"
HOSTS = ("unet", "resnet", "super_resolver")
LOSSES = ("l1", "l2", "perceptual")
ATTACK_PER = ("image", "batch")


@dataclasses.dataclass
class Config(TaskConfig):
    """Settings of a run; see the recipes' TOML files for how they are used."""

    name: str = "keyed"
    output: str = "runs/keyed"
    task: dict = dataclasses.field(default_factory=lambda: {"name": "Colorize"})
    # The mark and its key
    watermark: str = "qr:TFWM KEYED"  # or "flower", or an image file
    watermark_size: int = 64
    watermark_channels: int = 1
    secret_file: str = ""
    secret: str = ""  # for demonstrations: it is stored with the settings
    # Networks
    host: str = "unet"
    width: int = 64
    depth: int = 8  # halvings of the U-Net
    blocks: int = 9  # residual blocks of the others
    residual: bool = False  # whether the host gives a change of its input
    extractor_width: int = 64
    block: int = 4  # side of a key bit's square of the watermark
    keying: str = "mixed"
    # Losses
    task_loss: str = "l1"
    task_weight: float = 1.0
    adversarial_weight: float = 0.0
    marked_weight: float = 1.0  # alpha; theta is in all three
    unmarked_weight: float = 0.5  # beta
    wrong_key_weight: float = 0.5  # gamma
    flipped_bits: int = 8  # T_d
    gain: float = 1.0  # at first, on what the host is told of the mark
    gain_share: float = 0.5  # of the steps, until it is 1
    # Tampering with what is read: tables as of other recipes
    attacks: list = dataclasses.field(default_factory=list)
    attack_per: str = "image"
    rounding_noise: float = 0.002
    # Training
    steps: int = 100_000
    steps_per_epoch: int = 500


def read_secret(config):
    """Returns the owner's secret, from file, settings or environment."""
    if config.secret_file:
        path = Path(config.secret_file).expanduser()
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise ConfigError(f"The secret file {path} cannot be read: {reason}") from error
    secret = config.secret or os.environ.get(VARIABLE, "")
    if not secret:
        raise ConfigError(
            "Expected the owner's secret: secret_file=FILE, such as `tfwm keygen` writes, or "
            f"the environment variable {VARIABLE}"
        )
    return secret


def build_key(config):
    """Returns the key: bits made from the secret."""
    bits = keyed.key_length(config.watermark_size, config.block)
    return derive_key(read_secret(config), bits)


def build_watermark(config):
    """Returns the watermark's image."""
    return data.watermark_image(config.watermark, config.watermark_size, config.watermark_channels)


def build_host(config):
    """Returns the untrained host."""
    task = build_task(config.task)
    channels = task.channels_in, task.channels_out
    if config.host == "unet":
        return translators.build_unet(
            *channels, config.width, config.depth, residual=config.residual
        )
    if config.host == "resnet":
        return translators.build_resnet(
            config.blocks, *channels, config.width, residual=config.residual
        )
    if config.host != "super_resolver":
        raise ConfigError(f"Expected a host of {', '.join(HOSTS)}. Received: {config.host!r}")
    if getattr(task, "enlarge", True):
        raise ConfigError(
            "Expected for the host super_resolver a task whose input is small, "
            '{ name = "SuperResolve", enlarge = false }. '
            f"Received: task={config.task}"
        )
    return translators.build_super_resolver(task.factor, channels[1], config.width, config.blocks)


def build_extractor(config):
    """Returns the untrained extractor."""
    return keyed.build_extractor(
        config.crop_size,
        config.watermark_size,
        build_task(config.task).channels_out,
        config.watermark_channels,
        config.extractor_width,
        config.block,
        config.keying,
    )


def build_task_loss(config):
    """Returns the Keras loss of the task."""
    if config.task_loss not in LOSSES:
        raise ConfigError(
            f"Expected a task_loss of {', '.join(LOSSES)}. Received: {config.task_loss!r}"
        )
    return {"l1": "mae", "l2": "mse"}.get(config.task_loss) or losses.PerceptualLoss()


def build_attack(config):
    """Returns the attack on images before they are read, or `None`."""
    if not (config.attacks or config.rounding_noise):
        return None
    return build.build_attack(config, config.attacks, config.attack_per)


def build_trainer(config, marked=True):
    """Returns the compiled trainer of the host, with or without the mark."""
    if config.attack_per not in ATTACK_PER:
        raise ConfigError(
            "Expected attack_per to be image or batch: runs of images would give marked and "
            f"unmarked ones different attacks. Received: {config.attack_per!r}"
        )
    channels = build_task(config.task).channels_out
    with build.precision(config):
        host = build_host(config)  # first, so that both stages start alike
        extractor = build_extractor(config) if marked else None
    weight = config.adversarial_weight
    adversary = build.build_patch_adversary(config, channels, config.width, weight)
    terms, weights = {"output": build_task_loss(config)}, {"output": config.task_weight}
    if marked:
        trainer = KeyedTrainer(
            host,
            extractor,
            build_watermark(config),
            build_key(config),
            attack=build_attack(config),
            adversary=adversary,
            flipped_bits=config.flipped_bits,
            gain=config.gain,
            gain_steps=max(1, round(config.gain_share * config.steps)),
            seed=config.seed,
        )
        terms |= dict.fromkeys(("marked", "unmarked", "wrong_key"), "mse")
        weights |= {
            "marked": config.marked_weight,
            "unmarked": config.unmarked_weight,
            "wrong_key": config.wrong_key_weight,
        }
    else:
        trainer = TranslationTrainer(host, adversary)
    trainer.compile(
        build.build_optimizer(config),
        loss=terms,
        loss_weights=weights,
        metrics={"output": [metrics.PSNR()]},
    )
    return trainer


def train(config, resume=False):
    """Runs both stages, or goes on with them; returns the unmarked host, the marked one, reader."""
    check_positive(config)
    # What is missing is told before hours of training.
    build_key(config)
    read_test_crops(config)
    output = Path(config.output)
    if any(Checkpoint(output / s / "checkpoints").exists() for s in ("unmarked", "keyed")):
        base.check_resume(output, resume)
    crops = read_crops(config)
    unmarked = _in_float32(_fit(config, output / "unmarked", crops).network, config)
    trainer = _fit(config, output / "keyed", crops, unmarked)
    hosts = unmarked, _in_float32(trainer.host, config)
    extractor = build_extractor(config)
    extractor.set_weights(trainer.extractor.get_weights())
    return *hosts, KeyedReader(extractor, trainer.watermark, trainer.key, config.name)


def read_crops(config):
    """Returns the crops that both stages train with."""
    return _crops(config, config.photos)


def read_test_crops(config):
    """Returns the crops that the report is about."""
    return _crops(config, config.test_photos)


def _crops(config, photos):
    return data.task_crops(
        photos,
        build_task(config.task),
        config.crop_size,
        config.seed,
        config.crops_per_photo or None,
        config.whole,
    )


def input_side(config):
    """Returns the side of the task's input."""
    task = build_task(config.task)
    return config.crop_size // (1 if getattr(task, "enlarge", True) else task.factor)


def _in_float32(host, config):
    fresh = build_host(config)
    fresh.set_weights(host.get_weights())
    return fresh


def _fit(config, folder, crops, unmarked=None):
    """Fits the host alone, or with the mark if there is an unmarked one to tell it from."""
    task = build_task(config.task)

    def add_unmarked(pair):
        # Half of them real, half made by a network: it is not that which the mark may tell.
        half = config.batch_size // 2
        made = unmarked(pair["input"][:half], training=False)
        return {**pair, "unmarked": tf.concat([made, pair["target"][half:]], axis=0)}

    def make_data(first_epoch):
        step = first_epoch * config.steps_per_epoch
        pairs = data.pair_dataset(crops, task, config.batch_size, config.seed, step)
        return pairs if unmarked is None else pairs.map(add_unmarked)

    sides = input_side(config), config.crop_size
    channels = task.channels_in, task.channels_out
    shape = {
        name: (config.batch_size, side, side, n)
        for name, side, n in zip(("input", "target"), sides, channels, strict=True)
    }
    if unmarked is not None:
        shape["unmarked"] = shape["target"]
    marked = unmarked is not None
    return base.fit(lambda: build_trainer(config, marked), shape, config, folder, make_data)


def finish(trained, config, recipe):
    """Measures and reports; returns the text to print."""
    return report(config, recipe, *trained, read_pairs(config))


def read_pairs(config):
    """Returns inputs and targets of the test photos, float32 `(n, height, width, channels)`."""
    return data.all_pairs(read_test_crops(config), build_task(config.task), config.seed)


def main(arguments=None):
    """Runs the recipe; returns the exit code."""
    description = __doc__.split("\n\n")[0]
    return base.run("keyed", Config, train, finish, description, arguments)


if __name__ == "__main__":
    sys.exit(main())
