"""Changes of size, place and direction."""

import math

import numpy as np
from PIL import Image

from tfwm.checks import need
from tfwm.distortions.common import (
    check_fraction,
    corners_of,
    edge_widths,
    project,
    to_levels,
)
from tfwm.distortions.registry import distortion


@distortion()
def identity(image, level=None):
    """Returns the image unchanged: only the rounding to uint8 counts."""
    return image.copy()


@distortion()
def resizing(image, level):
    """Scales the sides by `level` and back, both times bilinear with antialiasing (Pillow)."""
    height, width = image.shape[:2]
    small = max(1, int(width * level)), max(1, int(height * level))
    scaled = Image.fromarray(image).resize(small, Image.Resampling.BILINEAR)
    return np.array(scaled.resize((width, height), Image.Resampling.BILINEAR))


@distortion()
def rotation(image, level):
    """Rotates by `level` degrees about the center, bilinear, size kept, black corners."""
    return np.array(Image.fromarray(image).rotate(level, Image.Resampling.BILINEAR))


@distortion(changes_size=True)
def scale(image, level):
    """Scales the sides by `level`, bicubic with antialiasing (Pillow)."""
    height, width = image.shape[:2]
    return resize(image, round(height * level), round(width * level))


@distortion(changes_size=True)
def stretch(image, level):
    """Scales only the width by `level`, bicubic with antialiasing (Pillow)."""
    height, width = image.shape[:2]
    return resize(image, height, round(width * level))


@distortion(changes_size=True)
def crop(image, level, generator):
    """Cuts out a random piece with the fraction `level` of the area and the photo's shape."""
    check_fraction(level)
    height, width = image.shape[:2]
    rows, columns = (max(1, round(n * math.sqrt(level))) for n in (height, width))
    top = generator.integers(height - rows + 1)
    left = generator.integers(width - columns + 1)
    return image[top : top + rows, left : left + columns].copy()


@distortion()
def centre_crop(image, level):
    """Cuts the fraction `level` of the sides off each edge and scales back, bicubic.

    CropDefender, section 5.1: 30 of 400 pixels at every edge are the level 0.075. Rounded to
    whole pixels.
    """
    rows, columns = edge_widths(image.shape, level)
    height, width = image.shape[:2]
    return resize(image[rows : height - rows, columns : width - columns], height, width)


@distortion(changes_size=True)
def centre_part(image, level):
    """Cuts out the middle piece with the fraction `level` of the area and the photo's shape."""
    check_fraction(level)
    rows, columns = (max(1, round(n * math.sqrt(level))) for n in image.shape[:2])
    top, left = (image.shape[0] - rows) // 2, (image.shape[1] - columns) // 2
    return image[top : top + rows, left : left + columns].copy()


@distortion(changes_size=True)
def thumbnail(image, level):
    """Scales the longer side to `level` pixels, bicubic with antialiasing (Pillow)."""
    factor = level / max(image.shape[:2])
    return resize(image, *(round(n * factor) for n in image.shape[:2]))


@distortion(changes_size=True)
def strip(image, level, generator):
    """Cuts a strip of the fraction `level` of the photo off one of its sides, at random."""
    check_fraction(level)
    turns = int(generator.integers(4))
    turned = np.rot90(image, turns)
    kept = turned[min(round(turned.shape[0] * level), turned.shape[0] - 1) :]
    return np.rot90(kept, -turns).copy()


@distortion(changes_size=True)
def rotation_cropped(image, level):
    """Rotates by `level` degrees, bicubic, and cuts out the largest upright inner rectangle.

    The straighten tool of a photo program does this.
    """
    turned = Image.fromarray(image).rotate(level, Image.Resampling.BICUBIC)
    rows, columns = _inner_rectangle(*image.shape[:2], math.radians(level))
    top, left = (image.shape[0] - rows) // 2, (image.shape[1] - columns) // 2
    return np.array(turned.crop((left, top, left + columns, top + rows)))


@distortion()
def perspective(image, level, generator):
    """Moves the corners inwards by random parts, up to `level`, of the sides; black around.

    It stands for a hand-held photo of a screen or a print. Bicubic, size kept.
    """
    check_fraction(level)
    corners = corners_of(image.shape)
    inwards = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)])
    moved = corners + inwards * generator.random((4, 2)) * level * corners[2]
    return project(image, corners, moved, image.shape)


@distortion()
def shear(image, level):
    """Shifts each row sideways in proportion to its height, so that uprights lean by `level`
    degrees; the middle row stays, bicubic, size kept, black around.
    """
    height, slope = image.shape[0], math.tan(math.radians(level))
    how = Image.Transform.AFFINE, (1, slope, -slope * height / 2, 0, 1, 0)
    size = image.shape[1::-1]
    return np.array(Image.fromarray(image).transform(size, *how, Image.Resampling.BICUBIC))


@distortion()
def slow_warp(image, level, generator, waves=4):
    """Moves pixels by up to `level` pixels along each axis, by an amount that varies slowly.

    Random shifts at `waves + 1` points along each side, the largest of which is `level`, with
    cubic splines between them; bilinear, the edge pixels repeated.
    """
    ndimage = need("scipy.ndimage", "evaluate")
    shifts = generator.uniform(-1, 1, (2, waves + 1, waves + 1))
    shifts *= level / np.abs(shifts).max(axis=(1, 2), keepdims=True)
    sides = image.shape[:2]
    at = np.meshgrid(*(np.linspace(0, waves, side) for side in sides), indexing="ij")
    moved = [ndimage.map_coordinates(s, at, order=3, mode="nearest") for s in shifts]
    places = np.indices(sides) + np.clip(moved, -level, level)
    planes = np.atleast_3d(image).transpose(2, 0, 1).astype(np.float32)
    warped = [ndimage.map_coordinates(p, places, order=1, mode="nearest") for p in planes]
    return to_levels(np.stack(warped, axis=-1)).reshape(image.shape)


@distortion()
def mirror(image, level=None):
    """Swaps left and right."""
    return image[:, ::-1].copy()


@distortion(changes_size=True)
def quarter_turn(image, level):
    """Rotates counterclockwise by `level` times 90 degrees."""
    return np.rot90(image, int(level)).copy()


@distortion(changes_size=True)
def screenshot(image, level, generator, most=6):
    """Shows the photo on a screen at `level` times its size and cuts it out by hand.

    Scaled bicubically. Each side then loses 0 to `most` pixels, or gains that many pixels of
    the window around the photo, which is light or dark.
    """
    shown = scale(image, level)
    edges = generator.integers(-most, most + 1, 4)
    window = int(generator.choice([24, 255]))
    height, width = shown.shape[:2]
    top, bottom, left, right = (int(e) for e in edges)
    canvas = np.full((height + 2 * most, width + 2 * most, *shown.shape[2:]), window, np.uint8)
    canvas[most : most + height, most : most + width] = shown
    bottom, right = most + height + bottom, most + width + right
    return canvas[most - top : max(bottom, 1), most - left : max(right, 1)].copy()


def resize(image, height, width):
    """Scales to a size in pixels, bicubic with antialiasing (Pillow)."""
    size = max(1, int(width)), max(1, int(height))
    return np.array(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def _inner_rectangle(height, width, angle):
    """Returns the sides of the largest upright rectangle in one rotated by `angle` radians."""
    sine, cosine = abs(math.sin(angle)), abs(math.cos(angle))
    long, short = max(height, width), min(height, width)
    if short <= 2 * sine * cosine * long or abs(sine - cosine) < 1e-10:
        # Two corners touch the long sides, the other two lie inside.
        half = short / 2
        along, across = half / sine, half / cosine
        rows, columns = (across, along) if width >= height else (along, across)
    else:
        double = cosine**2 - sine**2
        rows = (height * cosine - width * sine) / double
        columns = (width * cosine - height * sine) / double
    return max(1, min(height, math.floor(rows))), max(1, min(width, math.floor(columns)))
