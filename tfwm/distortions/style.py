"""Changes of style, which keep what a photo shows and change how it looks."""

import numpy as np
from PIL import Image

from tfwm.distortions.common import mode, to_levels
from tfwm.distortions.filters import median_filter
from tfwm.distortions.registry import distortion
from tfwm.distortions.tone import saturation

WINDOW = 0.0125  # of the mean side: 5 of 400 pixels
LINE_START, LINE_END = 12.0, 48.0  # slopes where lines begin and are black, levels a pixel
LINE_OPACITY = 0.7
COLOR = 1.3


@distortion()
def one_bit(image, level=None):
    """Converts the photo to black and white dots, dithered by Floyd and Steinberg (Pillow)."""
    dots = Image.fromarray(image).convert("1")
    return np.array(dots.convert(mode(image)))


@distortion()
def cartoon(image, level):
    """Draws the photo as a cartoon: smooth areas of `level` tones, strong colors, dark lines.

    A median, luma in equal steps, saturation 1.3, and lines where the smoothed luma is
    steep. It replaces the style change of CropDefender, section 4.2, the network AnimeGAN;
    it needs no download and removes more of a photo's fine detail.
    """
    if not 2 <= level <= 256:
        raise ValueError(f"Expected 2 to 256 tones. Received: level={level}")
    size = max(3, round(WINDOW * sum(image.shape[:2]) / 2) // 2 * 2 + 1)
    smooth = median_filter(image, size)
    planes = Image.fromarray(smooth).convert("RGB").convert("YCbCr")
    luma, *chroma = (np.array(plane) for plane in planes.split())
    step = 255 / (level - 1)
    slope = np.hypot(*(_sobel(luma.astype(np.float32), axis) / 8 for axis in (0, 1)))
    lines = LINE_OPACITY * np.clip((slope - LINE_START) / (LINE_END - LINE_START), 0, 1)
    luma = to_levels(np.rint(luma / step) * step * (1 - lines))
    drawn = Image.fromarray(np.stack([luma, *chroma], -1), "YCbCr").convert("RGB")
    return saturation(np.array(drawn), COLOR) if image.ndim == 3 else np.array(drawn.convert("L"))


def _sobel(plane, axis):
    """Sobel's slope along an axis, the pixel at the edge repeated."""
    lines = np.pad(np.moveaxis(plane, axis, 0), 1, "symmetric")
    slope = lines[2:] - lines[:-2]
    return np.moveaxis(slope[:, :-2] + 2 * slope[:, 1:-1] + slope[:, 2:], 0, axis)
