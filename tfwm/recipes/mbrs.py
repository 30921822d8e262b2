"""Train MBRS, measure it, and export it.

    tfwm train mbrs                                      # minutes, bundled photos
    tfwm train mbrs --config cpu output=runs/mbrs-128
    tfwm train mbrs --config cpu output=runs/mbrs-128 --resume

Jia, Fang and Zhang, "MBRS", ACM Multimedia 2021: mini-batches of real JPEG, simulated JPEG and
no noise. The config's defaults are the paper's; the TOML files beside it are its experiments
(tables 1 to 6) and trainings that two cores can do.
"""

import dataclasses
import sys

from tfwm.models import mbrs
from tfwm.models.critic import build_critic
from tfwm.recipes.card import KEY_LIMIT, tile_geometry
from tfwm.recipes.config import MessageConfig, check_multiple, check_positive
from tfwm.recipes.message import MessageRecipe
from tfwm.training.config import setting

PAPER_ATTACKS = [
    {"name": "JPEG", "method": "mask", "subsampling": "4:4:4"},
    {"name": "JPEG", "quality": 50, "gradient": "zero", "subsampling": "4:4:4"},
    {"name": "Identity"},
]
LIMITS = [
    "Rotation, other scales, and what the description does not name were not in its training.",
    KEY_LIMIT,
]


@dataclasses.dataclass
class Config(MessageConfig):
    """Settings; the defaults are the paper's."""

    name: str = "mbrs"
    output: str = "runs/mbrs"
    channels: int = 3
    crop_size: int = 128
    # Network
    block_size: int = setting(16, "side in pixels of a bit's block, without diffusion")
    depth: int = setting(4, "blocks of convolutions between input and output")
    diffusion: str = setting(
        "none", "how a message spreads over a tile: `none`, `dense` (a layer) or `repeat` (copies)"
    )
    message_length: int = setting(30, "bits in a tile, with diffusion")
    tile_size: int = setting(128, "side of a tile in pixels, with diffusion")
    # Training: section 4.1; the paper's errors are of pixels in [-1, 1]
    attacks: list = setting(PAPER_ATTACKS, "")
    rounding_noise: float = 0.0
    image_loss: str = "mse"
    image_weight: float = 4.0
    message_loss: str = "squared_error"
    message_weight: float = 10.0
    adversarial_weight: float = 1e-4
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    epsilon: float = 1e-8
    batch_size: int = 16
    steps: int = 61_000
    steps_per_epoch: int = 610
    jit_compile: bool = False  # oneDNN's convolutions are the faster ones on a CPU
    # Report
    suite: str = setting("mbrs", "suite of the report, see `tfwm evaluate`")


def check(config):
    """Raise `ConfigError` for sizes that do not fit."""
    check_positive(config, ("depth", "block_size", "message_length", "tile_size"))
    check_multiple(config, "the side of a message", _side(config))


def build_networks(config, training):
    """Return embedder and extractor for tiles of the training's or the exported network's size."""
    arguments = {
        "block_size": config.block_size,
        "width": config.width,
        "depth": config.depth,
        "diffusion": None if config.diffusion == "none" else config.diffusion,
        "message_length": config.message_length,
        "tile_size": _side(config) if training else config.tile_size,
    }
    return mbrs.build_embedder(**arguments), mbrs.build_extractor(**arguments)


def card(config):
    """Return what the network's card says."""
    if config.diffusion == "none":
        side, bits = config.block_size, 1
        message = f"one bit in each block of {side}x{side} pixels"
    else:
        side, bits = config.tile_size, config.message_length
        message = f"{bits} bits in each tile of {side}x{side} pixels"
    sizes = f"{message}; color images whose sides are multiples of {side}"
    return {
        "description": f"MBRS of width {config.width}, {message}",
        "paper": "Jia, Fang and Zhang, MBRS, ACM Multimedia 2021",
        "geometry": tile_geometry(config, side, bits, sizes),
        "guidance": "1 is what it was trained at; the paper goes from 0.6 to 2.4.",
        "limits": LIMITS,
    }


def _side(config):
    """The side in pixels of what one message is in, in training."""
    if config.diffusion == "none":
        return config.block_size
    # Repetition has no size of its own: in training, a smaller crop is a tile.
    repeats = config.diffusion == "repeat"
    return min(config.tile_size, config.crop_size) if repeats else config.tile_size


RECIPE = MessageRecipe(
    name="mbrs",
    summary=__doc__.split("\n\n")[0],
    config=Config,
    check=check,
    networks=build_networks,
    critic=lambda config: build_critic(config.width),
    card=card,
    figures=("mbrs-fig4", "mbrs-fig6"),
)

if __name__ == "__main__":
    sys.exit(RECIPE.main())
