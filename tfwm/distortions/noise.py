"""Noise on all samples or on some pixels."""

import numpy as np

from tfwm.distortions.common import check_fraction, to_levels
from tfwm.distortions.registry import distortion


@distortion()
def gaussian_noise(image, level, generator):
    """Adds N(0, level^2) to every sample, `level` in gray levels; clips and rounds."""
    noise = generator.standard_normal(image.shape, np.float32)
    return to_levels(image + np.float32(level) * noise)


@distortion()
def uniform_noise(image, level, generator):
    """Adds U(-level, level) to every sample, `level` in gray levels; clips and rounds."""
    noise = 2 * generator.random(image.shape, np.float32) - 1
    return to_levels(image + np.float32(level) * noise)


@distortion()
def salt_and_pepper(image, level, generator):
    """Sets the fraction `level` of the pixels to black or white, half each."""
    check_fraction(level)
    u = generator.random(image.shape[:2], np.float32)
    out = image.copy()
    out[u >= 1 - level / 2] = 255
    out[u < level / 2] = 0
    return out
