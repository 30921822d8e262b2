"""How well each cell of a copy agrees with the bit that it should carry."""

import dataclasses

import numpy as np
from PIL import Image

from tfwm.marking import Canvas, tiling_of
from tfwm.marking.tiling import LOGIT_LIMIT


@dataclasses.dataclass(frozen=True)
class CellAgreement:
    """Signed agreement of the cells of a copy with a message or with the key's pilots.

    Args:
        cells: `(rows, columns)` in [-1, 1]: logits with the sign of agreement, over the logit
            at which a cell counts as sure; the mean of a cell's known bits; nan if it has
            none.
        corner: `(y, x)` of the first cell in the aligned plane.
        plane_shape: `(height, width)` of that plane.
        complete: whether the message was known; else only the pilots' cells are.
    """

    cells: np.ndarray
    corner: tuple
    plane_shape: tuple
    complete: bool

    @property
    def known(self):
        """Number of cells with a known bit."""
        return int(np.count_nonzero(~np.isnan(self.cells)))

    @property
    def agreeing(self):
        """Share of the known cells that agree."""
        return float(np.mean(self.cells[~np.isnan(self.cells)] > 0)) if self.known else 0.0


def cell_agreement(network, codec, photo, alignment, message=None, kind=None):
    """Compares every cell of a copy with the bit that it should carry.

    Args:
        network: `tfwm.export.Network`.
        codec: `tfwm.payload.Codec` of the key.
        photo: `tfwm.images.Photo`, the copy.
        alignment: `tfwm.marking.Alignment` at which it was read.
        message: what it should carry, or `None` if unknown.
        kind: see `Codec.encode`.

    Returns:
        `CellAgreement`, or `None` if no patch of the network fits.
    """
    plane = _aligned(photo, alignment)
    corner, first_cell = _grid(plane.shape, alignment, network)
    view = plane[corner[0] :, corner[1] :]
    sides = [n // p * p for n, p in zip(view.shape, network.patch_shape, strict=True)]
    if 0 in sides:
        return None
    logits = np.asarray(network.extract(view[None, : sides[0], : sides[1], None]))[0]
    tiling = tiling_of(network)
    signs = codec.pilot if message is None else 2.0 * codec.encode(message, kind) - 1
    signs = np.roll(np.asarray(signs).reshape(tiling.shape), first_cell, axis=(0, 1))
    signs = tiling.lay_out(signs, *logits.shape[:2])
    agreement = np.clip(logits / LOGIT_LIMIT, -1, 1) * signs
    count = np.count_nonzero(signs, axis=-1)
    cells = np.where(count > 0, agreement.sum(axis=-1) / np.maximum(count, 1), np.nan)
    return CellAgreement(cells, tuple(corner), plane.shape, message is not None)


def _aligned(photo, alignment):
    """The luminance of the copy, laid as the reader has it (see `Alignment`)."""
    plane = Canvas(photo).scaled(alignment.scale)
    if alignment.flipped:
        plane = plane[:, ::-1]
    plane = np.rot90(plane, alignment.turns)
    if alignment.rotation:
        image = Image.fromarray(np.ascontiguousarray(plane))
        plane = np.asarray(image.rotate(alignment.rotation, Image.BICUBIC, fillcolor=0.5))
    return plane


def _grid(shape, alignment, network):
    """Pixel of the first whole patch, and how far the tile is shifted there, in cells."""
    if alignment.offset is None:
        return (0, 0), (0, 0)
    patch, block = network.patch_shape, network.block_shape
    tile = [o + n // 2 for o, n in zip(alignment.offset, shape, strict=True)]
    corner = [t % p for t, p in zip(tile, patch, strict=True)]
    return corner, [(t - c) // b for t, c, b in zip(tile, corner, block, strict=True)]
