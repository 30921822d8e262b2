"""Train networks with carriers, which survive crops and prints, measure and export them.

    tfwm train carriers                                    # a minute, bundled photos
    tfwm train carriers --config crop photos=my/photos
    tfwm train carriers --config crop photos=my/photos --resume

tfwm's own relative of StegaStamp, see `tfwm.models.carriers`: its first weights read already, so
that training is short and begins at the quality that is wanted. The TOML files beside it make
`stegastamp-crop` and `stegastamp-print`.
"""

import dataclasses
import functools
import sys

from tfwm.losses import RegistrationLoss
from tfwm.models import carriers
from tfwm.recipes import parts
from tfwm.recipes.card import KEY_LIMIT, WHOLE_LIMIT, photo_geometry, squeezed
from tfwm.recipes.config import MessageConfig, check_multiple, check_positive, refuse
from tfwm.recipes.message import MessageRecipe
from tfwm.training.config import setting

LIMITS = [
    WHOLE_LIMIT,
    "A part of the mark is the same in all photos: who averages many of them finds that part.",
    KEY_LIMIT,
]


@dataclasses.dataclass
class Config(MessageConfig):
    """Settings; the defaults are those of `stegastamp-crop`."""

    name: str = "carriers"
    output: str = "runs/carriers"
    channels: int = 3
    crop_size: int = setting(
        256, "side in pixels of the network's square, to which photos are squeezed; 128 divides it"
    )
    patches_per_photo: int = setting(1, "squares of a photo: itself, and random parts of it")
    width: int = 32
    # Network
    message_length: int = setting(100, "bits in a photo")
    smallest_crop: float = setting(
        0.64, "least share of a side that crops keep and are found by", most=1
    )
    psnr: float = setting(38.0, "error of the mark as a PSNR in dB")
    psnr_start: float = setting(34.0, "the same at which training starts", least=-60)
    psnr_error: str = "visible"
    # Losses
    image_weight: float = 0.0
    registration_weight: float = setting(
        0.03, "weight of the loss that asks marks to show where they are"
    )
    # Training
    attacks: list = setting([{"name": "RandomResizedCrop", "area": [0.5, 1.0]}], "")
    attack_per: str = "slice"
    rounding_noise: float = 0.002
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    beta_2: float = 0.995
    clip_norm: float = 1.0
    schedule: str = "cosine"
    batch_size: int = 8
    steps: int = 2400
    steps_per_epoch: int = 50
    jit_compile: bool = False
    # Report
    suite: str = setting("stegastamp", "suite of the report, see `tfwm evaluate`")


def check(config):
    """Raise `ConfigError` for settings that cannot be used, or have no effect."""
    check_positive(config, ("message_length", "smallest_crop", "psnr"))
    check_multiple(config, "the grid of cells", carriers.GRID)
    refuse(config, parts.MULTIPLIER, "has no effect: the embedder itself holds the error")


def build_networks(config, training):
    """Return embedder and extractor, the same in training and for export."""
    sizes = config.crop_size, config.message_length
    held = parts.held_arguments(config)
    return (
        carriers.build_embedder(*sizes, config.width, held),
        carriers.build_extractor(*sizes, max(1, config.width // 2), config.smallest_crop),
    )


def card(config):
    """Return what the network's card says."""
    return {
        "description": f"Carriers shaped by a U-Net of width {config.width}, {squeezed(config)}",
        "paper": "tfwm's own, after Tancik, Mildenhall and Ng, StegaStamp, CVPR 2020, and "
        "CropDefender, arXiv 2109.06651",
        "geometry": photo_geometry(config),
        "guidance": f"At 1 the visible error is {config.psnr:g} dB in every photo; "
        "it falls by 6 dB with each doubling.",
        "limits": LIMITS,
    }


RECIPE = MessageRecipe(
    name="carriers",
    summary=__doc__.split("\n\n")[0],
    config=Config,
    check=check,
    networks=build_networks,
    hold_psnr=lambda config: None,
    alignment=lambda config: RegistrationLoss(
        "registration", config.registration_weight, config.smallest_crop
    ),
    stream=functools.partial(parts.build_stream, whole=True),
    cut=parts.fit_source,
    card=card,
)

if __name__ == "__main__":
    sys.exit(RECIPE.main())
