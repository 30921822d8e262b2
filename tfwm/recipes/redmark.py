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

import dataclasses
import sys

from tfwm import data
from tfwm.models import redmark
from tfwm.models.redmark import BlockTransform
from tfwm.networks import redmark_geometry
from tfwm.recipes import base, build
from tfwm.recipes.finish import finish, recipe_card
from tfwm.recipes.run_config import POSITIVE, RunConfig, check_positive
from tfwm.training import ConfigError

PAPER_ATTACKS = [
    {"name": "SaltAndPepper", "amount": 0.08},
    {"name": "GaussianNoise", "stddev": 3 / 255},
    {"name": "JPEG", "quality": 70, "method": "noise"},
    {"name": "MeanFilter", "size": 3},
]
LIMITS = [
    "Gray images; on colour photos the luminance is marked.",
    "Read alone, without `tfwm.Watermarker`, the reader needs the image at its size and place.",
    "The network itself has no key: what keeps others out is the payload's (`tfwm.payload`).",
]
PATCH_SOURCES = ("tfds:cifar10:train",)


@dataclasses.dataclass
class Config(RunConfig):
    """Settings of a run; see the recipes' TOML files for how they are used."""

    name: str = "redmark-mt"
    output: str = "runs/redmark-mt"
    photos: list = dataclasses.field(
        default_factory=lambda: ["tfds:cifar10:train", "tfds:voc/2012:train+validation"]
    )
    per_deviation_bin: int = 3000  # of each source but CIFAR-10; 0: keep all patches
    # Network
    patch_size: int = 32
    block_size: int = 8
    transform: str = "dct"
    release_transform: bool = False
    embedder_depth: int = 4
    extractor_depth: int = 3
    attacks: list = dataclasses.field(default_factory=lambda: [dict(a) for a in PAPER_ATTACKS])
    steps: int = 2_000_000
    steps_per_epoch: int = 10_000
    # Report
    suite: str = "redmark"
    watermarks: int = 4  # random watermarks an image


def build_data(config, first_epoch=0):
    """Returns the endless training batches."""
    return build.build_data(config, first_epoch, _patches)


def _patches(config, source):
    patches = build.cut_source(config, source)
    # CIFAR-10's images are patches already and all kept, as the authors do.
    if config.per_deviation_bin and source not in PATCH_SOURCES:
        patches = data.balance_by_deviation(patches, config.per_deviation_bin)
    return patches


def build_model(config):
    """Returns the compiled trainer."""
    check_positive(config, (*POSITIVE, "watermarks"))
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
    return build.build_trainer(
        config,
        redmark.build_embedder(transform=transform, depth=config.embedder_depth, **shared),
        redmark.build_extractor(transform=transform, depth=config.extractor_depth, **shared),
        (config.crop_size // config.block_size,) * 2 + (1,),
    )


def train(config, resume=False, callbacks=()):
    """Trains (or goes on training) and returns the trainer."""
    return base.train(config, build_model, resume, callbacks, _patches)


def report(trainer, config, recipe):
    """Evaluates and exports the trained network; returns the text to print."""
    names = ("redmark-fig6", "redmark-fig8", "redmark-fig10")
    card = _card(config, recipe)
    return finish(
        trainer.embedder,
        trainer.extractor,
        config,
        card,
        names,
        strengths=[1.0],
        watermarks=config.watermarks,
    )


def _card(config, recipe):
    attacks = ", ".join(build.attack_names(config.attacks)) or "none"
    return recipe_card(
        config,
        "redmark",
        recipe,
        f"ReDMark network, {config.patch_size}x{config.patch_size} patches, one bit in each "
        f"{config.block_size}x{config.block_size} block; trained against {attacks}.",
        paper="Ahmadi et al., ReDMark: Framework for residual diffusion watermarking based on deep "
        "networks, Expert Systems with Applications 146, 2020",
        geometry=redmark_geometry((config.patch_size,) * 2, (config.block_size,) * 2),
        guidance="1 is what it was trained at. Half of it gains 6 dB and loses robustness.",
        limits=LIMITS,
    )


def main(arguments=None):
    """Runs the recipe; returns the exit code."""
    description = __doc__.split("\n\n")[0]
    return base.run("redmark", Config, train, report, description, arguments)


if __name__ == "__main__":
    sys.exit(main())
