"""The settings that recipes share, and checks of them. Their help texts are the documentation."""

import dataclasses
import math

from tfwm.networks.card import check_name
from tfwm.training.config import ConfigError, check_values, setting

POSITIVE = (
    *("steps", "steps_per_epoch", "batch_size", "crop_size", "width"),
    *("learning_rate", "epsilon"),
)
BELOW_1 = math.nextafter(1, 0)


@dataclasses.dataclass
class TrainingConfig:
    """Settings of every recipe."""

    name: str = setting("network", "name of the trained network, and of its folder in `output`")
    output: str = setting("runs/network", "folder of the run: checkpoints, log, report, network")
    seed: int = setting(
        0, "seed of the first weights, of crops, messages and attacks", most=2**32 - 1
    )
    # Data
    photos: list = setting(
        ["bundled:train"],
        "sources of training photos: folders, image files, `bundled:SPLIT` (samples of the "
        "package) or `tfds:NAME:SPLIT` (TensorFlow Datasets); one alone needs no list",
    )
    test_photos: str = setting("bundled:test", "source of the photos that the report measures on")
    crop_size: int = setting(32, "side of a training crop in pixels")
    # Training
    width: int = setting(64, "channels of the network's hidden layers")
    precision: str = setting(
        "float32",
        "`float32`, or `mixed_bfloat16` to train faster where the hardware has it",
        ("float32", "mixed_bfloat16"),
    )
    optimizer: str = setting("sgd", "`sgd` or `adam`", ("sgd", "adam"))
    learning_rate: float = setting(1e-4, "learning rate; the largest one if `schedule` changes it")
    momentum: float = setting(0.98, "momentum of `sgd`", most=BELOW_1)
    beta_1: float = setting(0.9, "decay of Adam's mean of gradients", most=BELOW_1)
    beta_2: float = setting(0.999, "decay of Adam's mean of squared gradients", most=BELOW_1)
    epsilon: float = setting(1e-7, "number that Adam adds to its divisor")
    clip_norm: float = setting(
        0.0, "norm to which all gradients together are scaled down; 0 leaves them as they are"
    )
    critic_loss: str = setting(
        "logistic", "a critic's loss: `logistic` or `wasserstein`", ("logistic", "wasserstein")
    )
    critic_optimizer: str = setting(
        "",
        "a critic's own optimizer, `adam` or `rmsprop`; empty: the one of all networks",
        ("", "adam", "rmsprop"),
    )
    critic_learning_rate: float = setting(0.0, "its learning rate; 0: `learning_rate`")
    critic_clip_value: float = setting(0.0, "largest absolute value of its gradients; 0: any")
    schedule: str = setting(
        "constant",
        "`constant`, or `cosine`: a short rise, then a fall to a hundredth",
        ("constant", "cosine"),
    )
    batch_size: int = setting(32, "crops in a batch, over all devices")
    steps: int = setting(1000, "training steps (batches)")
    steps_per_epoch: int = setting(200, "steps between two lines of the log, each a checkpoint")
    checkpoint_minutes: float = setting(
        5.0, "minutes after which there is a checkpoint within an epoch too; 0: never"
    )
    jit_compile: bool = setting(True, "whether to compile the training step with XLA")


@dataclasses.dataclass
class TaskConfig(TrainingConfig):
    """Settings of recipes for image-to-image networks."""

    crops_per_photo: int = setting(0, "crops of a photo; 0: as many as tile it")
    whole: bool = setting(False, "whether to squeeze whole photos to `crop_size` instead")
    crop_size: int = 256
    attacks: list = setting([], "attacks on what is read: tables as of other recipes")
    attack_per: str = setting(
        "image", "what one attack is drawn for: `image` or `batch`", ("image", "batch")
    )
    rounding_noise: float = setting(0.002, "deviation of the noise on what is read")
    innocent_steps: int = setting(
        0,
        "mean number of steps after which networks without a mark, which learn beside and from "
        "which nothing may be read, start again; 0: no such networks (ours)",
    )
    innocent_structures: list = setting(
        ["unet", "cnet", "resnet"], "structures of these networks, one for each"
    )
    optimizer: str = "adam"
    learning_rate: float = 2e-4
    # pix2pix's, from which both papers start.
    beta_1: float = 0.5
    epsilon: float = 1e-8
    batch_size: int = 16
    jit_compile: bool = False


@dataclasses.dataclass
class MessageConfig(TrainingConfig):
    """Settings of recipes for networks that carry bits."""

    channels: int = setting(1, "1 for gray photos, 3 for color: what the network takes")
    patches_per_photo: int = setting(0, "crops of a photo; 0: as many as tile it")
    # Attacks
    attacks: list = setting(
        [],
        "attacks between embedder and extractor: tables with the layer's `name` (see "
        "`tfwm.attacks`), its arguments and a `weight` (1 by default); a `Chain` has a list of "
        "such tables as its `attacks`",
    )
    attack_per: str = setting(
        "batch", "what one attack is drawn for: `batch`, `image`, or `slice`, a run of images"
    )
    rounding_noise: float = setting(
        0.003, "deviation of the noise after each attack, in place of rounding to 8 bits"
    )
    strength: list = setting([1.0, 1.0], "range from which each image's strength is drawn")
    validation_photos: list = setting([], "sources of photos to validate on after each epoch")
    validation_attacks: list = setting([], "attacks in validation; by default those of training")
    patience: int = setting(
        0, "epochs without fewer bit errors in validation before training stops; 0: never"
    )
    # Losses
    image_loss: str = setting(
        "ssim", "loss between photo and marked photo: `ssim` or `mse`", ("ssim", "mse")
    )
    image_weight: float = setting(1.0, "weight of that loss")
    message_loss: str = setting("cross_entropy", "loss of the message, see `tfwm.losses`")
    message_weight: float = setting(1.0, "weight of that loss")
    adversarial_weight: float = setting(0.0, "weight of misleading a critic; 0: no critic")
    psnr: float = setting(0.0, "PSNR in dB that a multiplier holds; 0: none")
    psnr_start: float = setting(27.0, "PSNR in dB at which it starts", least=-60)
    psnr_hold: float = setting(0.0, "share of the steps before it begins to rise", most=1)
    psnr_ramp: float = setting(0.5, "share of the steps in which it rises to `psnr`", most=1)
    psnr_rate: float = setting(0.005, "how fast the multiplier changes")
    psnr_multiplier: float = setting(0.05, "the multiplier at the start")
    psnr_penalty: str = setting("log", "measure that it multiplies, see `tfwm.losses.HoldPSNR`")
    psnr_error: str = setting(
        "rgb",
        "error that is held: `rgb`, the mean square, or `visible`, see `tfwm.losses.VisibleError`",
        ("rgb", "visible"),
    )
    initial: str = setting("", "finished run or exported network to start from")
    train_embedder: bool = setting(True, "whether the embedder is trained too")


def check_positive(config, names=POSITIVE):
    """Raise `ConfigError` for a size or number of steps that is not above 0."""
    for name in names:
        if getattr(config, name) <= 0:
            raise ConfigError(f"Expected {name} above 0. Received: {getattr(config, name)}")


def check_multiple(config, name, divisor):
    """Raise `ConfigError` for a `crop_size` that is no multiple of what `name` says."""
    if config.crop_size % divisor:
        raise ConfigError(
            f"Expected a crop_size that is a multiple of {name}, {divisor}. "
            f"Received: crop_size={config.crop_size}"
        )


def check_shared(config):
    """Raise `ConfigError` for what no recipe can use, before anything is built."""
    check_positive(config)
    check_values(config)
    check_name(config.name)
    if config.optimizer == "sgd":
        refuse(config, ("beta_1", "beta_2", "epsilon"), 'has no effect with optimizer = "sgd"')
    else:
        refuse(config, ("momentum",), 'has no effect with optimizer = "adam"')
    if not config.critic_optimizer:
        names = ("critic_learning_rate", "critic_clip_value")
        refuse(config, names, "has no effect without a critic_optimizer")


def refuse(config, names, reason):
    """Raise `ConfigError` for a setting that was changed although it has no effect."""
    default = type(config)()
    for name in names:
        if getattr(config, name) != getattr(default, name):
            raise ConfigError(f"Setting {name!r} {reason}. Received: {getattr(config, name)!r}")
