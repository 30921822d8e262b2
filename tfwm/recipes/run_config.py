"""The settings that all recipes share."""

import dataclasses

from tfwm.training import ConfigError

POSITIVE = ("steps", "steps_per_epoch", "batch_size", "crop_size", "width")


@dataclasses.dataclass
class TrainingConfig:
    """Settings that every recipe has; see the recipes' TOML files for how they are used."""

    name: str = "network"
    output: str = "runs/network"
    seed: int = 0
    # Photos: "tfds:NAME:SPLIT", "bundled:train" or a folder. Test photos are for the report.
    photos: list = dataclasses.field(default_factory=lambda: ["bundled:train"])
    test_photos: str = "bundled:test"
    crop_size: int = 32
    width: int = 64
    # Optimisation
    precision: str = "float32"  # or "mixed_bfloat16"
    optimizer: str = "sgd"
    learning_rate: float = 1e-4
    momentum: float = 0.98
    schedule: str = "constant"
    batch_size: int = 32
    steps: int = 1000
    steps_per_epoch: int = 200
    jit_compile: bool = True


@dataclasses.dataclass
class TaskConfig(TrainingConfig):
    """Settings of the recipes of networks that do an image-to-image task."""

    crops_per_photo: int = 0  # 0: as many as tile the photo
    whole: bool = False  # squeeze photos to the crop size instead
    crop_size: int = 256
    optimizer: str = "adam"
    learning_rate: float = 2e-4
    batch_size: int = 16
    jit_compile: bool = False


@dataclasses.dataclass
class RunConfig(TrainingConfig):
    """Settings of the recipes of networks that carry bits."""

    channels: int = 1  # 1: gray, 3: colour
    patches_per_photo: int = 0  # 0: as many as tile the photo
    # Attacks: tables with the layer's name, its arguments and a weight (1 by default); a
    # "Chain" has a list of such tables as its `attacks`.
    attacks: list = dataclasses.field(default_factory=list)
    attack_per: str = "batch"
    rounding_noise: float = 0.003
    strength: list = dataclasses.field(default_factory=lambda: [1.0, 1.0])  # drawn per image
    # Measured after each epoch against attacks of its own; none without photos.
    validation_photos: list = dataclasses.field(default_factory=list)
    validation_attacks: list = dataclasses.field(default_factory=list)
    patience: int = 0  # epochs without fewer errors in validation before stopping; 0: never
    # Losses; a `psnr` above 0 holds that PSNR (dB), rising from `psnr_start`
    image_loss: str = "ssim"
    image_weight: float = 1.0
    message_loss: str = "cross_entropy"
    message_weight: float = 1.0
    adversarial_weight: float = 0.0
    psnr: float = 0.0
    psnr_start: float = 27.0
    psnr_ramp: float = 0.5  # share of the steps
    psnr_rate: float = 0.005
    psnr_multiplier: float = 0.05
    psnr_penalty: str = "log"
    initial: str = ""  # finished run or exported network to begin with
    train_embedder: bool = True


def check_positive(config, names=POSITIVE):
    """Raises `ConfigError` for a size or number of steps that is not above 0."""
    for name in names:
        if getattr(config, name) <= 0:
            raise ConfigError(f"Expected {name} above 0. Received: {getattr(config, name)}")
