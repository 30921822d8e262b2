"""Trains a barrier that marks a model's outputs, attacks it with surrogates, and reports.

    python -m tfwm.recipes.barrier                                   # minutes, bundled photos
    python -m tfwm.recipes.barrier --config recipes/barrier/cpu-derain.toml
    python -m tfwm.recipes.barrier --config recipes/barrier/cpu-derain.toml --resume

Zhang et al., "Model watermarking for image processing networks", AAAI 2020. The config's defaults
are the paper's sizes and its code's widths. The run has stages, each in a folder of its own:
`initial` trains embedder and extractor; `surrogate` a U-Net with L2 on what the embedder marked;
`adversarial` goes on with the extractor, which now sees that surrogate's outputs as well; and
`attack-*` are an attacker's surrogates, from photos that the owner did not train with.
"""

import dataclasses
import sys
from pathlib import Path

import keras
import numpy as np

from tfwm import data, losses
from tfwm.attacks import GaussianNoise
from tfwm.data.tasks import build_task
from tfwm.layers import AdversarialLoss, WatermarkBarrier
from tfwm.models import barrier as models
from tfwm.models.critic import build_patch_critic
from tfwm.protection import Barrier
from tfwm.recipes import base, build
from tfwm.recipes.barrier_report import report
from tfwm.recipes.run_config import TrainingConfig, check_positive
from tfwm.recipes.surrogates import Surrogate, train_surrogate
from tfwm.training import BarrierTrainer, Checkpoint

OWNER, ATTACKER = (0.0, 0.5), (0.5, 1.0)


@dataclasses.dataclass
class Config(TrainingConfig):
    """Settings of a run; see the recipes' TOML files for how they are used."""

    name: str = "barrier"
    output: str = "runs/barrier"
    task: dict = dataclasses.field(default_factory=lambda: {"name": "Derain"})
    crops_per_photo: int = 0  # 0: as many as tile the photo
    whole: bool = False  # squeeze photos to the crop size instead
    crop_size: int = 256
    watermark: str = "flower"  # or "qr:TEXT", or an image file
    watermark_channels: int = 3
    # Networks
    width: int = 64
    depth: int = 7
    residual_limit: float = 0.0  # largest change of a pixel; 0: the embedder paints the image
    extractor_width: int = 128
    extractor_halvings: int = 1
    extractor_output: str = "relu"
    blank: float = 1.0
    # Losses, equations 5 and 11
    image_weight: float = 1.0
    perceptual_weight: float = 1.0
    adversarial_weight: float = 0.01
    watermark_weight: float = 1.0
    clean_weight: float = 1.0
    consistency_weight: float = 1.0
    rounding_noise: float = 0.0
    # Training; `steps` and `learning_rate` are the initial stage's
    optimizer: str = "adam"
    learning_rate: float = 2e-4
    batch_size: int = 16
    steps: int = 75_000
    steps_per_epoch: int = 375
    jit_compile: bool = False
    surrogate_width: int = 64
    surrogate_depth: int = 8
    surrogate_steps: int = 112_500
    surrogate_learning_rate: float = 1e-4
    adversarial_steps: int = 75_000
    adversarial_learning_rate: float = 1e-4
    # The attacker's surrogates: structure, loss, "adv"
    attacks: list = dataclasses.field(
        default_factory=lambda: ["cnet-l2", "res9-l2", "res16-l2", "unet-l2"]
    )


def build_trainer(config, surrogate=None):
    """Returns the compiled trainer of the initial stage, or with a surrogate of the second."""
    task = build_task(config.task)
    channels = task.channels_out
    with build.precision(config):
        embedder = models.build_embedder(
            channels,
            config.watermark_channels,
            config.width,
            config.depth,
            residual_limit=config.residual_limit or None,
        )
        extractor = models.build_extractor(
            channels,
            config.watermark_channels,
            config.extractor_width,
            config.extractor_halvings,
            output=config.extractor_output,
        )
        critic = build_patch_critic(channels, config.width)
    adversary = None
    if config.adversarial_weight and surrogate is None:
        adversary = AdversarialLoss(critic, config.adversarial_weight)
    trainer = BarrierTrainer(
        embedder,
        extractor,
        data.watermark_image(config.watermark, config.crop_size, config.watermark_channels),
        config.blank,
        attack=GaussianNoise(config.rounding_noise) if config.rounding_noise else None,
        surrogate=surrogate,
        adversary=adversary,
    )
    embedder.trainable = surrogate is None
    weights = {
        "extracted": config.watermark_weight,
        "clean": config.clean_weight,
        "consistency": config.consistency_weight,
    }
    if surrogate is None:
        weights["watermarked"] = config.image_weight
    else:
        weights["surrogate"] = config.watermark_weight
    terms = {key: ["mse"] for key in weights}
    weights = {key: [weight] for key, weight in weights.items()}
    if surrogate is None and config.perceptual_weight:
        terms["watermarked"].append(losses.PerceptualLoss())
        weights["watermarked"].append(config.perceptual_weight)
    trainer.compile(build.build_optimizer(config), loss=terms, loss_weights=weights)
    return trainer


def read_crops(config, part):
    """Returns crops of the owner's or the attacker's part of the photos."""
    return data.task_crops(
        config.photos,
        build_task(config.task),
        config.crop_size,
        config.seed,
        config.crops_per_photo or None,
        config.whole,
        part,
    )


def train(config, resume=False):
    """Runs the stages, or goes on with them; returns the barriers before and after the second."""
    check_positive(config)
    output = Path(config.output)
    if Checkpoint(output / "initial" / "checkpoints").exists():
        base.check_resume(output, resume)
    crops = read_crops(config, OWNER)
    first = _fit(config, output / "initial", crops)
    before = _barrier(first, config)
    surrogate = train_surrogate(
        Surrogate("unet"),
        config,
        build_task(config.task),
        crops,
        WatermarkBarrier(before.embedder, before.watermark),
        output / "surrogate",
    )
    settings = dataclasses.replace(
        config, steps=config.adversarial_steps, learning_rate=config.adversarial_learning_rate
    )
    second = _fit(settings, output / "adversarial", crops, surrogate, first)
    return before, _barrier(second, config)


def _fit(config, folder, crops, surrogate=None, first=None):
    task = build_task(config.task)

    def begin():
        trainer = build_trainer(config, surrogate)
        if first is not None:
            trainer.embedder.set_weights(first.embedder.get_weights())
            trainer.extractor.set_weights(first.extractor.get_weights())
        return trainer

    def make_data(first_epoch):
        step = first_epoch * config.steps_per_epoch
        return data.pair_dataset(crops, task, config.batch_size, config.seed, step)

    sides = (config.batch_size, config.crop_size, config.crop_size)
    shape = {"input": (*sides, task.channels_in), "target": (*sides, task.channels_out)}
    return base.fit(begin, shape, config, folder, make_data)


def _barrier(trainer, config):
    """The trained networks in float32."""
    fresh = build_trainer(dataclasses.replace(config, precision="float32"))
    for name in ("embedder", "extractor"):
        getattr(fresh, name).set_weights(getattr(trainer, name).get_weights())
    return Barrier(fresh.embedder, fresh.extractor, fresh.watermark, config.name)


def attack(config, barrier):
    """Trains the attacker's surrogates, or goes on with them; returns them by name."""
    crops = read_crops(config, ATTACKER)
    mark = WatermarkBarrier(barrier.embedder, barrier.watermark)
    return {
        str(surrogate): train_surrogate(
            surrogate,
            config,
            build_task(config.task),
            crops,
            mark,
            Path(config.output) / f"attack-{surrogate}",
        )
        for surrogate in map(Surrogate.of, config.attacks)
    }


def finish(barriers, config, recipe):
    """Attacks, measures and reports; returns the text to print."""
    before, after = barriers
    surrogates = attack(config, after)
    keras.backend.clear_session(free_memory=True)
    return report(config, recipe, before, after, surrogates, _test_pairs(config))


def _test_pairs(config):
    task = build_task(config.task)
    crops = data.task_crops(
        config.test_photos,
        task,
        config.crop_size,
        config.seed,
        config.crops_per_photo or None,
        config.whole,
    )
    pairs = data.pair_dataset(crops, task, 1, config.seed, repeat=False, flip=False)
    batches = [{key: value.numpy() for key, value in pair.items()} for pair in pairs]
    return tuple(np.concatenate([b[key] for b in batches]) for key in ("input", "target"))


def main(arguments=None):
    """Runs the recipe; returns the exit code."""
    description = __doc__.split("\n\n")[0]
    return base.run("barrier", Config, train, finish, description, arguments)


if __name__ == "__main__":
    sys.exit(main())
