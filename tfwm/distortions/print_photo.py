"""Simulation of a photo that is printed on paper and photographed with a phone."""

import dataclasses

import numpy as np
from PIL import Image

from tfwm.checks import need
from tfwm.distortions.codecs import jpeg
from tfwm.distortions.common import corners_of, project, to_levels
from tfwm.distortions.geometry import resize
from tfwm.distortions.registry import distortion
from tfwm.distortions.tone import saturation

OVERSAMPLING = 2  # pixels of the camera for one of the photo, along a side
TABLE = 90  # gray level of what the print lies on


@dataclasses.dataclass(frozen=True)
class Conditions:
    """The quality of a print and of its photograph.

    The values in `LEVELS` are our own choice, from a studio to a hand-held phone.

    Args:
        black, white: reflectance of the darkest ink and of the paper, of 1.
        gain: exponent above 1: spreading dots darken the middle tones.
        color: saturation that the inks keep.
        ink: standard deviation of the ink's grain, of 1.
        tilt: largest displacement of a corner inwards, of the side.
        light: largest loss of light across the photo, of 1.
        defocus: largest standard deviation of the blur, of the long side.
        motion: largest length of the camera's path, of the long side.
        cast: largest gain or loss of a color channel, of 1.
        moire: contrast of the fringes, of 1.
        noise: standard deviation of the sensor's noise at full light, of 1.
        quality: of the camera's JPEG.
    """

    black: float
    white: float
    gain: float
    color: float
    ink: float
    tilt: float
    light: float
    defocus: float
    motion: float
    cast: float
    moire: float
    noise: float
    quality: int


LEVELS = {
    1: Conditions(0.04, 0.97, 1.05, 0.95, 0.01, 0.02, 0.08, 0.001, 0.001, 0.02, 0.005, 0.006, 95),
    2: Conditions(0.07, 0.94, 1.12, 0.9, 0.02, 0.06, 0.2, 0.002, 0.003, 0.05, 0.015, 0.012, 85),
    3: Conditions(0.11, 0.9, 1.2, 0.8, 0.03, 0.12, 0.4, 0.004, 0.006, 0.1, 0.03, 0.025, 70),
}


@distortion()
def print_photo(image, level, generator, rectified=True):
    """Prints and photographs a photo: level 1 is mild, 2 medium, 3 strong; size kept.

    It simulates paper and ink (tones, colors, grain), an oblique view, uneven light, defocus and
    motion blur, a color cast, moire, sensor noise and JPEG; see `Conditions`. If `rectified`,
    the print is cut out at its true corners and made upright, as StegaStamp's detector does;
    else the result is the camera's whole picture, with the table around the print.
    """
    picture, corners = photograph(image, level, generator)
    if rectified:
        picture = project(picture, corners, corners_of(picture.shape), picture.shape)
    return resize(picture, *image.shape[:2])


def photograph(image, level, generator):
    """Returns the camera's picture of a print, and where its corners are.

    Args:
        image: uint8 `(H, W)` or `(H, W, 3)`.
        level: 1, 2 or 3.
        generator: `numpy.random.Generator`.

    Returns:
        uint8 picture of twice the sides, and float `(4, 2)`: `(x, y)` of the print's corners
        in it, clockwise from the photo's top left.

    Example:

    >>> image = np.full((64, 96, 3), 128, np.uint8)
    >>> picture, corners = photograph(image, 2, np.random.default_rng(0))
    >>> picture.shape, corners.shape
    ((128, 192, 3), (4, 2))
    """
    if level not in LEVELS:
        raise ValueError(f"Expected a level of {sorted(LEVELS)}. Received: level={level}")
    conditions = LEVELS[level]
    paper = _print(image, conditions, generator)
    corners = corners_of(paper.shape)
    inwards = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)])
    seen = corners + inwards * generator.random((4, 2)) * conditions.tilt * corners[2]
    scene = project(paper, corners, seen, paper.shape, TABLE)
    picture = jpeg(_expose(scene, conditions, generator), conditions.quality)
    if image.ndim == 2:
        picture = np.array(Image.fromarray(picture).convert("L"))
    return picture, seen


def _print(image, conditions, generator):
    """Returns the print under even light, uint8 RGB."""
    height, width = (OVERSAMPLING * side for side in image.shape[:2])
    large = resize(np.array(Image.fromarray(image).convert("RGB")), height, width)
    tone = (saturation(large, conditions.color) / np.float32(255)) ** conditions.gain
    tone += conditions.ink * generator.standard_normal((height, width, 1), np.float32)
    return to_levels(255 * (conditions.black + (conditions.white - conditions.black) * tone))


def _expose(scene, conditions, generator):
    """Returns what the camera's sensor records of a scene, uint8."""
    height, width = scene.shape[:2]
    long = max(height, width)
    rows, columns = np.mgrid[:height, :width].astype(np.float32) / long
    x = scene.astype(np.float32) / 255
    defocus, motion = generator.uniform(0.5, 1.0, 2) * (conditions.defocus, conditions.motion)
    x = _blur(x, defocus * long, motion * long, generator.uniform(0, np.pi))
    angle = generator.uniform(0, 2 * np.pi)
    ramp = np.cos(angle) * columns + np.sin(angle) * rows
    ramp = (ramp - ramp.min()) / np.ptp(ramp)
    x *= (1 - conditions.light * generator.uniform(0.5, 1.0) * ramp)[..., None]
    x *= 1 + np.float32(conditions.cast) * generator.uniform(-1, 1, 3).astype(np.float32)
    x *= 1 + np.float32(conditions.moire) * _fringes(rows, columns, generator)
    grain = generator.standard_normal(x.shape, np.float32)
    x += conditions.noise * np.sqrt(np.maximum(x, 0.05)) * grain
    return to_levels(255 * x)


def _blur(x, sigma, length, angle):
    """Blurs by `sigma` pixels of defocus and a motion of `length` pixels in a direction.

    It is one Gaussian, with the variance of an even motion added along the path.
    """
    across = np.array([np.cos(angle), np.sin(angle)])
    spread = sigma**2 * np.eye(2) + length**2 / 12 * np.outer(across, across)
    radius = int(np.ceil(3 * np.sqrt(sigma**2 + length**2 / 12)))
    places = np.mgrid[-radius : radius + 1, -radius : radius + 1][::-1]
    distance = np.einsum("iyx,ij,jyx->yx", places, np.linalg.inv(spread), places)
    kernel = np.exp(-distance / 2)[..., None].astype(np.float32)
    padded = np.pad(x, [(radius, radius), (radius, radius), (0, 0)], "edge")
    signal = need("scipy.signal", "evaluate")
    return signal.oaconvolve(padded, kernel / kernel.sum(), "valid", axes=(0, 1))


def _fringes(rows, columns, generator):
    """Moire: slow colored waves where the print's raster meets the sensor's; in [-1, 1]."""
    angle, period = generator.uniform(0, np.pi), generator.uniform(0.03, 0.1)
    across = (np.cos(angle) * columns + np.sin(angle) * rows) / period
    bend = 0.5 * np.sin(2 * np.pi * (rows + columns))
    phases = generator.uniform(0, 1, 3).astype(np.float32)
    return np.sin(2 * np.pi * (across[..., None] + bend[..., None] + phases), dtype=np.float32)
