"""Train ReDMark, measure it on photos it has not seen, and export it.

    tfwm train redmark                                  # minutes, bundled photos
    tfwm train redmark --config mt output=runs/mt
    tfwm train redmark --config mt output=runs/mt --resume

Ahmadi et al., "ReDMark: Framework for residual diffusion watermarking based on deep
networks", 2020. The defaults of `Config` are the paper's MT-Net (Table 1, section 4.2) with the
official code's values where the text is silent: loss weights 1:1 (3:1 for GT and JT), batch 32,
noise of 0.003 after the attack, 4 % salt and 4 % pepper. The paper's runs take hours on a GPU;
the `cpu-*.toml` variants train the same networks in under an hour on two cores.
"""

import dataclasses
import sys

import numpy as np

from tfwm import data
from tfwm.data.sources import readable
from tfwm.models import redmark
from tfwm.models.redmark import BlockTransform
from tfwm.networks import redmark_geometry
from tfwm.recipes import parts
from tfwm.recipes.card import BOUND_LIMIT
from tfwm.recipes.config import MessageConfig, check_multiple, check_positive
from tfwm.recipes.message import MessageRecipe
from tfwm.training.config import setting

PAPER_ATTACKS = [
    {"name": "SaltAndPepper", "amount": 0.08},
    {"name": "GaussianNoise", "stddev": 3 / 255},
    {"name": "JPEG", "quality": 70, "method": "noise"},
    {"name": "MeanFilter", "size": 3},
]
LIMITS = [
    "Gray images; on color photos the luminance is marked.",
    "Read alone, without `tfwm.Watermarker`, the reader needs the image at its size and place.",
    BOUND_LIMIT,
]
PATCH_SOURCES = ("tfds:cifar10:train",)


@dataclasses.dataclass
class Config(MessageConfig):
    """Settings; the defaults are the paper's MT-Net's."""

    name: str = "redmark-mt"
    output: str = "runs/redmark-mt"
    photos: list = setting(["tfds:cifar10:train", "tfds:voc/2012:train+validation"], "")
    per_deviation_bin: int = setting(
        3000, "patches of each gray level of deviation to keep, of each source but CIFAR-10; 0: all"
    )
    # Network
    patch_size: int = setting(32, "side in pixels of the patch that the network handles at once")
    block_size: int = setting(8, "side in pixels of the block that one bit is in")
    transform: str = setting("dct", "a block's transform, see `tfwm.models.redmark.BlockTransform`")
    release_transform: bool = setting(False, "whether to train the transform too")
    embedder_depth: int = setting(4, "circular convolutions of the embedder")
    extractor_depth: int = setting(3, "circular convolutions of the extractor")
    attacks: list = setting(PAPER_ATTACKS, "")
    steps: int = 2_000_000
    steps_per_epoch: int = 10_000
    # Report
    suite: str = setting("redmark", "suite of the report, see `tfwm evaluate`")
    watermarks: int = setting(4, "random watermarks for each photo of the report")


def check(config):
    """Raise `ConfigError` for sizes that do not fit."""
    check_positive(config, ("watermarks",))
    check_multiple(config, "patch_size", config.patch_size)


def cut(config, source):
    """Return the patches of a source, balanced if the config says so."""
    photos = readable(data.open_photos(source, config.channels))
    sizes = config.crop_size, config.seed, config.patches_per_photo or None
    patches = data.patches_of_each(photos, *sizes)
    # CIFAR-10's images are patches already and all kept, as the authors do.
    if config.per_deviation_bin and source not in PATCH_SOURCES:
        return data.balance_by_deviation(patches, config.per_deviation_bin)
    return np.concatenate(list(patches))


def build_stream(config):
    """Return the `CropStream` of the photos, or of the patches of a balanced choice, all of one."""
    if not config.per_deviation_bin:
        return parts.build_stream(config)
    patches = np.concatenate([cut(config, source) for source in config.photos])
    return parts.build_stream(config, photos=patches, per_photo=1)


def build_networks(config, training):
    """Return embedder and extractor, which share the transform."""
    block, patch = (config.block_size,) * 2, (config.patch_size,) * 2
    transform = BlockTransform(
        block,
        config.transform,
        release=config.release_transform,
        name="transform",
        dtype="float32",  # pixels go in
    )
    shared = {"patch_shape": patch, "block_shape": block, "width": config.width}
    shared["method"] = "fourier" if training and parts.with_xla(config) else "direct"
    return (
        redmark.build_embedder(transform=transform, depth=config.embedder_depth, **shared),
        redmark.build_extractor(transform=transform, depth=config.extractor_depth, **shared),
    )


def card(config):
    """Return what the network's card says."""
    patch, block = config.patch_size, config.block_size
    return {
        "description": f"ReDMark network, {patch}x{patch} patches, one bit in each {block}x{block} "
        "block",
        "paper": "Ahmadi et al., ReDMark: Framework for residual diffusion watermarking based on "
        "deep networks, Expert Systems with Applications 146, 2020",
        "geometry": redmark_geometry((patch, patch), (block, block)),
        "guidance": "1 is what it was trained at. Half of it gains 6 dB and loses robustness.",
        "limits": LIMITS,
    }


RECIPE = MessageRecipe(
    name="redmark",
    summary=__doc__.split("\n\n")[0],
    config=Config,
    check=check,
    networks=build_networks,
    channels=1,
    stream=build_stream,
    cut=cut,
    card=card,
    figures=("redmark-fig6", "redmark-fig8", "redmark-fig10"),
    suite_arguments=lambda config: {"strengths": [1.0], "watermarks": config.watermarks},
)

if __name__ == "__main__":
    sys.exit(RECIPE.main())
