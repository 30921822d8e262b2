"""Train HiDDeN, measure it, and export it.

    tfwm train hidden                                      # minutes, bundled photos
    tfwm train hidden --config cpu output=runs/hidden
    tfwm train hidden --config cpu output=runs/hidden --resume

Zhu, Kaplan, Johnson and Fei-Fei, "HiDDeN", ECCV 2018: the baseline that later papers compare
with. The config's defaults are the paper's; the TOML files beside it are the noises of the
PyTorch port, from which the numbers of later papers come, and trainings that two cores can do.
"""

import dataclasses
import sys

import tensorflow as tf

from tfwm.data import CropStream
from tfwm.models import hidden
from tfwm.models.critic import build_critic
from tfwm.ops.random import normal
from tfwm.recipes import parts
from tfwm.recipes.card import KEY_LIMIT, tile_geometry
from tfwm.recipes.config import MessageConfig, check_positive, refuse
from tfwm.recipes.message import MessageRecipe
from tfwm.training import ConfigError
from tfwm.training.config import setting

LIMITS = [
    "A baseline for comparison; MBRS is the better network for JPEG.",
    "Trained at one size of tile; other scales and angles have to be undone before reading.",
    KEY_LIMIT,
]


@dataclasses.dataclass
class Config(MessageConfig):
    """Settings; the defaults are the paper's."""

    name: str = "hidden"
    output: str = "runs/hidden"
    channels: int = 3
    crop_size: int = hidden.TILE
    tile_size: int = setting(hidden.TILE, "side of a tile; a crop is one tile, or a part of one")
    message_length: int = setting(hidden.BITS, "bits in a tile")
    # Training: the paper's errors are of pixels in [-1, 1]
    attacks: list = setting([{"name": "Identity"}], "")
    rounding_noise: float = 0.0
    image_loss: str = "mse"
    image_weight: float = 2.8
    message_loss: str = "squared_error"
    message_weight: float = 1.0
    adversarial_weight: float = 1e-3
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    epsilon: float = 1e-8
    batch_size: int = 12
    steps: int = 333_200  # 400 epochs of 10,000 photos
    steps_per_epoch: int = 833
    jit_compile: bool = False  # attacks that change the size do not run under XLA
    cover_noise: float = setting(
        0.0, "deviation of noise on the crops at first, in [0, 1]: textures to learn each bit by"
    )
    cover_noise_steps: int = setting(0, "steps in which that noise fades to nothing")
    # Report
    suite: str = setting("mbrs-table2", "suite of the report, see `tfwm evaluate`")


def build_networks(config, training):
    """Return embedder and extractor; in training, the mean is over images of any size."""
    arguments = {"width": config.width, "message_length": config.message_length}
    side = min(config.tile_size, config.crop_size) if training else config.tile_size
    return (
        hidden.build_embedder(side, **arguments),
        hidden.build_extractor(None if training else side, **arguments),
    )


@dataclasses.dataclass
class NoisyCrops:
    """A `CropStream` with noise that fades: a function of seed and step, as the crops are.

    A message is the same all over a tile, so that each bit has to be learned as a change of the
    photo's own texture. Noise gives every crop some, from the first step.
    """

    stream: CropStream
    stddev: float
    steps: int

    def dataset(self, first_step=0):
        """Return the batches from a step on, see `CropStream.dataset`."""
        crops = self.stream.dataset(first_step)
        numbered = tf.data.Dataset.zip(tf.data.Dataset.counter(first_step), crops)
        return numbered.map(self._noisy).prefetch(2).with_options(self.stream.options)

    def tell_skipped(self):
        """Warn of photos that were left out, see `CropStream.tell_skipped`."""
        self.stream.tell_skipped()

    def _noisy(self, step, crops):
        share = tf.maximum(0.0, 1.0 - tf.cast(step, tf.float32) / self.steps)
        index, workers = self.stream.worker
        seed = tf.stack([tf.cast(self.stream.seed, step.dtype), step * workers + index])
        noise = normal(tf.shape(crops), seed)
        return tf.clip_by_value(crops + share * self.stddev * noise, 0.0, 1.0)


def build_stream(config):
    """Return the crops of a training, with noise where the config has some."""
    stream = parts.build_stream(config)
    if not config.cover_noise:
        return stream
    return NoisyCrops(stream, config.cover_noise, config.cover_noise_steps)


def card(config):
    """Return what the network's card says."""
    side, bits = config.tile_size, config.message_length
    message = f"{bits} bits in each tile of {side}x{side} pixels"
    sizes = f"{message}; color images whose sides are multiples of {side}"
    return {
        "description": f"HiDDeN of width {config.width}, {message}",
        "paper": "Zhu, Kaplan, Johnson and Fei-Fei, HiDDeN, ECCV 2018",
        "geometry": tile_geometry(config, side, bits, sizes),
        "guidance": "1 is what it was trained at; PSNR falls by 6 dB with each doubling.",
        "limits": LIMITS,
    }


def check(config):
    """Raise `ConfigError` for sizes that do not fit together."""
    check_positive(config, ("message_length", "tile_size"))
    if config.cover_noise:
        check_positive(config, ("cover_noise_steps",))
    else:
        refuse(config, ("cover_noise_steps",), "has no effect without cover_noise")
    if config.crop_size > config.tile_size:
        raise ConfigError(
            "Expected crop_size of at most tile_size, as a crop carries one message. "
            f"Received: crop_size={config.crop_size}, tile_size={config.tile_size}"
        )


RECIPE = MessageRecipe(
    name="hidden",
    summary=__doc__.split("\n\n")[0],
    config=Config,
    check=check,
    networks=build_networks,
    critic=lambda config: build_critic(config.width, 3),
    stream=build_stream,
    card=card,
)

if __name__ == "__main__":
    sys.exit(RECIPE.main())
