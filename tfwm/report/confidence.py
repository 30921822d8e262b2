"""How well each cell of a copy agrees with the bit that it should carry."""

import dataclasses

import numpy as np

from tfwm.marking import Canvas, Reader, tiling_of
from tfwm.marking.binding import asked
from tfwm.marking.tiling import LOGIT_LIMIT


@dataclasses.dataclass(frozen=True)
class CellAgreement:
    """Signed agreement of the cells of a copy with a message or with the key's pilots.

    Args:
        cells: `(rows, columns)` in [-1, 1]: logits with the sign of agreement, divided by the
            logit at which a cell counts as certain; the mean over a cell's known bits, or nan
            if it has none.
        corner: `(y, x)` of the first cell in the aligned plane.
        plane_shape: `(height, width)` of that plane.
        complete: whether the message was known; if not, only the pilots' cells are.
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
        codec: `tfwm.payload.Codec` of the key, `bound` if the mark is.
        photo: `tfwm.images.Photo`, the copy.
        alignment: `tfwm.marking.Alignment` at which it was read.
        message: the message that it should carry, or `None` if unknown.
        kind: see `Codec.encode`.

    Returns:
        `CellAgreement`, or `None` if no patch of the network fits.
    """
    found = Reader(network, Canvas.of(network, photo), codec).cells(alignment)
    if found is None:
        return None
    grid = found.logits.shape[:2]
    signs = codec.pilot if message is None else codec.signs(message, kind)
    signs = tiling_of(network).lay_out(signs, *grid, found.shift)
    if message is not None and codec.bound:
        places, bits = asked(codec, network, found.plane, grid, found.corner, found.shift)
        signs[places] = 2.0 * bits - 1
    agreement = np.clip(found.logits / LOGIT_LIMIT, -1, 1) * signs
    count = np.count_nonzero(signs * found.logits.any(axis=-1, keepdims=True), axis=-1)
    cells = np.where(count > 0, agreement.sum(axis=-1) / np.maximum(count, 1), np.nan)
    return CellAgreement(cells, found.corner, found.plane.shape[:2], message is not None)
