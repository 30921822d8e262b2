"""Photos and maps as pictures inside a page."""

import base64
import io

import numpy as np
from PIL import Image

from tfwm.images import amplify, plane, to_uint8

# Longer side of the photos on a page: about the size at which photos are marked.
SHOWN = 768
DETAIL = 128
THUMBNAIL = 144
# Okabe and Ito's blue and vermilion, which color-blind people can distinguish.
AGREES, DISAGREES = (0, 114, 178), (213, 94, 0)


def eight_bit(photo):
    """Returns the pixels of a `tfwm.images.Photo` as uint8, `(H, W)` or `(H, W, 3)`."""
    return plane(to_uint8(photo.pixels))


def reduced(image, side=SHOWN):
    """Returns a uint8 image scaled down so that its longer side has at most `side` pixels."""
    picture = Image.fromarray(image)
    factor = side / max(picture.size)
    if factor >= 1:
        return image
    size = tuple(max(1, round(n * factor)) for n in picture.size)
    return np.asarray(picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0))


def detail(cover, marked):
    """Returns the same piece of three pictures: cover, marked and their difference.

    Of nine places, it is the one where the photo varies most, so that the mark can be seen.
    """
    height, width = cover.shape[:2]
    side = min(DETAIL, height, width)
    places = [
        (round(y * (height - side)), round(x * (width - side)))
        for y in (0.3, 0.5, 0.7)
        for x in (0.3, 0.5, 0.7)
    ]
    top, left = max(places, key=lambda p: cover[p[0] : p[0] + side, p[1] : p[1] + side].std())
    window = np.s_[top : top + side, left : left + side]
    return cover[window], marked[window], amplify(cover[window], marked[window])


def heat_map(cells, corner, plane_shape, block_shape, alignment, shown):
    """Draws the agreement of cells as a transparent layer over the copy.

    Args:
        cells: `(rows, columns)` in [-1, 1]: sign and certainty of the agreement; nan stays
            transparent.
        corner: `(y, x)` of the first cell in the aligned plane, in pixels.
        plane_shape: `(height, width)` of the aligned plane.
        block_shape: `(M, N)` pixels of a cell.
        alignment: `tfwm.marking.Alignment` to undo.
        shown: `(height, width)` of the picture.

    Returns:
        `(height, width, 4)` uint8.
    """
    known = np.nan_to_num(cells)
    colors = np.where((known > 0)[..., None], AGREES, DISAGREES)
    alpha = np.where(np.isnan(cells), 0, 30 + 140 * np.abs(known))
    layer = np.dstack([colors, alpha]).astype(np.uint8)
    layer = layer.repeat(block_shape[0], 0).repeat(block_shape[1], 1)
    plane = np.zeros((*plane_shape, 4), np.uint8)
    top, left = corner
    plane[top : top + layer.shape[0], left : left + layer.shape[1]] = layer
    image = Image.fromarray(plane)
    if alignment.warped:
        image = _unwarped(image, alignment.warp, shown[:: 1 if alignment.turns % 2 else -1])
    elif alignment.rotation:
        image = image.rotate(-alignment.rotation)
    plane = np.rot90(np.asarray(image), -alignment.turns)
    if alignment.flipped:
        plane = plane[:, ::-1]
    image = Image.fromarray(np.ascontiguousarray(plane))
    return np.asarray(image.resize(shown[::-1], Image.Resampling.NEAREST))


def _unwarped(image, warp, size):
    """Maps a plane that a warp unfolded back to `(width, height)` pixels."""
    sides = np.array(size)
    warp = warp * (image.width / (np.abs(warp) @ sides)[0])
    start = np.array(image.size) / 2 - warp @ sides / 2
    return image.transform(tuple(size), Image.AFFINE, [*warp[0], start[0], *warp[1], start[1]])


def thumbnail(image):
    """Returns a small lossy picture as a `data:` address."""
    buffer = io.BytesIO()
    Image.fromarray(reduced(image, THUMBNAIL)).save(buffer, "JPEG", quality=72)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
