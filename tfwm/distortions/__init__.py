"""Real distortions of uint8 images, with real codecs: what the suites try.

Every function takes a uint8 image `(H, W)` or `(H, W, 3)` and a level, and returns a uint8
image of the same shape, or of another height and width if it is in `CHANGES_SIZE`. Random
ones take a `numpy.random.Generator` and are repeatable; `cropout` and `dropout` also take the
cover, which fills what they remove. The levels in the suites come from the ReDMark paper
(section 4.3), from HiDDeN (Zhu et al. 2018, section 3.2) and from CropDefender (sections 4 and
5.1), or are what happens to photos every day.

The layers in `tfwm.attacks` are their differentiable counterparts for training; each names
its distortion as its `twins`. A new distortion is a function with the decorator `@distortion`
in one of the families below.
"""

# Each family registers its distortions.
from tfwm.distortions import (  # noqa: F401
    chains,
    codecs,
    drop,
    filters,
    geometry,
    noise,
    overlays,
    print_photo,
    style,
    tone,
)
from tfwm.distortions.registry import (
    CHANGES_SIZE,
    DISTORTIONS,
    NEEDS_COVER,
    RANDOM,
    distort,
    distortion,
    missing,
)

__all__ = [
    "CHANGES_SIZE",
    "DISTORTIONS",
    "NEEDS_COVER",
    "RANDOM",
    "distort",
    "distortion",
    "missing",
]
