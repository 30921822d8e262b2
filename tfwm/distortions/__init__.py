"""Real damage to uint8 images, with real codecs: what a suite's attacks are made of.

Every function takes a uint8 image `(H, W)` or `(H, W, 3)` and a level and returns a uint8
image of the same shape, or of another height and width for those in `CHANGES_SIZE`. Random
ones take a `numpy.random.Generator` and are repeatable; `cropout` and `dropout` also take the
cover, which fills what they remove. Levels of the first fifteen are the ReDMark paper's
(section 4.3), of the next four HiDDeN's (Zhu et al. 2018, section 3.2), of the last eight those
of CropDefender (sections 4 and 5.1) and of a print; the others are what happens to photos every
day.

The layers in `tfwm.attacks` are their differentiable counterparts for training.
"""

from tfwm.distortions.registry import (
    CHANGES_SIZE,
    DISTORTIONS,
    NEEDS_COVER,
    RANDOM,
    distort,
    missing,
)

__all__ = ["CHANGES_SIZE", "DISTORTIONS", "NEEDS_COVER", "RANDOM", "distort", "missing"]
