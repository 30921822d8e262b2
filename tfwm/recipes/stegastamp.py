"""Train StegaStamp, as it was or the easy way, measure it, and export it.

    tfwm train stegastamp                                   # minutes, bundled photos
    tfwm train stegastamp --config cpu-original
    tfwm train stegastamp --config cpu-original --resume

Tancik, Mildenhall and Ng, "StegaStamp", CVPR 2020, and its successor CropDefender
(arXiv 2109.06651), whose settings are the config's defaults. The TOML files beside it are both
papers' settings, the experiments of Figures 4 to 6, and trainings that two cores can do.
"""

import dataclasses
import functools
import sys

from tfwm import losses
from tfwm.losses import AlignmentLoss, RampedWeights, SelfAdaptiveWeights
from tfwm.models import stegastamp
from tfwm.models.critic import build_clipped_critic
from tfwm.recipes import parts
from tfwm.recipes.card import KEY_LIMIT, WHOLE_LIMIT, photo_geometry, squeezed
from tfwm.recipes.config import MessageConfig, check_positive, refuse
from tfwm.recipes.message import MessageRecipe
from tfwm.training import MeanGradients
from tfwm.training.config import setting

# The settings of each.
BALANCES = {
    "self_adaptive": ("balance_speed", "balance_initial", "balance_floor"),
    "ramped": ("message_only", "loss_ramp", "edge_gain", "edge_start"),
    "none": ("image_loss", "image_weight", "message_loss", "message_weight"),
}
LIMITS = [WHOLE_LIMIT, KEY_LIMIT]


@dataclasses.dataclass
class Config(MessageConfig):
    """Settings; the defaults are the successor's."""

    name: str = "stegastamp"
    output: str = "runs/stegastamp"
    channels: int = 3
    crop_size: int = setting(
        400, "side in pixels of the network's square, to which photos are squeezed"
    )
    patches_per_photo: int = setting(1, "squares of a photo: itself, and random parts of it")
    width: int = 32
    # Network
    message_length: int = setting(100, "bits in a photo")
    normalization: str = setting("instance", "`instance`, `batch` or `none`")
    last_normalization: bool = setting(True, "whether the extractor's last layer has one too")
    scale_logits: bool = setting(False, "whether the extractor learns a scale of its logits")
    image_output: str = setting(
        "sigmoid",
        "what the embedder gives: `sigmoid`, `sum` (a residual), `logit`, or `held`, a residual "
        "that is scaled to `psnr` in each image",
    )
    # Losses: section 3.4
    balance: str = setting(
        "self_adaptive",
        "how losses are weighed: `self_adaptive`, `ramped` (StegaStamp's), or `none`: "
        "`image_loss` and `message_loss` by their weights",
        tuple(BALANCES),
    )
    balance_speed: float = setting(
        10.0, "of `self_adaptive`: how much faster variances are learned than the networks"
    )
    balance_initial: dict = setting(
        {"image": 1.0, "perceptual": 1.0, "message": 0.1}, "of `self_adaptive`: first variances"
    )
    balance_floor: dict = setting(
        {"image": 1e-3, "perceptual": 1e-3, "message": 1e-3}, "of `self_adaptive`: least variances"
    )
    alignment_weight: float = setting(
        0.0, "weight of telling the spatial transformer where attacks move images"
    )
    chroma_weight: float = setting(100.0, "weight of U and V in the image's loss; Y has 1")
    perceptual: str = setting(
        "offline", "perceptual loss: `offline`, or a trunk of LPIPS: `alex`, `vgg`, `squeeze`"
    )
    perceptual_weights: str = setting("download", "`download`, or the file of the trunk's weights")
    message_only: int = setting(
        1500, "of `ramped`: steps at first with the loss of the message alone"
    )
    loss_ramp: int = setting(15_000, "of `ramped`: steps until the image's losses have full weight")
    edge_gain: float = setting(10.0, "of `ramped`: how much more errors count at the image's edge")
    edge_start: int = setting(80_000, "of `ramped`: the step from which they do")
    adversarial_weight: float = 0.0
    # Training
    attacks: list = setting([{"name": "crop_chain"}], "")
    rounding_noise: float = 0.0
    optimizer: str = "adam"
    learning_rate: float = 1e-4
    epsilon: float = 1e-8
    batch_size: int = 12
    steps: int = 140_000
    steps_per_epoch: int = 1000
    jit_compile: bool = False
    log_gradients: bool = setting(False, "whether to log mean gradients, for Figures 5 and 6")
    # Report
    suite: str = setting("stegastamp", "suite of the report, see `tfwm evaluate`")


def check(config):
    """Raise `ConfigError` for settings that cannot be used, or have no effect."""
    check_positive(config, ("message_length",))
    if config.image_output == "held":
        check_positive(config, ("psnr",))
        refuse(config, parts.MULTIPLIER, "has no effect: the embedder itself holds the error")
    for balance, names in BALANCES.items():
        if balance != config.balance:
            refuse(config, names, f'has no effect unless balance = "{balance}"')


def build_networks(config, training):
    """Return embedder and extractor, the same in training and for export."""
    arguments = {
        "size": config.crop_size,
        "message_length": config.message_length,
        "width": config.width,
        "normalization": None if config.normalization == "none" else config.normalization,
    }
    return (
        stegastamp.build_embedder(
            **arguments, output=config.image_output, held=parts.held_arguments(config)
        ),
        stegastamp.build_extractor(
            **arguments,
            last_normalization=config.last_normalization,
            scale_logits=config.scale_logits,
        ),
    )


def build_hold_psnr(config):
    """Return the `HoldPSNR` of a config, or `None`, as where the embedder holds the error."""
    return None if config.image_output == "held" else parts.build_hold_psnr(config)


def build_balance(config):
    """Return the layer that weighs the losses, or `None`."""
    if config.balance == "none":
        return None
    if config.perceptual == "offline":
        perceptual = losses.PerceptualLoss()
    else:
        perceptual = losses.LPIPS(config.perceptual, config.perceptual_weights)
    ramped = config.balance == "ramped"
    chroma = config.chroma_weight
    image = losses.YUVLoss((1.0, chroma, chroma), config.edge_gain if ramped else 0.0)
    terms = {"image": image, "perceptual": perceptual, "message": losses.MessageLoss()}
    if not ramped:
        return SelfAdaptiveWeights(
            terms, config.balance_initial, config.balance_speed, config.balance_floor
        )
    ramp = {"image": config.loss_ramp, "perceptual": config.loss_ramp, "message": 1}
    return RampedWeights(
        terms, ramp=ramp, message_only=config.message_only, edge_start=config.edge_start
    )


def build_alignment(config):
    """Return the loss of the extractor's spatial transformer, or `None`."""
    if not config.alignment_weight:
        return None
    return AlignmentLoss("locate_map", config.alignment_weight)


def build_callbacks(config):
    """Return the callback that logs gradients, if it is wanted."""
    if not config.log_gradients:
        return []
    covers = next(iter(parts.build_stream(config, whole=True).dataset()))
    return [MeanGradients(covers, {"embedder": "message_dense", "extractor": "conv1"})]


def card(config):
    """Return what the network's card says."""
    kinds = {"none": "without normalization", "batch": "with batch normalization"}
    kind = kinds.get(config.normalization, "with instance normalization")
    low, high = config.strength
    trained = f"at strengths from {low:g} to {high:g}" if low < high else f"at {high:g}"
    return {
        "description": f"StegaStamp of width {config.width} {kind}, {squeezed(config)}",
        "paper": "Tancik, Mildenhall and Ng, StegaStamp, CVPR 2020; CropDefender, arXiv 2109.06651",
        "geometry": photo_geometry(config),
        "guidance": f"Trained {trained}; PSNR falls by 6 dB with each doubling.",
        "limits": LIMITS,
    }


RECIPE = MessageRecipe(
    name="stegastamp",
    summary=__doc__.split("\n\n")[0],
    config=Config,
    check=check,
    networks=build_networks,
    critic=lambda config: build_clipped_critic(),
    hold_psnr=build_hold_psnr,
    balance=build_balance,
    alignment=build_alignment,
    stream=functools.partial(parts.build_stream, whole=True),
    cut=parts.fit_source,
    callbacks=build_callbacks,
    card=card,
)

if __name__ == "__main__":
    sys.exit(RECIPE.main())
