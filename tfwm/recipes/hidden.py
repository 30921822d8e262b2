"""Trains HiDDeN, measures it, and exports it.

    python -m tfwm.recipes.hidden                                      # minutes, bundled photos
    python -m tfwm.recipes.hidden --config recipes/hidden/cpu.toml output=runs/hidden
    python -m tfwm.recipes.hidden --config recipes/hidden/cpu.toml output=runs/hidden --resume

Zhu, Kaplan, Johnson and Fei-Fei, "HiDDeN", ECCV 2018: the baseline that later papers compare
with. The config's defaults are the paper's; the TOML files beside it are the noises of the
PyTorch port, from which the numbers of later papers come, and trainings that two cores can do.
"""

import dataclasses
import sys

from tfwm.models import hidden
from tfwm.models.critic import build_critic
from tfwm.recipes import base, build
from tfwm.recipes.finish import finish, recipe_card, tile_geometry
from tfwm.recipes.run_config import POSITIVE, RunConfig, check_positive

LIMITS = [
    "A baseline for comparison; MBRS is the better network for JPEG.",
    "Trained at one size of tile; other scales and angles have to be undone before reading.",
    "Whoever has the key and this network can remove or forge a mark; a surrogate network or a "
    "generative model that redraws the photo may remove it without.",
]


@dataclasses.dataclass
class Config(RunConfig):
    """Settings of a run; see the recipes' TOML files for how they are used."""

    name: str = "hidden"
    output: str = "runs/hidden"
    channels: int = 3
    crop_size: int = hidden.TILE  # a crop is one tile
    message_length: int = hidden.BITS
    # Training: the paper's errors are of pixels in [-1, 1]
    attacks: list = dataclasses.field(default_factory=lambda: [{"name": "Identity"}])
    rounding_noise: float = 0.0
    image_loss: str = "mse"
    image_weight: float = 2.8
    message_loss: str = "squared_error"
    message_weight: float = 1.0
    adversarial_weight: float = 1e-3
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    batch_size: int = 12
    steps: int = 333_200  # 400 epochs of 10,000 photos
    steps_per_epoch: int = 833
    jit_compile: bool = False  # attacks that change the size do not run under XLA
    # Report
    suite: str = "mbrs-table2"


def build_model(config):
    """Returns the compiled trainer."""
    check_positive(config, (*POSITIVE, "message_length"))
    with build.precision(config):
        embedder, extractor = build_networks(config, None)
        critic = build_critic(config.width, 3) if config.adversarial_weight else None
    return build.build_trainer(config, embedder, extractor, (1, 1, config.message_length), critic)


def build_networks(config, tile_size):
    """Returns embedder and extractor; in training, the mean is over images of any size."""
    arguments = {"width": config.width, "message_length": config.message_length}
    return (
        hidden.build_embedder(config.crop_size, **arguments),
        hidden.build_extractor(tile_size, **arguments),
    )


def networks_of(trainer, config):
    """Returns a trainer's embedder and extractor for images of many tiles, in float32."""
    return build.with_weights_of(trainer, build_networks(config, config.crop_size))


def train(config, resume=False, callbacks=()):
    """Trains (or goes on training) and returns the trainer."""
    return base.train(config, build_model, resume, callbacks)


def report(trainer, config, recipe):
    """Evaluates and exports the trained network; returns the text to print."""
    return finish(*networks_of(trainer, config), config, make_hidden_card(config, recipe))


def make_hidden_card(config, recipe):
    """Returns the network's card."""
    attacks = ", ".join(build.attack_names(config.attacks)) or "none"
    side = config.crop_size
    message = f"{config.message_length} bits in each tile of {side}x{side} pixels"
    return recipe_card(
        config,
        "hidden",
        recipe,
        f"HiDDeN of width {config.width}, {message}; trained against {attacks}.",
        paper="Zhu, Kaplan, Johnson and Fei-Fei, HiDDeN, ECCV 2018",
        geometry=tile_geometry(
            config,
            side,
            config.message_length,
            f"{message}; colour images whose sides are multiples of {side}",
        ),
        guidance="1 is what it was trained at; PSNR falls by 6 dB with each doubling.",
        limits=LIMITS,
    )


def main(arguments=None):
    """Runs the recipe; returns the exit code."""
    description = __doc__.split("\n\n")[0]
    return base.run("hidden", Config, train, report, description, arguments)


if __name__ == "__main__":
    sys.exit(main())
