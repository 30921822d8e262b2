"""Which bit of the payload each cell of a photo carries."""

import math

import numpy as np

SLOTS = 1024
# Shorter side of a photo of 3 : 2 at the size for marking: a tile is no larger.
WORKING_SIDE = 512
# Larger cells, in pixels a side, tell little of where they are.
FINE_CELL = 8
# A single cell may not outvote the others, however sure the network is.
LOGIT_LIMIT = 4.0


class Tiling:
    """Which slot of the payload each cell of a network's grid carries.

    Tiles of 32 x 32 cells cover the grid; they are smaller where a cell carries several bits, or is
    so large that a photo would not hold 32. Each tile carries all slots: so a part of a photo is
    enough to read from, and a crop shifts the slots in a circle.

    Args:
        bits_per_cell: length of the message in one cell of the network.
        cell_shape: `(rows, columns)` of a cell, in pixels.

    Example:

    >>> tiling = Tiling(1)
    >>> tiling.shape, tiling.slots
    ((32, 32, 1), 1024)
    >>> Tiling(30, (128, 128)).shape
    (4, 4, 30)
    """

    def __init__(self, bits_per_cell=1, cell_shape=(8, 8)):
        side = min(math.isqrt(SLOTS // bits_per_cell), WORKING_SIDE // max(cell_shape))
        side = max(side, 1)
        self.shape = (side, side, bits_per_cell)

    @property
    def slots(self):
        """Number of slots."""
        return math.prod(self.shape)

    def slots_at(self, rows, columns, shift=(0, 0)):
        """Returns the slots `(rows, columns, bits_per_cell)` of a grid.

        Args:
            rows: of the grid, and `columns`.
            shift: rows and columns from the first cell to a corner of a tile.
        """
        down, across = (
            (np.arange(n) - start) % side
            for n, start, side in zip((rows, columns), shift, self.shape, strict=False)
        )
        return np.arange(self.slots).reshape(self.shape)[np.ix_(down, across)]

    def lay_out(self, bits, rows, columns, shift=(0, 0)):
        """Returns the values of slots `(rows, columns, bits_per_cell)` float32 in a whole grid."""
        return np.asarray(bits, np.float32).ravel()[self.slots_at(rows, columns, shift)]

    def half(self, rows, columns, key):
        """Returns the cells `(rows, columns)` bool that a mark takes beside another one: half.

        Of each slot, by a bit of the key, it has the cell in every second row of tiles: the other
        mark keeps its sign in as many, their sum is 0 where the two differ, and from left to right
        tiles repeat as before, by which copies are found. Where there is one row, columns count.

        Args:
            rows: of the grid, and `columns`.
            key: `tfwm.keys.Key`.
        """
        side = self.shape[0]
        first = key.bits(f"beside {side}", side * side).reshape(side, side)
        down, across = np.arange(rows), np.arange(columns)
        tile = down[:, None] // side if rows >= min(2 * side, columns) else across // side
        return (tile + first[np.ix_(down % side, across % side)]) % 2 == 0

    def fold(self, logits):
        """Sums the logits of all tiles.

        Args:
            logits: `(..., rows, columns, bits_per_cell)`.

        Returns:
            `(..., *shape)` float32; slots without a cell have 0.
        """
        logits = np.clip(logits, -LOGIT_LIMIT, LOGIT_LIMIT)
        rows, columns = (
            -n % side for n, side in zip(logits.shape[-3:-1], self.shape, strict=False)
        )
        pad = [(0, 0)] * (logits.ndim - 3) + [(0, rows), (0, columns), (0, 0)]
        padded = np.pad(logits, pad)
        *batch, height, width, bits = padded.shape
        side = self.shape[0]
        tiles = padded.reshape(*batch, height // side, side, width // side, side, bits)
        return tiles.sum(axis=(-5, -3), dtype=np.float32)


def tiling_of(network):
    """Returns the `Tiling` for a network; of whole photos, there is one cell."""
    cell_shape = (WORKING_SIDE, WORKING_SIDE) if network.whole else network.block_shape
    return Tiling(network.bits, cell_shape)


def has_fine_cells(network):
    """Returns whether marks of a network lie in small cells: they can be unbent, and be bound."""
    return not network.whole and max(network.block_shape) <= FINE_CELL
