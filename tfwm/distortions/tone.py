"""Changes of light and color, as the sliders of a photo program make them."""

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from tfwm.distortions.common import check_fraction, to_levels
from tfwm.distortions.registry import distortion


@distortion()
def brightness(image, level):
    """Multiplies every sample by `level` (Pillow)."""
    return _enhance(ImageEnhance.Brightness, image, level)


@distortion()
def contrast(image, level):
    """Multiplies the distance to the photo's mean gray by `level` (Pillow)."""
    return _enhance(ImageEnhance.Contrast, image, level)


@distortion()
def saturation(image, level):
    """Multiplies the distance to gray by `level`: 0 is a gray photo (Pillow)."""
    return _enhance(ImageEnhance.Color, image, level)


@distortion()
def hue(image, level):
    """Rotates the hue by `level` degrees, in 8-bit HSV as Pillow and torchvision do."""
    if image.ndim == 2:
        return image.copy()
    planes = np.array(Image.fromarray(image).convert("HSV"))
    planes[..., 0] += np.uint8(round(level * 256 / 360) % 256)
    return np.array(Image.fromarray(planes, "HSV").convert("RGB"))


@distortion()
def gamma(image, level):
    """Raises every sample, as a fraction of 255, to the power `level`; below 1 is brighter."""
    if not level > 0:
        raise ValueError(f"Expected an exponent above 0. Received: level={level}")
    return to_levels(255 * (np.arange(256) / 255) ** level)[image]


@distortion()
def gray(image, level=None):
    """Converts the photo to gray (ITU-R 601 luma), in the same number of channels."""
    plane = Image.fromarray(image).convert("L")
    return np.array(plane if image.ndim == 2 else plane.convert("RGB"))


@distortion()
def equalise(image, level=None):
    """Equalizes the histogram of each channel (Pillow)."""
    return np.array(ImageOps.equalize(Image.fromarray(image)))


@distortion()
def vignette(image, level):
    """Darkens quadratically towards the corners, where it removes the fraction `level`."""
    check_fraction(level)
    y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in image.shape[:2])
    light = 1 - level * (y[:, None] ** 2 + x**2) / 2
    return to_levels(image * (light if image.ndim == 2 else light[..., None]))


def _enhance(kind, image, level):
    if not level >= 0:
        raise ValueError(f"Expected a factor of at least 0. Received: level={level}")
    return np.array(kind(Image.fromarray(image)).enhance(level))
