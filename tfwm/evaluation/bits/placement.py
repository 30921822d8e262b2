"""Which bit of a message lies in which block of an image."""

from dataclasses import dataclass

import numpy as np

from tfwm.checks import need

NOTHING = -1


@dataclass(frozen=True)
class Placement:
    """Which bit of a message sits in which block of an image.

    A watermark plane holds one bit for each block; a message is repeated on it and read
    back by a vote over the copies. ReDMark, section 4.2.

    Args:
        cells: int array `(planes, rows, columns)`: the number of the bit in each block, or
            -1 for blocks that carry nothing. Planes are the image's marked channels, or the
            bits of a block.
        num_bits: length of the message.

    Example:

    >>> placement = paper_placement(16, 16, redundancy=4)
    >>> placement.num_bits, placement.cells.shape
    (1024, (1, 64, 64))
    >>> bits = np.random.default_rng(0).integers(0, 2, 1024)
    >>> plane = placement.spread_out(bits)
    >>> bool((placement.vote(20.0 * plane - 10) == bits).all())
    True
    """

    cells: np.ndarray
    num_bits: int

    def __post_init__(self):
        used = self.cells[self.cells != NOTHING]
        if self.cells.ndim != 3 or len(np.unique(used)) != self.num_bits or self.num_bits < 1:
            raise ValueError(
                "Expected cells (planes, rows, columns) that hold each of the bits. Received: "
                f"num_bits={self.num_bits}, cells of shape {self.cells.shape} with "
                f"{len(np.unique(used))} different bits"
            )

    def spread_out(self, bits, filler=0):
        """Puts messages on watermark planes.

        Args:
            bits: `(..., num_bits)` of 0 and 1.
            filler: what the blocks that carry nothing get; a number or an array that
                broadcasts to the result.

        Returns:
            `(..., planes, rows, columns)`.
        """
        bits = np.asarray(bits)
        plane = bits[..., np.maximum(self.cells, 0)]
        return np.where(self.cells == NOTHING, filler, plane)

    def vote(self, logits, how="majority"):
        """Reads messages from what the extractor gave for each block.

        Args:
            logits: `(..., planes, rows, columns)`, positive for a 1.
            how: `"majority"`, the paper's: each copy is decided by itself and a bit is 1
                if more than half of its copies are, so ties are 0. `"soft"`: the sign of
                the sum of the logits, so that sure copies outweigh unsure ones.

        Returns:
            uint8 `(..., num_bits)` of 0 and 1.
        """
        if how not in VOTES:
            raise ValueError(f"Expected a vote of {VOTES}. Received: how={how!r}")
        votes = np.asarray(logits, np.float64)
        if how == "majority":
            votes = np.where(votes > 0, 1.0, -1.0)
        lead = votes.shape[: votes.ndim - 3]
        used = self.cells.ravel() != NOTHING
        index = self.cells.ravel()[used]
        flat = votes.reshape(-1, self.cells.size)[:, used]
        sums = np.stack([np.bincount(index, row, self.num_bits) for row in flat])
        return (sums > 0).astype(np.uint8).reshape(*lead, self.num_bits)


VOTES = ("majority", "soft")


def paper_placement(rows, columns, redundancy=4, patch_cells=4, planes=1):
    """The authors' placement, for any grid of patches.

    The patches are walked along diagonals: step `d rows + i` is the patch
    `(i, (i + d) mod columns)`. Each group of `patch_cells^2` bits fills `redundancy`
    patches in a row, always in the same order inside the patch. On the authors' 16 x 16
    patches, patch `(r, c)` has the group `4 ((c - r) mod 16) + floor(r / 4)`. Patches left
    over at the end of the walk carry nothing.

    Args:
        rows, columns: the image's size in patches.
        redundancy: number of copies of each bit.
        patch_cells: blocks along a patch's side.
        planes: number of planes; a group then has as many times the bits.

    Returns:
        `Placement` of `planes patch_cells^2 (rows columns // redundancy)` bits.
    """
    groups = _num_groups(rows, columns, redundancy)
    step = np.arange(rows * columns)
    row = step % rows
    column = (row + step // rows) % columns
    group_of = np.full((rows, columns), NOTHING)
    group = step // redundancy
    group_of[row, column] = np.where(group < groups, group, NOTHING)
    return _from_groups(group_of, (0, 0), patch_cells, groups, planes)


def spread_placement(rows, columns, redundancy=4, patch_cells=4, planes=1):
    """Puts a bit's copies far apart, so that local damage does not hit several.

    The image is halved across its longer side, the halves again, and so on until there is
    one region for each copy; a group of bits has its patch at the same place in each
    region. Copies of a bit are thus half an image apart for four copies (the paper's sit
    on neighbouring patches of a diagonal). Each copy also has the group's bits at other
    blocks of the patch.

    Args:
        rows, columns, redundancy, patch_cells, planes: see `paper_placement`.

    Returns:
        `Placement` of as many bits as `paper_placement` has.
    """
    groups = _num_groups(rows, columns, redundancy)
    group_of = np.full((rows, columns), NOTHING)
    rolls = np.zeros((rows, columns, 2), int)
    half = max(1, patch_cells // 2)
    for copy, (row, column) in enumerate(_regions(rows, columns, redundancy)):
        group_of[row, column] = np.arange(groups)
        # Distinct offsets for the first four copies, then one cell further for the next.
        rolls[row, column] = (half * (copy % 2) + copy // 4, half * (copy // 2 % 2) + copy // 4)
    return _from_groups(group_of, rolls, patch_cells, groups, planes)


def message_placement(rows, columns, num_bits, planes=1, patch_cells=4):
    """Repeats a short message over all blocks of all planes.

    Each plane is divided into as many regions as it can hold copies (as in
    `spread_placement`, by blocks); the planes start at different bits, so that the copies
    of a bit in the three channels are at different places.

    Args:
        rows, columns: the image's size in patches.
        num_bits: length of the message, at most the blocks of a plane.
        planes: number of channels that are marked.
        patch_cells: blocks along a patch's side.

    Returns:
        `Placement` with `planes (rows columns patch_cells^2 // num_bits)` copies of each
        bit.
    """
    rows, columns = rows * patch_cells, columns * patch_cells
    copies = rows * columns // num_bits if num_bits > 0 else 0
    if not copies:
        raise ValueError(
            f"Expected 1 to {rows * columns} bits, the blocks of a plane. "
            f"Received: num_bits={num_bits}"
        )
    cells = np.full((planes, rows, columns), NOTHING)
    for plane in range(planes):
        shifted = (np.arange(num_bits) + plane * num_bits // planes) % num_bits
        for row, column in _regions(rows, columns, copies):
            cells[plane, row[:num_bits], column[:num_bits]] = shifted
    return Placement(cells, num_bits)


PLACEMENTS = {"paper": paper_placement, "spread": spread_placement}


def _num_groups(rows, columns, redundancy):
    groups = rows * columns // redundancy if redundancy > 0 else 0
    if not groups:
        raise ValueError(
            f"Expected a redundancy of 1 to {rows * columns}, the number of patches. "
            f"Received: redundancy={redundancy}"
        )
    return groups


def _from_groups(group_of, rolls, patch_cells, groups, planes):
    """Cells from each patch's group and the offset of its bits inside the patch."""
    rows, columns = group_of.shape
    rolls = np.broadcast_to(rolls, (rows, columns, 2))[..., None, None]
    y, x = np.mgrid[:patch_cells, :patch_cells]
    y, x = (y + rolls[:, :, 0]) % patch_cells, (x + rolls[:, :, 1]) % patch_cells
    group = group_of[..., None, None]
    cells = (group * planes + np.arange(planes)[:, None, None, None, None]) * patch_cells**2
    cells = np.where(group == NOTHING, NOTHING, cells + y * patch_cells + x)
    cells = cells.transpose(0, 1, 3, 2, 4)
    cells = cells.reshape(planes, rows * patch_cells, columns * patch_cells)
    return Placement(cells, groups * planes * patch_cells**2)


def _regions(rows, columns, count):
    """Halves the grid until there are `count` regions of (nearly) equal size.

    Returns a list of `(row, column)` index arrays of `rows columns // count` places. The
    i-th places of all regions lie alike in their regions.
    """
    share = rows * columns // count
    row, column = (x.ravel() for x in np.mgrid[:rows, :columns])
    todo, regions = [(row, column, count)], []
    while todo:
        row, column, parts = todo.pop()
        if parts == 1:
            regions.append(np.stack([row, column], -1))
            continue
        tall = np.ptp(row) >= np.ptp(column)
        order = np.lexsort((column, row) if tall else (row, column))
        half = parts // 2
        cut = max(round(len(row) * half / parts), share * half)
        cut = min(cut, len(row) - share * (parts - half))
        first, second = np.sort(order[:cut]), np.sort(order[cut:])
        todo.append((row[second], column[second], parts - half))
        todo.append((row[first], column[first], half))
    first = regions[0][:share]
    return [tuple(_matched(region, first).T) for region in regions]


def _matched(region, first):
    """The places of `region`, in the order of the places of `first` that they correspond to."""
    here, there = region - region.mean(0), first - first.mean(0)
    distance = ((there[:, None] - here[None]) ** 2).sum(-1)
    optimize = need("scipy.optimize", "evaluate")
    return region[optimize.linear_sum_assignment(distance)[1]]
