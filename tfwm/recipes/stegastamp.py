"""Trains StegaStamp, as it was or the easy way, measures it, and exports it.

    python -m tfwm.recipes.stegastamp                                   # minutes, bundled photos
    python -m tfwm.recipes.stegastamp --config recipes/stegastamp/cpu-crop.toml
    python -m tfwm.recipes.stegastamp --config recipes/stegastamp/cpu-crop.toml --resume

Tancik, Mildenhall and Ng, "StegaStamp", CVPR 2020, and its successor CropDefender
(arXiv 2109.06651), whose settings are the config's defaults. The TOML files beside it are both
papers' settings, the experiments of Figures 4 to 6, and trainings that two cores can do.
"""

import dataclasses
import sys

from tfwm import losses
from tfwm.losses import AlignmentLoss, RampedWeights, SelfAdaptiveWeights
from tfwm.models import stegastamp
from tfwm.models.critic import build_clipped_critic
from tfwm.recipes import base, build
from tfwm.recipes.finish import finish, recipe_card, tile_geometry
from tfwm.recipes.run_config import POSITIVE, RunConfig, check_positive
from tfwm.training import ConfigError, MeanGradients

BALANCES = ("self_adaptive", "ramped", "none")
LIMITS = [
    "The mark lies in the whole photo at the network's size: photos of other proportions are "
    "squeezed to a square, and a part much smaller than what it was trained with reads nothing.",
    "Whoever has the key and this network can remove or forge a mark; a surrogate network or a "
    "generative model that redraws the photo may remove it without.",
]


@dataclasses.dataclass
class Config(RunConfig):
    """Settings of a run; see the recipes' TOML files for how they are used."""

    name: str = "stegastamp"
    output: str = "runs/stegastamp"
    channels: int = 3
    crop_size: int = 400  # the network's size, to which photos are squeezed
    patches_per_photo: int = 1  # the photo, and random parts of it
    width: int = 32
    # Network
    message_length: int = 100
    normalization: str = "instance"  # or "batch", "none"
    last_normalization: bool = True
    scale_logits: bool = False
    image_output: str = "sigmoid"  # or "sum", "logit"
    # Losses: section 3.4; or StegaStamp's ramps, "ramped"; or those of `image_loss`, "none"
    balance: str = "self_adaptive"
    balance_speed: float = 10.0  # how much faster variances are learned
    balance_initial: dict = dataclasses.field(
        default_factory=lambda: {"image": 1.0, "perceptual": 1.0, "message": 0.1}
    )
    balance_floor: dict = dataclasses.field(
        default_factory=lambda: {"image": 1e-3, "perceptual": 1e-3, "message": 1e-3}
    )
    alignment_weight: float = 0.0  # of telling the transformer where attacks move images
    chroma_weight: float = 100.0
    perceptual: str = "offline"  # or a trunk of LPIPS: "alex", "vgg", "squeeze"
    perceptual_weights: str = "download"  # or the path of the trunk's weights
    message_only: int = 1500  # of "ramped": steps with the loss of the message alone
    loss_ramp: int = 15_000
    edge_gain: float = 10.0
    edge_start: int = 80_000
    adversarial_weight: float = 0.0
    # Training
    attacks: list = dataclasses.field(default_factory=lambda: [{"name": "crop_chain"}])
    rounding_noise: float = 0.0
    optimizer: str = "adam"
    learning_rate: float = 1e-4
    batch_size: int = 12
    steps: int = 140_000
    steps_per_epoch: int = 1000
    jit_compile: bool = False
    log_gradients: bool = False
    # Report
    suite: str = "stegastamp"


def build_model(config):
    """Returns the compiled trainer."""
    check_positive(config, (*POSITIVE, "message_length"))
    with build.precision(config):
        embedder, extractor = build_networks(config)
        critic = build_clipped_critic() if config.adversarial_weight else None
    shape = (1, 1, config.message_length)
    alignment = None
    if config.alignment_weight:
        alignment = AlignmentLoss("locate_map", config.alignment_weight)
    return build.build_trainer(
        config, embedder, extractor, shape, critic, build_balance(config), alignment
    )


def build_networks(config):
    """Returns embedder and extractor."""
    arguments = {
        "size": config.crop_size,
        "message_length": config.message_length,
        "width": config.width,
        "normalization": None if config.normalization == "none" else config.normalization,
    }
    return (
        stegastamp.build_embedder(**arguments, output=config.image_output),
        stegastamp.build_extractor(
            **arguments,
            last_normalization=config.last_normalization,
            scale_logits=config.scale_logits,
        ),
    )


def build_balance(config):
    """Returns the layer that weighs the losses, or `None`."""
    if config.balance not in BALANCES:
        raise ConfigError(f"Expected a balance of {BALANCES}. Received: {config.balance!r}")
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


def train(config, resume=False, callbacks=()):
    """Trains (or goes on training) and returns the trainer."""
    callbacks = list(callbacks)
    if config.log_gradients:
        covers = next(iter(build.build_data(config, cut=build.fit_source)))
        layers = {"embedder": "message_dense", "extractor": "conv1"}
        callbacks.append(MeanGradients(covers, layers))
    return base.train(config, build_model, resume, callbacks, build.fit_source)


def networks_of(trainer, config):
    """Returns a trainer's embedder and extractor in float32."""
    return build.with_weights_of(trainer, build_networks(config))


def report(trainer, config, recipe):
    """Evaluates and exports the trained network; returns the text to print."""
    return finish(*networks_of(trainer, config), config, make_stegastamp_card(config, recipe))


def make_stegastamp_card(config, recipe):
    """Returns the network's card."""
    side, bits = config.crop_size, config.message_length
    kinds = {"none": "without normalisation", "batch": "with batch normalisation"}
    kind = kinds.get(config.normalization, "with instance normalisation")
    attacks = ", ".join(build.attack_names(config.attacks)) or "none"
    message = f"{bits} bits in a photo squeezed to {side}x{side} pixels"
    low, high = config.strength
    trained = f"at strengths from {low:g} to {high:g}" if low < high else f"at {high:g}"
    return recipe_card(
        config,
        "stegastamp",
        recipe,
        f"StegaStamp of width {config.width} {kind}, {message}; trained against {attacks}.",
        paper="Tancik, Mildenhall and Ng, StegaStamp, CVPR 2020; CropDefender, arXiv 2109.06651",
        geometry=tile_geometry(
            config,
            side,
            bits,
            f"{message}; the residual is carried up to the photo's size",
            whole=True,
        ),
        guidance=f"Trained {trained}; PSNR falls by 6 dB with each doubling.",
        limits=LIMITS,
    )


def main(arguments=None):
    """Runs the recipe; returns the exit code."""
    description = __doc__.split("\n\n")[0]
    return base.run("stegastamp", Config, train, report, description, arguments)


if __name__ == "__main__":
    sys.exit(main())
