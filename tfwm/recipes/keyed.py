"""Train a network whose outputs carry its owner's mark, read only with the key, and report.

    tfwm train keyed                                    # minutes, bundled photos
    tfwm train keyed --config cpu-colorize key_file=my.key output=runs/mine
    tfwm train keyed --resume output=runs/mine

Wu, Liu, Yao and Zhang, "Watermarking neural networks with watermarked images", IEEE TCSVT 2021.
The run has two stages, each in a folder of its own: `unmarked` trains the host by its task's loss
alone, for comparison; `keyed` trains the same host from the same start together with the
extractor, for as many steps. What the extractor has to tell from the marked host's outputs are
real photos and the unmarked host's outputs, half of each. The config's defaults are the paper's
sizes, and pix2pix's where it has none; the watermark's losses are squared errors, as the L1 norm
saturates (see `tfwm.models.keyed`).

The owner's key comes from the file `key_file`, or else from the settings, or from the environment
variable TFWM_KEY. A `key` in the settings is for demonstrations: it is stored with them.
"""

import dataclasses
import sys
from pathlib import Path

import tensorflow as tf

from tfwm import data, metrics
from tfwm.data.tasks import build_task
from tfwm.keys import derive_key, find_key
from tfwm.models import keyed, translators
from tfwm.protection import KeyedReader
from tfwm.recipes import parts
from tfwm.recipes.config import TaskConfig, check_positive, refuse
from tfwm.recipes.keyed_report import report
from tfwm.recipes.registry import StagedRecipe
from tfwm.recipes.translation import (
    LOSSES,
    build_attack,
    build_innocent,
    build_task_loss,
    check_task,
    fit_pairs,
    open_crops,
    read_crops,
    train_translator,
)
from tfwm.training import ConfigError, FineTuned, KeyedTrainer
from tfwm.training.config import setting


@dataclasses.dataclass
class Config(TaskConfig):
    """Settings; sizes are the paper's, or pix2pix's where it has none."""

    name: str = "keyed"
    output: str = "runs/keyed"
    task: dict = setting(
        {"name": "Colorize"}, "task of the host, see `tfwm.data.tasks`: its name and its arguments"
    )
    # The mark and its key
    watermark: str = setting("qr:TFWM KEYED", "the mark: `qr:TEXT`, `flower`, or an image file")
    watermark_size: int = setting(64, "side of the mark in pixels")
    watermark_channels: int = setting(1, "1 for a gray mark, 3 for one in color")
    key_file: str = setting("", "file of the owner's key, as `tfwm keygen` writes it")
    key: str = setting("", "the key itself, for demonstrations: it is stored with the settings")
    # Networks
    host: str = setting(
        "unet",
        "structure of the host: `unet`, `resnet` or `super_resolver`",
        ("unet", "resnet", "super_resolver"),
    )
    width: int = 64
    depth: int = setting(8, "halvings of the U-Net")
    blocks: int = setting(9, "residual blocks of the other hosts")
    residual: bool = setting(
        False, "whether the host gives a change of its input: of a gray one, its colors"
    )
    extractor_width: int = setting(64, "channels of the extractor's hidden layers")
    block: int = setting(4, "side in pixels of the square of the mark that a key bit has")
    keying: str = setting("mixed", "how the key enters, see `tfwm.models.keyed`")
    # Losses
    task_loss: str = setting("l1", "loss of the task: `l1`, `l2` or `perceptual`", LOSSES)
    task_weight: float = setting(1.0, "weight of the task's loss")
    adversarial_weight: float = setting(0.0, "weight of misleading a critic; 0: no critic")
    marked_weight: float = setting(1.0, "weight of what is read from marked outputs; alpha")
    unmarked_weight: float = setting(0.5, "weight of what is read from unmarked images; beta")
    wrong_key_weight: float = setting(0.5, "weight of what is read with wrong keys; gamma")
    fine_tuned_weight: float = setting(
        0.0, "weight of what is read after simulated fine-tuning of the host; 0: none"
    )
    fine_tuning_steps: int = setting(300, "steps of it before it starts again")
    fine_tuning_rate: float = setting(3e-4, "its learning rate")
    flipped_bits: int = setting(8, "wrong bits of a wrong key in training; T_d")
    gain: float = setting(1.0, "factor at first on what the host is told of the mark")
    gain_share: float = setting(0.5, "share of the steps until that factor is 1", most=1)
    # Training
    steps: int = 100_000
    steps_per_epoch: int = 500


def read_key(config):
    """Return the owner's key, from its file, the settings or the environment."""
    demonstration = None if config.key_file else config.key or None
    try:
        return find_key(demonstration, config.key_file or None, strong=True)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def check(config):
    """Raise `ConfigError` for what would end a run after hours, or has no effect."""
    if config.host == "super_resolver" and getattr(build_task(config.task), "enlarge", True):
        raise ConfigError(
            "Expected for the host super_resolver a task whose input is small, "
            '{ name = "SuperResolve", enlarge = false }. '
            f"Received: task={config.task}"
        )
    if not config.fine_tuned_weight:
        names = ("fine_tuning_steps", "fine_tuning_rate")
        refuse(config, names, "has no effect without a fine_tuned_weight")
    check_positive(config, ("fine_tuning_steps", "fine_tuning_rate"))
    check_task(config)
    build_trainer(config)  # of the second stage


def build_key(config):
    """Return the bits that the extractor takes, made from the key."""
    bits = keyed.key_length(config.watermark_size, config.block)
    return derive_key(read_key(config), bits)


def build_watermark(config):
    """Return the watermark's image."""
    return data.watermark_image(config.watermark, config.watermark_size, config.watermark_channels)


def build_host(config):
    """Return the untrained host."""
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
    return translators.build_super_resolver(task.factor, channels[1], config.width, config.blocks)


def build_extractor(config):
    """Return the untrained extractor."""
    return keyed.build_extractor(
        config.crop_size,
        config.watermark_size,
        build_task(config.task).channels_out,
        config.watermark_channels,
        config.extractor_width,
        config.block,
        config.keying,
    )


def build_fine_tuned(config, host, task_loss):
    """Return the simulated fine-tuning of the host, or `None` for a weight of 0."""
    if not config.fine_tuned_weight:
        return None
    return FineTuned(host, task_loss, config.fine_tuning_steps, config.fine_tuning_rate)


def build_trainer(config):
    """Return the compiled trainer of the host with the mark."""
    with parts.precision(config):
        host = build_host(config)  # first, so that it starts as the unmarked one
        extractor = build_extractor(config)
    adversary = parts.build_patch_adversary(config, build_task(config.task).channels_out)
    task_loss = build_task_loss(config.task_loss)
    fine_tuned = build_fine_tuned(config, host, task_loss)
    innocent = build_innocent(config)
    trainer = KeyedTrainer(
        host,
        extractor,
        build_watermark(config),
        build_key(config),
        attack=build_attack(config),
        adversary=adversary,
        fine_tuned=fine_tuned,
        innocent=innocent,
        flipped_bits=config.flipped_bits,
        gain=config.gain,
        gain_steps=max(1, round(config.gain_share * config.steps)),
        seed=config.seed,
    )
    weights = {
        "marked": config.marked_weight,
        "unmarked": config.unmarked_weight,
        "wrong_key": config.wrong_key_weight,
    }
    if innocent:
        weights["innocent"] = config.unmarked_weight
    if fine_tuned is not None:
        weights["fine_tuned"] = config.fine_tuned_weight
    trainer.compile(
        parts.build_optimizer(config, adversary),
        loss={"output": task_loss, **dict.fromkeys(weights, "mse")},
        loss_weights={"output": config.task_weight, **weights},
        metrics={"output": [metrics.PSNR()]},
        jit_compile=parts.with_xla(config),
    )
    return trainer


def train_stages(config):
    """Train the host alone, then with the mark; return both hosts and the reader."""
    output = Path(config.output)
    crops = open_crops(config)
    unmarked = train_translator(
        lambda: build_host(config),
        lambda: (build_task_loss(config.task_loss), config.task_weight),
        config,
        output / "unmarked",
        crops,
    )

    def add_unmarked(pair):
        # Half of them real, half made by a network: it is not that which the mark may tell.
        half = config.batch_size // 2
        made = unmarked(pair["input"][:half], training=False)
        return {**pair, "unmarked": tf.concat([made, pair["target"][half:]], axis=0)}

    folder = output / "keyed"
    trainer = fit_pairs(lambda: build_trainer(config), config, folder, crops, add_unmarked)
    host, extractor = build_host(config), build_extractor(config)  # in float32
    host.set_weights(trainer.host.get_weights())
    extractor.set_weights(trainer.extractor.get_weights())
    reader = KeyedReader(extractor, trainer.watermark, trainer.key, config.name)
    return unmarked, host, reader


def test_pairs(config):
    """Return inputs and targets of the test photos, float32 `(n, height, width, channels)`."""
    return data.all_pairs(
        read_crops(config, config.test_photos), build_task(config.task), config.seed
    )


RECIPE = StagedRecipe(
    name="keyed",
    summary=__doc__.split("\n\n")[0],
    config=Config,
    check=check,
    stages=("unmarked", "keyed"),
    train_stages=train_stages,
    report=lambda trained, config, recipe: report(config, recipe, *trained, test_pairs(config)),
)

if __name__ == "__main__":
    sys.exit(RECIPE.main())
