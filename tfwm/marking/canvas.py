"""A photo of any size as a network sees it, its alignment, and the change scaled back up."""

import dataclasses
import math
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from tfwm.images import add_colors, add_luminance, luminance

# A photo is marked at the size at which it has this many pixels, a smaller one at its own size.
# So a mark survives every later resize, and the cost does not grow with the photo.
WORKING_PIXELS = 512 * 768
# So many pixels are converted at once, which bounds the memory of large photos.
BAND_PIXELS = 1 << 18
# A copy that was turned by more degrees than this is unfolded to all of its turned frame.
WIDE_ANGLE = 12.5


@dataclasses.dataclass(frozen=True)
class Alignment:
    """The position of a copy relative to the photo that was marked.

    Args:
        scale: factor from the copy's pixels to those at which the mark was made.
        rotation: degrees counterclockwise that undo the copy's rotation.
        turns: quarter turns counterclockwise that undo the copy's.
        flipped: whether the copy is a mirror image.
        offset: `(rows, columns)` from the center of the scaled and turned copy to a corner of
            a payload's tile, in pixels; `None` if the top left pixel is one, as in a photo
            that was not cropped.
        whole: whether the network sees photos as a whole. Then the copy, squeezed to the network's
            size, is `scale` times the photo, and its center lies `offset` from the photo's.
        stretch: factor on the width that, before that rotation, undoes a stretch; the height has
            its inverse.
        shear: columns to the right for each row further down that undo a shear, before the
            rotation as well.
        bend: two rows of coefficients, of polynomials for how far down and to the right the
            values of the scaled and turned copy lie, see `tfwm.marking.bending`; empty for none.
        pattern: number of the pattern of a mark behind the filter of its key (`PATTERNS` of
            `tfwm.payload.layout`), `None` for the one that fits best.
    """

    scale: float = 1.0
    rotation: float = 0.0
    turns: int = 0
    flipped: bool = False
    offset: tuple | None = None
    whole: bool = False
    stretch: float = 1.0
    shear: float = 0.0
    bend: tuple = ()
    pattern: int | None = None

    def moved(self, **changes):
        """Returns a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    @property
    def warped(self):
        """Whether the copy is stretched, sheared or turned far, so that `warp` undoes it."""
        return self.stretch != 1.0 or self.shear != 0.0 or abs(self.rotation) > WIDE_ANGLE

    @property
    def warp(self):
        """The linear map `(2, 2)` of `(x, y)` that undoes rotation, stretch and shear."""
        angle = math.radians(self.rotation)
        turn = [[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]
        return np.array(turn) @ [[self.stretch, self.shear], [0.0, 1.0 / self.stretch]]


def natural_scale(height, width):
    """Returns the factor from a photo's size to the size at which it is marked, at most 1."""
    return min(1.0, math.sqrt(WORKING_PIXELS / (height * width)))


class Canvas:
    """A photo of any size, as a network sees it.

    Args:
        photo: `tfwm.images.Photo`.
        channels: 1 for the luminance, 3 for R, G and B, which are equal for a gray photo.
        size: `(height, width)` to squeeze the photo to, its own by default.

    Example:

    >>> canvas = Canvas(tfwm.images.Photo(np.zeros((1024, 1536, 3), np.uint8)))
    >>> canvas.scaled(natural_scale(canvas.height, canvas.width)).shape
    (512, 768, 1)
    """

    def __init__(self, photo, channels=1, size=None):
        self.height, self.width = size or photo.pixels.shape[:2]
        self._channels = channels
        if channels == 1 or photo.pixels.shape[2] == 1:
            self._planes = [_luminance_image(photo.pixels)]
        else:
            self._planes = [_luminance_image(photo.pixels[..., c : c + 1]) for c in range(3)]
        if size and tuple(size) != photo.pixels.shape[:2]:
            self._planes = [p.resize(size[::-1], Image.BICUBIC) for p in self._planes]

    @classmethod
    def of(cls, network, photo):
        """Returns the canvas of a photo for a network."""
        return cls(photo, network.channels, network.patch_shape if network.whole else None)

    def part(self, scale, window, focus=(0, 0)):
        """Returns rows and columns of the scaled photo, and the first ones of a part of it.

        See `scaled` for the arguments.
        """
        sides = [max(int(n * scale + 1e-6), 1) for n in (self.height, self.width)]
        if not window:
            return sides, [0, 0]
        return sides, [
            max(min(n // 2 - window // 2 + round(f * scale), n - window), 0)
            for n, f in zip(sides, focus, strict=True)
        ]

    def scaled(self, scale, window=None, focus=(0, 0)):
        """Returns the photo at a scale, `(height, width, channels)` in [0, 1].

        Antialiased bicubic; every pixel covers exactly `1 / scale` pixels of the photo, from
        its top left corner on.

        Args:
            scale: factor from the photo's size.
            window: largest side of a part around the center pixel `(side // 2)` to return,
                instead of all `(floor(height * scale), floor(width * scale))`.
            focus: `(rows, columns)` from the center, in the photo's pixels, to that of the part,
                which is moved into the photo where it would reach beyond.
        """
        sides, (top, left) = self.part(scale, window, focus)
        bottom, right = (
            min(n, s + window) if window else n for n, s in zip(sides, (top, left), strict=True)
        )
        if scale == 1.0:
            planes = [p.crop((left, top, right, bottom)) for p in self._planes]
        else:
            box = [edge / scale for edge in (left, top, right, bottom)]
            box[2:] = min(box[2], self.width), min(box[3], self.height)
            size = (right - left, bottom - top)
            planes = [p.resize(size, Image.BICUBIC, box) for p in self._planes]
        values = np.stack([np.asarray(plane, np.float32) for plane in planes], axis=-1)
        values = values / np.float32(255) if planes[0].mode == "L" else values.clip(0, 1)
        return np.repeat(values, self._channels // len(planes), axis=-1)


def transformed(plane, size, method, data, **more):
    """Returns a plane `(height, width, channels)` as Pillow transforms it, bicubically."""
    images = [Image.fromarray(p) for p in np.moveaxis(plane, -1, 0).astype(np.float32, "C")]
    how = size, method, data, Image.Resampling.BICUBIC
    return np.dstack([np.asarray(image.transform(*how, **more)) for image in images])


def add_residual(pixels, residual, scale):
    """Adds a residual at working size to a photo's luminance or colors.

    Args:
        pixels: `(H, W, 1 or 3)`, see `tfwm.images.Photo`.
        residual: `(h, w, 1)` float for the luminance or `(h, w, 3)` for R, G and B, its top
            left pixel that of the photo; pixels that it does not cover at the right and the
            bottom stay as they are.
        scale: factor from the photo's size to the residual's, or a pair for height and width.

    Returns:
        The marked pixels, a new array.
    """
    height, width = pixels.shape[:2]
    down, across = scale if isinstance(scale, tuple) else (scale, scale)
    rows = min(int(residual.shape[0] / down + 1e-6), height)
    columns = min(int(residual.shape[1] / across + 1e-6), width)
    marked = pixels.copy()
    planes = [Image.fromarray(p) for p in np.moveaxis(residual, -1, 0).astype(np.float32, "C")]
    step = max(BAND_PIXELS // columns, 1)

    def add(top):
        bottom = min(top + step, rows)
        change = residual[top:bottom, :columns]
        if (down, across) != (1.0, 1.0):
            box = np.minimum((columns * across, bottom * down), residual.shape[1::-1])
            size, box = (columns, bottom - top), (0, top * down, *box)
            change = np.dstack([p.resize(size, Image.BICUBIC, box) for p in planes])
        band = pixels[top:bottom, :columns]
        if len(planes) == 3:
            marked[top:bottom, :columns] = add_colors(band, change)
        else:
            marked[top:bottom, :columns] = add_luminance(band, change[..., 0])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(add, range(0, rows, step)))
    return marked


def _luminance_image(pixels):
    """A PIL image of mode L for 8 bits, else F in [0, 1]."""
    if pixels.dtype == np.uint8:
        plane = pixels[..., 0] if pixels.shape[2] == 1 else pixels
        return Image.fromarray(np.ascontiguousarray(plane)).convert("L")
    plane = np.empty(pixels.shape[:2], np.float32)
    step = max(BAND_PIXELS // pixels.shape[1], 1)
    for top in range(0, len(pixels), step):
        plane[top : top + step] = luminance(pixels[top : top + step])
    return Image.fromarray(plane)
