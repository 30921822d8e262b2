"""Train a barrier that marks a model's outputs, attack it with surrogates, and report.

    tfwm train barrier                                   # minutes, bundled photos
    tfwm train barrier --config cpu-derain
    tfwm train barrier --config cpu-derain --resume

Zhang et al., "Model watermarking for image processing networks", AAAI 2020. The config's defaults
are the paper's sizes and its code's widths. The run has stages, each in a folder of its own:
`initial` trains embedder and extractor; `surrogate` a U-Net with L2 on what the embedder marked;
`adversarial` goes on with the extractor, which now sees that surrogate's outputs as well, and as
clean images those of an `unrelated` network that learned the task from unmarked ones; and
`attack-*` are an attacker's surrogates, from photos that the owner did not train with, and
`innocent-*` others' networks from the same photos, unmarked, none of which may be claimed. With
`task_specific` the embedder takes the task's input and learns task and mark at once; `unmarked`
is then the same network without a mark, for comparison.
"""

import dataclasses
import math
import sys
from pathlib import Path

import keras

from tfwm import data, losses
from tfwm.data.tasks import build_task
from tfwm.models import barrier as models
from tfwm.protection import Barrier
from tfwm.recipes import parts
from tfwm.recipes.barrier_report import report
from tfwm.recipes.config import TaskConfig, check_multiple, check_positive, refuse
from tfwm.recipes.registry import StagedRecipe
from tfwm.recipes.surrogates import Surrogate, train_surrogate
from tfwm.recipes.translation import (
    build_attack,
    build_innocent,
    check_task,
    fit_pairs,
    open_crops,
    read_crops,
    train_translator,
)
from tfwm.training import BarrierTrainer, Carrier, ConfigError
from tfwm.training.config import setting

# Shares of the photos; neither trains with the other's.
OWNER, ATTACKER = (0.0, 0.5), (0.5, 1.0)
CARRIER = "carrier_start", "carrier_steps", "common_weight"
SIZES = (
    *("steps", "steps_per_epoch", "surrogate_steps", "adversarial_steps", "batch_size"),
    *("crop_size", "width", "extractor_width", "surrogate_width"),
    *("test_images", "clean_images", "surrogate_learning_rate", "adversarial_learning_rate"),
)


@dataclasses.dataclass
class Config(TaskConfig):
    """Settings; sizes are the paper's, widths those of its code."""

    name: str = "barrier"
    output: str = "runs/barrier"
    task: dict = setting(
        {"name": "Derain"}, "task of the protected model, see `tfwm.data.tasks`: name and arguments"
    )
    task_specific: bool = setting(
        False, "whether the embedder takes the task's input, and learns task and mark at once"
    )
    watermark: str = setting("flower", "the mark: `flower`, `qr:TEXT`, or an image file")
    watermark_channels: int = setting(3, "1 for a gray mark, 3 for one in color")
    # Networks
    width: int = 64
    depth: int = setting(7, "halvings of the embedder's U-Net")
    residual_limit: float = setting(
        0.0, "largest change of a pixel; 0: the embedder paints the whole image"
    )
    extractor_width: int = setting(128, "channels of the extractor's hidden layers")
    extractor_halvings: int = setting(1, "halvings in the extractor")
    extractor_output: str = setting("relu", "the extractor's last activation: `relu`, `sigmoid`")
    blank: float = setting(1.0, "gray level to be read from unmarked images", most=1)
    # Losses, equations 5 and 11
    image_weight: float = setting(1.0, "weight of the error of marked images")
    psnr: float = setting(
        0.0, "PSNR in dB up to which that error counts, as a logarithm; 0: the squared error"
    )
    perceptual_weight: float = setting(1.0, "weight of the perceptual loss of marked images")
    adversarial_weight: float = setting(0.01, "weight of misleading a critic; 0: no critic")
    watermark_weight: float = setting(1.0, "weight of what is read from marked images")
    clean_photos: list = setting(
        [], "folders of images of other kinds, from which nothing may be read either (ours)"
    )
    clean_weight: float = setting(1.0, "weight of what is read from unmarked images")
    consistency_weight: float = setting(1.0, "weight of reading the same from all images")
    period: int = setting(
        0, "period in pixels of the part of the mark that is read alone as well; 0: none"
    )
    carrier_cycles: float = setting(
        0.0, "cycles, from black to white, of the sign by which it follows an image; 0: it does not"
    )
    carrier_start: int = setting(0, "step at which these cycles begin to grow")
    carrier_steps: int = setting(0, "steps until they are complete")
    common_weight: float = setting(
        1.0, "weight of what all marks have in common, where they follow their images"
    )
    rounding_noise: float = 0.0
    # Training
    steps: int = setting(75_000, "steps of the initial stage; `learning_rate` is that stage's too")
    steps_per_epoch: int = 375
    surrogate_width: int = setting(64, "channels of the surrogates' hidden layers")
    surrogate_depth: int = setting(8, "halvings of U-Net surrogates")
    surrogate_steps: int = setting(112_500, "steps of each surrogate")
    surrogate_learning_rate: float = setting(1e-4, "learning rate of surrogates")
    adversarial_steps: int = setting(75_000, "steps of the adversarial stage")
    adversarial_learning_rate: float = setting(1e-4, "learning rate of the adversarial stage")
    # The attacker
    surrogates: list = setting(
        ["cnet-l2", "res9-l2", "res16-l2", "unet-l2"],
        "the attacker's surrogates: structure, loss, and `adv` for a critic, as `unet-l1-adv`",
    )
    innocent: list = setting(["unet-l2"], "networks of others, trained on unmarked outputs")
    test_images: int = setting(200, "crops of test photos that are marked for the report")
    clean_images: int = setting(1000, "unmarked crops among which false claims are counted")

    @property
    def source(self):
        """Which image of a pair the embedder takes."""
        return "input" if self.task_specific else "target"


def check(config):
    """Raise `ConfigError` at once for what would end a run after hours."""
    check_positive(config, SIZES)
    task = build_task(config.task)
    if _takes_whole(task) and (not config.whole or config.crops_per_photo > 1):
        raise ConfigError(
            "BoneSuppression finds the lungs in the middle of a whole radiograph: give it cut=true "
            "for crops, or set whole=true and leave out crops_per_photo. Received: "
            f"whole={str(config.whole).lower()}, crops_per_photo={config.crops_per_photo}"
        )
    if config.task_specific and task.channels_in != task.channels_out:
        raise ConfigError(
            "Expected with task_specific a task whose input has the channels of its target. "
            f"Received: {task.name}, {task.channels_in} and {task.channels_out}"
        )
    for names in (config.surrogates, config.innocent):
        surrogates = [str(Surrogate.of(name)) for name in names]
        if len(set(surrogates)) < len(surrogates):
            raise ConfigError(f"Expected names that differ. Received: {names}")
    check_multiple(config, "2**depth", 2**config.depth)
    check_multiple(config, "2**surrogate_depth", 2**config.surrogate_depth)
    channels = task.channels_in, task.channels_out
    Surrogate.of("unet").build(*channels, config.surrogate_width, config.surrogate_depth)
    check_multiple(config, "the period", config.period or 1)
    if not config.carrier_cycles:
        refuse(config, CARRIER, "has no effect without carrier_cycles")
    elif not config.period or config.carrier_cycles < 0:
        raise ConfigError(
            "Expected carrier_cycles above 0, and a period. "
            f"Received: carrier_cycles={config.carrier_cycles}, period={config.period}"
        )
    check_task(config)
    build_watermark(config)


def _takes_whole(task):
    return task.name == "BoneSuppression" and not task.cut


def build_watermark(config):
    """Return the watermark's image."""
    return data.watermark_image(config.watermark, config.crop_size, config.watermark_channels)


def build_embedder(config, message_channels):
    """Return the untrained embedder for messages of some channels."""
    return models.build_embedder(
        build_task(config.task).channels_out,
        message_channels,
        config.width,
        config.depth,
        residual_limit=config.residual_limit or None,
    )


def build_trainer(config, surrogate=None, unrelated=None):
    """Return the compiled trainer of the initial stage, or with two networks of the second."""
    channels = build_task(config.task).channels_out
    with parts.precision(config):
        embedder = build_embedder(config, config.watermark_channels)
        extractor = models.build_extractor(
            channels,
            config.watermark_channels,
            config.extractor_width,
            config.extractor_halvings,
            output=config.extractor_output,
        )
    adversary = parts.build_patch_adversary(config, channels) if surrogate is None else None
    trainer = BarrierTrainer(
        embedder,
        extractor,
        build_watermark(config),
        config.blank,
        attack=build_attack(config),
        surrogate=surrogate,
        unrelated=unrelated,
        adversary=adversary,
        innocent=build_innocent(config),
        period=config.period or None,
        carrier=_build_carrier(config, begin=surrogate is None),
        source=config.source,
    )
    embedder.trainable = surrogate is None
    weights = {
        "extracted": config.watermark_weight,
        "clean": config.clean_weight,
        "consistency": config.consistency_weight,
    }
    if config.period:
        weights["copied"] = config.watermark_weight
    if surrogate is not None:
        weights["surrogate"] = config.watermark_weight
    elif config.carrier_cycles:
        weights["common"] = config.common_weight
    terms = {key: ["mse"] for key in weights}
    weights = {key: [weight] for key, weight in weights.items()}
    if surrogate is None:
        terms["watermarked"], weights["watermarked"] = _image_losses(config)
    trainer.compile(
        parts.build_optimizer(config, adversary),
        loss=terms,
        loss_weights=weights,
        jit_compile=parts.with_xla(config),
    )
    return trainer


def _build_carrier(config, begin):
    if not config.carrier_cycles:
        return None
    steps = (config.carrier_start, config.carrier_steps) if begin else (0, 0)
    return Carrier(config.carrier_cycles, *steps)


def _image_losses(config):
    terms, weights = ["mse"], [config.image_weight]
    if config.psnr:
        terms = [losses.PSNRLoss(floor=10 ** (-config.psnr / 10), hard=True)]
    if config.perceptual_weight:
        terms.append(losses.PerceptualLoss())
        weights.append(config.perceptual_weight)
    return terms, weights


def train_stages(config):
    """Train both stages; return the barriers before and after the second."""
    output = Path(config.output)
    crops = open_crops(config, OWNER)
    first = _fit(config, output / "initial", crops)
    before = _barrier(first, config)
    surrogate = _copy("unet", config, crops, output / "surrogate", before)
    unrelated = _copy("unet", config, crops, output / "unrelated")
    settings = dataclasses.replace(
        config, steps=config.adversarial_steps, learning_rate=config.adversarial_learning_rate
    )
    second = _fit(settings, output / "adversarial", crops, first, surrogate, unrelated)
    return before, _barrier(second, config)


def _copy(name, config, crops, folder, barrier=None):
    """A surrogate of what a barrier lets out, or without one a network that learned the task."""
    let_out = barrier and barrier.layer()

    def mark(pair):
        return let_out(pair[config.source]) if let_out else pair["target"]

    return train_surrogate(Surrogate.of(name), config, crops, mark, folder)


def _fit(config, folder, crops, first=None, surrogate=None, unrelated=None):
    def begin():
        trainer = build_trainer(config, surrogate, unrelated)
        if first is not None:
            trainer.embedder.set_weights(first.embedder.get_weights())
            trainer.extractor.set_weights(first.extractor.get_weights())
        return trainer

    others = open_crops(config, photos=config.clean_photos) if config.clean_photos else None
    return fit_pairs(begin, config, folder, crops, others=others)


def _barrier(trainer, config):
    """The trained networks in float32."""
    fresh = build_trainer(dataclasses.replace(config, precision="float32"))
    for name in ("embedder", "extractor"):
        getattr(fresh, name).set_weights(getattr(trainer, name).get_weights())
    trained = fresh.embedder, fresh.extractor, fresh.watermark
    return Barrier(*trained, config.name, tiled=not config.whole)


def train_copies(config, barrier):
    """Train the attacker's surrogates and the innocent networks.

    Returns:
        Two dicts of networks by name, `"unet-l2"` and the like.
    """
    crops, folder = open_crops(config, ATTACKER), Path(config.output)
    config = dataclasses.replace(config, seed=config.seed + 1)  # not the owner's first weights
    return tuple(
        {
            name: _copy(name, config, crops, folder / f"{kind}-{name}", marks)
            for name in map(str, map(Surrogate.of, names))
        }
        for kind, names, marks in (
            ("attack", config.surrogates, barrier),
            ("innocent", config.innocent, None),
        )
    )


def train_unmarked(config):
    """Train a task-specific embedder's structure as long as it, for the task alone."""
    channels = build_task(config.task).channels_out

    def build_network():
        embedder = build_embedder(config, channels)
        image = keras.Input((None, None, channels), name="image")
        nothing = keras.ops.zeros_like(image)
        strength = keras.ops.ones_like(image[:, 0, 0, 0])
        given = {"image": image, "message": nothing, "strength": strength}
        return keras.Model(image, embedder(given), name="unmarked")

    return train_translator(
        build_network,
        lambda: _image_losses(config),
        config,
        Path(config.output) / "unmarked",
        open_crops(config, OWNER),
        seed=config.seed + 1,
    )


def test_pairs(config, count):
    """Return inputs and targets of up to `count` crops of test photos, two float32 arrays.

    There are as many of each photo; of whole radiographs one each.
    """
    task = build_task(config.task)
    photos = task.read(config.test_photos)[:count]
    per_photo = 1 if _takes_whole(task) else math.ceil(count / len(photos))
    return data.all_pairs(read_crops(config, photos, per_photo)[:count], task, config.seed)


def finish(barriers, config, recipe):
    """Attack, measure and report; return the text to print."""
    before, after = barriers
    surrogates, innocent = train_copies(config, after)
    unmarked = train_unmarked(config) if config.task_specific else None
    keras.backend.clear_session(free_memory=True)
    pairs = test_pairs(config, config.test_images)
    _, clean = test_pairs(config, config.clean_images)
    return report(config, recipe, before, after, surrogates, innocent, pairs, clean, unmarked)


RECIPE = StagedRecipe(
    name="barrier",
    summary=__doc__.split("\n\n")[0],
    config=Config,
    check=check,
    stages=("initial",),
    train_stages=train_stages,
    report=finish,
)

if __name__ == "__main__":
    sys.exit(RECIPE.main())
