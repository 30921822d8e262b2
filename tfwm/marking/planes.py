"""The planes of a copy that a network reads: scaled, turned and unfolded, whole or in part."""

import math

import numpy as np
from PIL import Image

from tfwm.images.filters import detail
from tfwm.marking.bending import bent
from tfwm.marking.canvas import natural_scale, transformed
from tfwm.marking.lattice import FINE

# Least side of the windows in which marks are looked for first.
WINDOW = 256
# Where there is next to no detail, nothing was marked; the stronger it is beyond that, the less
# of a mark shows in it.
LEAST, STRONG = 0.0015, 0.04
# The middle is taken unless a mark shows so many times as clearly elsewhere.
CLEARLY = 1.05


class Planes:
    """The planes of a copy under any alignment.

    A window of them lies where a mark shows best: in the middle, or where there is much less that
    hides it, and not nothing either.

    Args:
        canvas: `Canvas` of the copy.
        network: whose `whole` and `patch_shape` count.
    """

    def __init__(self, canvas, network):
        self._canvas = canvas
        self._network = network
        self._scaled = {}
        self._focus = None

    def at(self, alignment, window=None):
        """Returns the copy as `alignment` puts it, and its top left pixel as seen from the center.

        For a network of whole photos, it lies on a plane of the network's size at the
        alignment's offset, with its edges repeated around it.

        Args:
            alignment: `Alignment`.
            window: largest side of the part to return, in pixels; `None` for all.

        Returns:
            `(height, width, channels)` float32 in [0, 1], and `(rows, columns)`.
        """
        turned = alignment.warped or alignment.rotation
        # A turned window needs some more around it.
        more = np.abs(np.linalg.inv(alignment.warp)).sum(axis=1).max() if turned else 1.0
        reach = window and math.ceil(more * window)
        plane = self.at_scale(alignment.scale, reach)
        sides, start = self._canvas.part(alignment.scale, reach, self.focus if reach else (0, 0))
        box = np.array([start, plane.shape[:2], sides])
        if alignment.flipped:
            plane, box = plane[:, ::-1], _flipped(box)
        for _ in range(alignment.turns % 4):
            plane, box = np.rot90(plane), _flipped(box)[:, ::-1]
        start, _, sides = box
        corner = start - sides // 2
        if turned:
            plane, corner = _unfolded(plane, alignment, start, sides, window)
        if alignment.bend:
            plane = bent(plane, alignment.bend)
        if self._network.whole:
            return _placed(plane, self._network.patch_shape, alignment.offset or (0, 0)), (0, 0)
        return plane, tuple(int(n) for n in corner)

    def at_scale(self, scale, window=None):
        """`Canvas.scaled`; the last result is kept."""
        found = self._scaled.get((scale, window))
        if found is None:
            focus = self.focus if window else (0, 0)
            found = self._canvas.scaled(scale, window, focus)
            self._scaled = {(scale, window): found}
        return found

    @property
    def focus(self):
        """Where windows lie: `(rows, columns)` from the copy's center, in its own pixels."""
        if self._focus is None:
            scale = natural_scale(self._canvas.height, self._canvas.width)
            part = clearest_part(self.at_scale(scale).mean(axis=-1))
            self._focus = tuple(n / scale for n in part)
        return self._focus


def clearest_part(plane, side=WINDOW):
    """Returns where a mark shows best in a copy.

    Args:
        plane: `(height, width)` in [0, 1], at the size at which it was marked.
        side: of the square part, in pixels.

    Returns:
        `(rows, columns)` from the center of the plane to that of the part.
    """
    strength = np.sqrt(detail(plane, FINE)[1])
    shows = (strength > LEAST) / (1 + strength / STRONG)
    sums = np.pad(shows.cumsum(axis=0, dtype=np.float64).cumsum(axis=1), [(1, 0)] * 2)
    height, width = (min(side, n) for n in plane.shape)
    sums = sums[height:] - sums[:-height]
    sums = sums[:, width:] - sums[:, :-width]
    middle = tuple((n - 1) // 2 for n in sums.shape)
    best = np.unravel_index(np.argmax(sums), sums.shape)
    if sums[best] <= CLEARLY * sums[middle]:
        return 0, 0
    return tuple(int(b - m) for b, m in zip(best, middle, strict=True))


def center(plane, window):
    """Cuts a window whose center pixel `(side // 2)` is the plane's."""
    height, width = plane.shape[:2]
    top, left = (max(n // 2 - window // 2, 0) for n in (height, width))
    return plane[top : top + window, left : left + window]


def _flipped(box):
    """Start, size and whole size of a part, `(3, 2)`, in the mirror image from left to right."""
    start, size, whole = box[:, 1]
    return np.stack([box[:, 0], [whole - start - size, size, whole]], axis=1)


def _unfolded(plane, alignment, start, sides, window):
    """Turns and unfolds a plane around its center; gray fills the frame, or the window of it.

    Args:
        plane: the whole plane or a part of it.
        alignment: `Alignment`.
        start: the first row and column of the part.
        sides: rows and columns of the whole plane.
        window: largest side of what is returned, or `None`.

    Returns:
        The plane, and its first row and column as seen from the center.
    """
    start, sides = start[::-1], sides[::-1]  # x, y from here on
    frame, middle, out = sides, sides / 2, sides / 2
    if alignment.warped:
        frame = np.ceil(np.abs(alignment.warp) @ sides / 2).astype(int) * 2
        middle, out = sides // 2, frame // 2
    size, away = frame, np.zeros(2, int)
    if window:
        size = np.minimum(frame, window)
        away = alignment.warp @ (start + np.array(plane.shape[1::-1]) / 2 - middle)
        away = np.rint(away).astype(int)
    corner = away - size // 2
    back = np.linalg.inv(alignment.warp)
    first = middle - start + back @ (corner + frame // 2 - out)
    data = [*back[0], first[0], *back[1], first[1]]
    size = tuple(int(n) for n in size)
    plane = transformed(plane, size, Image.Transform.AFFINE, data, fillcolor=0.5)
    return plane, corner[::-1]


def _placed(plane, shape, offset):
    """Moves the plane's center by `offset` from that of a plane of `shape`."""
    for axis in (0, 1):
        side = plane.shape[axis]
        places = np.arange(shape[axis]) - shape[axis] // 2 + side // 2 - offset[axis]
        plane = np.take(plane, np.clip(places, 0, side - 1), axis)
    return plane
