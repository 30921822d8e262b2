"""Trains the all-round network for photographs, measures it, and exports it.

    python -m tfwm.recipes.photo                                    # minutes, bundled photos
    python -m tfwm.recipes.photo --config recipes/photo/cpu.toml output=runs/photo
    python -m tfwm.recipes.photo --config recipes/photo/cpu.toml output=runs/photo --resume

tfwm's own network (`tfwm.models.photo`), trained for what a message spread over a whole photo
needs: the likelihood of each bit under everyday edits, all side by side in every batch, at a
PSNR that a multiplier holds and that rises over the first half.
"""

import dataclasses
import sys

from tfwm.models import photo
from tfwm.recipes import base, build
from tfwm.recipes.finish import finish, recipe_card
from tfwm.recipes.run_config import POSITIVE, RunConfig, check_positive
from tfwm.training import ConfigError

LIMITS = [
    "The luminance is marked; a photo needs some texture, and about 128 x 128 pixels for 64 bits.",
    "Read best at its own size or after a plain resize; crops, other scales and angles are "
    "searched for, which takes seconds.",
    "Whoever has the key and this network can remove or forge a mark; a surrogate network or a "
    "generative model that redraws the photo may remove it without.",
]


@dataclasses.dataclass
class Config(RunConfig):
    """Settings of a run; see the recipes' TOML files for how they are used."""

    name: str = "photo"
    output: str = "runs/photo"
    crop_size: int = 96
    depth: int = 3
    attack_per: str = "slice"
    rounding_noise: float = 0.002
    psnr: float = 41.5
    psnr_rate: float = 0.03
    psnr_start: float = 30.0
    psnr_ramp: float = 0.4
    psnr_multiplier: float = 0.05
    psnr_penalty: str = "relative"
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    batch_size: int = 48
    # Report
    suite: str = "everyday"


def build_model(config):
    """Returns the compiled trainer."""
    check_positive(config, (*POSITIVE, "depth"))
    if config.crop_size % photo.CELL:
        raise ConfigError(
            f"crop_size must be a multiple of {photo.CELL}. Received: {config.crop_size}"
        )
    cells = config.crop_size // photo.CELL
    return build.build_trainer(
        config,
        photo.build_embedder(config.width, config.depth),
        photo.build_extractor(config.width, config.depth),
        (cells, cells, 1),
    )


def train(config, resume=False, callbacks=()):
    """Trains (or goes on training) and returns the trainer."""
    return base.train(config, build_model, resume, callbacks)


def report(trainer, config, recipe):
    """Evaluates and exports the trained network; returns the text to print."""
    return finish(trainer.embedder, trainer.extractor, config, make_photo_card(config, recipe))


def make_photo_card(config, recipe):
    """Returns the network's card."""
    attacks = ", ".join(build.attack_names(config.attacks)) or "none"
    return recipe_card(
        config,
        "photo",
        recipe,
        "All-round network for photographs: one bit in each 8x8 cell of luminance, each a weak "
        f"vote for a message that is spread over the photo; trained against {attacks}.",
        paper="tfwm's own; after Ahmadi et al., ReDMark, Expert Systems with Applications, 2020",
        geometry={
            "patch": [photo.CELL, photo.CELL],
            "block": [photo.CELL, photo.CELL],
            "message": "one bit in each cell of 8x8 pixels; gray images whose sides are "
            "multiples of 8",
        },
        guidance="1 is what it was trained at, about 41 dB; from 0.6 to 1.6 is useful.",
        limits=LIMITS,
    )


def main(arguments=None):
    """Runs the recipe; returns the exit code."""
    description = __doc__.split("\n\n")[0]
    return base.run("photo", Config, train, report, description, arguments)


if __name__ == "__main__":
    sys.exit(main())
