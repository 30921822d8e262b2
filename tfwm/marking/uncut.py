"""Whether a marked photo is whole: neither cut, nor turned aslant, nor added to.

Only of such a photo can a fingerprint tell that it shows another picture than the signed one. That
its mark is read in place is not enough: a photo keeps the grid of its mark where it was cut at the
right or below, or where a bar was added there.
"""

import numpy as np

from tfwm.images import Photo
from tfwm.marking.canvas import Canvas, natural_scale
from tfwm.marking.reader import Reader
from tfwm.marking.tiling import tiling_of
from tfwm.payload import encode_slots

# So many parts of each side are looked at, where there are as many cells.
PARTS = 4
# Share of the bits that must be those of the mark, in each part: half of them are by chance.
AGREE = 0.65


def whole_size(watermarker, photo, found, key=None, signpost=None):
    """Returns the size of a photo that its mark fills, as it was when it was marked.

    Args:
        watermarker: `tfwm.Watermarker` that read the mark.
        photo: `tfwm.images.Photo`.
        found: `tfwm.marking.Extraction` of it.
        key: secret text or bytes of the mark.
        signpost: host that the mark names, or `None`.

    Returns:
        `(height, width)` at the scale of the mark, and by how much rounding may change them; `None`
        if the mark is not read in place, or not in all parts of the photo.
    """
    place = found.alignment
    if not found.authentic or found.corners is not None:
        return None
    moved = place.offset is not None or place.rotation or place.warped
    if place.whole or moved or not isinstance(photo, Photo):
        return None
    network, codec = watermarker.network, watermarker.codec(key, found.binding is not None)
    canvas = Canvas.of(network, photo)
    cells = Reader(network, canvas, codec).cells(place)
    if cells is None or found.rows_read < 1:
        return None
    grid = cells.logits.shape
    signs = 2.0 * encode_slots(codec, found.message, signpost) - 1
    signs = codec.without_bound(signs) if codec.bound else signs
    expected = tiling_of(network).lay_out(signs, *grid[:2])
    agrees = np.where(expected == 0, np.nan, (cells.logits > 0) == (expected > 0))
    for band in np.array_split(agrees, min(PARTS, grid[0])):
        for part in np.array_split(band, min(PARTS, grid[1]), axis=1):
            if np.nanmean(part) < AGREE:
                return None
    sides = canvas.height * place.scale, canvas.width * place.scale
    return (*(sides[::-1] if place.turns % 2 else sides), max(place.scale, 1.0))


def is_whole(filled, marked):
    """Returns whether a photo is the whole of a picture, by its size.

    Args:
        filled: what `whole_size` returns.
        marked: `(width, height)` of the signed picture in pixels; `None` if nobody told it.
    """
    if filled is None or marked is None:
        return False
    width, height = marked
    scale = natural_scale(height, width)
    *sides, room = filled
    return all(abs(a - b * scale) <= room for a, b in zip(sides, (height, width), strict=True))
