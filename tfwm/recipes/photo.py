"""Train the all-round network for photographs, measure it, and export it.

    tfwm train photo                                    # minutes, bundled photos
    tfwm train photo --config cpu output=runs/photo
    tfwm train photo --config cpu output=runs/photo --resume

tfwm's own network (`tfwm.models.photo`), trained for what a message spread over a whole photo
needs: the likelihood of each bit under everyday edits, all side by side in every batch, at a
PSNR that a multiplier holds and that rises over the first half.
"""

import dataclasses
import sys

from tfwm.layers import RandomPhases
from tfwm.models import photo
from tfwm.payload.phases import LARGEST_REACH, surround
from tfwm.recipes.card import BOUND_LIMIT, PRIVATE_LIMIT
from tfwm.recipes.config import MessageConfig, check_multiple, check_positive
from tfwm.recipes.message import MessageRecipe
from tfwm.training import ConfigError
from tfwm.training.config import setting

LIMITS = [
    "The luminance is marked; a photo needs some texture, and about 256 x 256 pixels for 64 bits.",
    "Read best at its own size or after a plain resize; crops, other scales and angles are "
    "searched for, which takes seconds.",
]


@dataclasses.dataclass
class Config(MessageConfig):
    """Settings; the defaults are ours."""

    name: str = "photo"
    output: str = "runs/photo"
    crop_size: int = 96
    depth: int = setting(3, "convolutions over cells")
    message_length: int = setting(1, "bits of a cell")
    phases: int = setting(
        0, "reach in pixels of the key's filter, see `tfwm.payload.phases`; 0: no filter"
    )
    training_phases: list = setting(
        [6, 2.0], "reach and deviation, in radians, of the random filters in training"
    )
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
    beta_2: float = 0.995
    clip_norm: float = 1.0
    schedule: str = "cosine"
    batch_size: int = 48
    # Report
    suite: str = setting("everyday", "suite of the report, see `tfwm evaluate`")


def check(config):
    """Raise `ConfigError` for sizes that do not fit."""
    check_positive(config, ("depth", "message_length"))
    check_multiple(config, "a cell's side", photo.CELL)
    if config.phases:
        check_phases(config)


def check_phases(config):
    """Raise `ConfigError` for filters that are not to be."""
    given = config.training_phases
    numbers = len(given) == 2 and all(isinstance(n, int | float) and 0 < n < 100 for n in given)
    if not numbers or given[0] % 1 or surround(*given) > config.crop_size:
        raise ConfigError(
            "Expected training_phases=[reach, deviation], a whole number of pixels and radians, "
            f"whose filters fit crops: 2 * reach * deviation up to {config.crop_size}. Received: "
            f"training_phases={given}"
        )
    if not max(config.phases, given[0]) <= LARGEST_REACH or config.phases < 0:
        raise ConfigError(
            f"Expected a reach of phases from 0 to {LARGEST_REACH} pixels. Received: "
            f"phases={config.phases}, training_phases={given}"
        )


def build_networks(config, training):
    """Return embedder and extractor, the same in training and for export."""
    sizes = config.width, config.depth, config.message_length
    return photo.build_embedder(*sizes), photo.build_extractor(*sizes)


def build_phases(config):
    """Return the filters that stand between photos and networks, or `None`."""
    return RandomPhases(*config.training_phases, config.seed) if config.phases else None


def card(config):
    """Return what the network's card says."""
    cell, count = [photo.CELL, photo.CELL], config.message_length
    bits = "one bit" if count == 1 else f"{count} bits"
    return {
        "description": f"All-round network for photographs: {bits} in each 8x8 cell of luminance, "
        "each a weak vote for a message that is spread over the photo",
        "paper": "tfwm's own; after Ahmadi et al., ReDMark, Expert Systems with Applications, 2020",
        "geometry": {
            "patch": cell,
            "block": cell,
            "bits": config.message_length,
            **({"phases": config.phases} if config.phases else {}),
            "message": f"{bits} in each cell of 8x8 pixels; gray images whose sides are "
            "multiples of 8",
        },
        "guidance": "1 is what it was trained at, about 41 dB; from 0.6 to 1.6 is useful.",
        "limits": [*LIMITS, PRIVATE_LIMIT if config.phases else BOUND_LIMIT],
    }


RECIPE = MessageRecipe(
    name="photo",
    summary=__doc__.split("\n\n")[0],
    config=Config,
    check=check,
    networks=build_networks,
    channels=1,
    phases=build_phases,
    card=card,
)

if __name__ == "__main__":
    sys.exit(RECIPE.main())
