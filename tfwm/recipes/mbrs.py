"""Trains MBRS, measures it, and exports it.

    python -m tfwm.recipes.mbrs                                      # minutes, bundled photos
    python -m tfwm.recipes.mbrs --config recipes/mbrs/cpu.toml output=runs/mbrs-128
    python -m tfwm.recipes.mbrs --config recipes/mbrs/cpu.toml output=runs/mbrs-128 --resume

Jia, Fang and Zhang, "MBRS", ACM Multimedia 2021: mini-batches of real JPEG, simulated JPEG and
no noise. The config's defaults are the paper's; the TOML files beside it are its experiments
(tables 1 to 6) and trainings that two cores can do.
"""

import dataclasses
import sys

from tfwm.models import mbrs
from tfwm.models.critic import build_critic
from tfwm.recipes import base, build
from tfwm.recipes.finish import finish, recipe_card, tile_geometry
from tfwm.recipes.run_config import POSITIVE, RunConfig, check_positive
from tfwm.training import ConfigError

PAPER_ATTACKS = (
    {"name": "JPEG", "method": "mask", "subsampling": "4:4:4"},
    {"name": "JPEG", "quality": 50, "gradient": "zero", "subsampling": "4:4:4"},
    {"name": "Identity"},
)
LIMITS = [
    "Trained against JPEG; blur, noise, rotation and other scales were not in its training.",
    "Whoever has the key and this network can remove or forge a mark; a surrogate network or a "
    "generative model that redraws the photo may remove it without.",
]


@dataclasses.dataclass
class Config(RunConfig):
    """Settings of a run; see the recipes' TOML files for how they are used."""

    name: str = "mbrs"
    output: str = "runs/mbrs"
    channels: int = 3
    crop_size: int = 128
    # Network
    block_size: int = 16
    depth: int = 4
    diffusion: str = "none"  # or "dense", "repeat"
    message_length: int = 30  # with diffusion
    tile_size: int = 128  # with diffusion
    # Training: section 4.1; the paper's errors are of pixels in [-1, 1]
    attacks: list = dataclasses.field(default_factory=lambda: [dict(a) for a in PAPER_ATTACKS])
    rounding_noise: float = 0.0
    image_loss: str = "mse"
    image_weight: float = 4.0
    message_loss: str = "squared_error"
    message_weight: float = 10.0
    adversarial_weight: float = 1e-4
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    batch_size: int = 16
    steps: int = 61_000
    steps_per_epoch: int = 610
    jit_compile: bool = False  # oneDNN's convolutions are the faster ones on a CPU
    # Report
    suite: str = "mbrs"


def build_model(config):
    """Returns the compiled trainer."""
    check_positive(config, (*POSITIVE, "depth", "block_size", "message_length", "tile_size"))
    side = config.block_size
    if config.diffusion != "none":
        # Repetition has no size of its own: in training, a smaller crop is a tile.
        repeats = config.diffusion == "repeat"
        side = min(config.tile_size, config.crop_size) if repeats else config.tile_size
    if config.crop_size % side:
        raise ConfigError(f"crop_size must be a multiple of {side}. Received: {config.crop_size}")
    places = config.crop_size // side
    with build.precision(config):
        embedder, extractor = build_networks(config, side)
        critic = build_critic(config.width) if config.adversarial_weight else None
    shape = (places, places, 1 if config.diffusion == "none" else config.message_length)
    return build.build_trainer(config, embedder, extractor, shape, critic)


def build_networks(config, tile_size):
    """Returns embedder and extractor for tiles of a size."""
    arguments = {
        "block_size": config.block_size,
        "width": config.width,
        "depth": config.depth,
        "diffusion": None if config.diffusion == "none" else config.diffusion,
        "message_length": config.message_length,
        "tile_size": tile_size,
    }
    return mbrs.build_embedder(**arguments), mbrs.build_extractor(**arguments)


def networks_of(trainer, config):
    """Returns a trainer's embedder and extractor for tiles of `tile_size`, in float32."""
    return build.with_weights_of(trainer, build_networks(config, config.tile_size))


def train(config, resume=False, callbacks=()):
    """Trains (or goes on training) and returns the trainer."""
    return base.train(config, build_model, resume, callbacks)


def report(trainer, config, recipe):
    """Evaluates and exports the trained network; returns the text to print."""
    card = make_mbrs_card(config, recipe)
    return finish(*networks_of(trainer, config), config, card, ("mbrs-fig4", "mbrs-fig6"))


def make_mbrs_card(config, recipe):
    """Returns the network's card."""
    attacks = ", ".join(build.attack_names(config.attacks)) or "none"
    if config.diffusion == "none":
        side, bits = config.block_size, 1
        message = f"one bit in each block of {side}x{side} pixels"
    else:
        side, bits = config.tile_size, config.message_length
        message = f"{bits} bits in each tile of {side}x{side} pixels"
    return recipe_card(
        config,
        "mbrs",
        recipe,
        f"MBRS of width {config.width}, {message}; trained against {attacks}.",
        paper="Jia, Fang and Zhang, MBRS, ACM Multimedia 2021",
        geometry=tile_geometry(
            config, side, bits, f"{message}; colour images whose sides are multiples of {side}"
        ),
        guidance="1 is what it was trained at; the paper goes from 0.6 to 2.4.",
        limits=LIMITS,
    )


def main(arguments=None):
    """Runs the recipe; returns the exit code."""
    description = __doc__.split("\n\n")[0]
    return base.run("mbrs", Config, train, report, description, arguments)


if __name__ == "__main__":
    sys.exit(main())
