"""Binds a mark to its photo: the signs of some cells follow from the key and from what is seen.

A mark that is carried to another photo keeps the signs of the first one, which fit there by chance
alone. What a cell's surroundings show is told by the lowest frequencies of the means of cells, one
bit each, which ordinary edits and the mark itself leave as they are (as in pHash; Zauner,
"Implementation and Benchmarking of Perceptual Image Hash Functions", 2010). The key turns them into
the sign of the cell: without it, nobody knows which sign another picture asks for.
"""

import dataclasses
import functools
import itertools
import math
from typing import NamedTuple

import numpy as np

from tfwm.marking.reader import Cells
from tfwm.marking.tiling import has_fine_cells, tiling_of
from tfwm.payload.evidence import agreement_p_value, normal_share
from tfwm.payload.layout import CONTENT_BITS, SHARED_SLOTS

# Side of a cell's surroundings, in cells: part of the format, like the order of the frequencies.
SURROUNDINGS = 11
LEVELS = 255
# A bit is 1 where its coefficient exceeds this share of the mean: smooth places have clear zeros.
THRESHOLD = 0.05
# Edits change a coefficient by about so many gray levels: near the threshold, either bit may be.
NOISE = 2.5
# And by a share of the detail that is finer than cells: white noise by an eighth, which is the mean
# of a cell. Where nothing fits, more is tried: raised local contrast costs what is slow.
DETAILS = 0.125, 0.3
# So many of the least sure bits of a cell are taken both ways.
UNSURE = 5
# Values less likely than this do not count.
LEAST_CHANCE = 1e-5
# A copy may have lost or gained contrast: where nothing fits, so many times as much is tried too.
GAINS = 1.0, 2.0, 4.0, 8.0, 0.5, 0.25
# Within so many cells around it, the known signs agree less than this share of the mean where the
# mark is gone: something was laid over the photo.
LOST, NEAR = 0.3, 2
# Beyond this logit, a cell counts no more: who knows few signs gains nothing by writing these
# strongly and the pilots faintly.
CLEAR = 1.0
# Chance that a mark made for other content is said to fit.
BY_CHANCE = 0.01
# Part of the agreement to be expected that it takes besides: who has many marked photos of one key
# knows some of its signs.
LEAST_SHARE = 0.3
# Standard deviations of agreement to be expected, so that its absence tells.
ENOUGH = 5.0


@dataclasses.dataclass(frozen=True)
class Binding:
    """How well a mark agrees with what the copy shows.

    Args:
        p_value: bounds the probability that a mark made for other content agrees as well.
        share: the agreement, divided by that of a mark that was made for this content, as far as
            the pilots let expect it: about 1 or about 0.
        deviations: that expected agreement, in standard deviations of chance.
        most: the deviations that an undamaged mark would have: few in pictures that are small or
            show nothing but smooth places.
        left: share of the cells where the mark still is: less where something was laid over it.
    """

    p_value: float
    share: float
    deviations: float
    most: float
    left: float = 1.0

    @property
    def fits(self):
        """`True` if the mark was made for this content, `False` if for another, else `None`."""
        by_chance = self.p_value > BY_CHANCE
        if self.share >= LEAST_SHARE:
            return None if by_chance or self.share * self.left < LEAST_SHARE else True
        enough = self.deviations >= ENOUGH and self.share + 1 / self.deviations < LEAST_SHARE
        return False if by_chance and enough else None

    @property
    def plain(self):
        """Whether the picture shows too little for any mark to be bound to it."""
        return self.most < ENOUGH

    def to_dict(self):
        """Returns plain values, ready for JSON, of five digits: more depend on the machine."""
        values = {name: float(f"{x:.5g}") for name, x in dataclasses.asdict(self).items()}
        return {"fits": self.fits, **values}


def binds(network, key):
    """Whether marks of a network with a `tfwm.payload.Key` are bound to their photos."""
    tiling = tiling_of(network)
    return has_fine_cells(network) and tiling.slots >= SHARED_SLOTS and not key.is_public


def frequencies():
    """The vertical and horizontal frequencies of the bits, the lowest first."""
    pairs = [(u, v) for u in range(8) for v in range(8) if u + v]
    return sorted(pairs, key=lambda p: (sum(p), abs(p[0] - p[1]), p))[:CONTENT_BITS]


def waves():
    """Returns the waves of these frequencies, `(SURROUNDINGS, SURROUNDINGS)` of unit norm each."""
    along = _waves()
    return [np.outer(along[u], along[v]) for u, v in frequencies()]


def _waves():
    steps = np.pi / SURROUNDINGS * (np.arange(SURROUNDINGS) + 0.5)
    along = np.cos(steps * np.arange(8)[:, None])
    return along / np.linalg.norm(along, axis=1, keepdims=True)


def content(plane, cell_shape, corner, grid):
    """Returns how far each bit of what is seen around each cell exceeds its threshold.

    These are coefficients of the discrete cosine transform of the means of cells.

    Args:
        plane: `(height, width, channels)` in [0, 1].
        cell_shape: `(rows, columns)` of a cell in pixels.
        corner: `(y, x)` of the first cell.
        grid: `(rows, columns)` of cells.

    Returns:
        `(rows, columns, CONTENT_BITS)` in gray levels; at the edges, the last cells go on.
    """
    coefficients, threshold = _transformed(_parts(plane, cell_shape, corner, grid))
    return coefficients - threshold


def _transformed(parts):
    """The coefficients of `content`, and the threshold `(rows, columns, 1)`, from `_parts`."""
    windows = _windows(parts.mean(axis=(1, 3)), mode="edge")
    along = _waves()
    across = np.einsum("ijkl,vl->ijkv", windows, along)
    coefficients = [across[..., v] @ along[u] for u, v in frequencies()]
    threshold = THRESHOLD * windows.mean(axis=(-2, -1))
    return np.stack(coefficients, axis=-1), threshold[..., None]


def asked(codec, network, plane, grid, corner=(0, 0), shift=(0, 0)):
    """Returns the bits that a photo asks for in the bound cells of a grid.

    Args:
        codec: `tfwm.payload.Codec` of a secret key.
        network: of the marks.
        plane: see `content`, also for `grid` and `corner`.
        grid: rows and columns.
        corner: of the first cell.
        shift: rows and columns from the first cell to a corner of a tile.

    Returns:
        `(places, bits)`: row, column and place within the cell of each bound bit, and 0 or 1.
    """
    places, numbers = _bound_places(codec, network, grid, shift)
    seen = content(plane, network.block_shape, corner, grid)[places[:2]]
    return places, codec.bound_bits(numbers, _values(seen))


def is_plain(codec, network, plane, grid):
    """Returns whether a photo shows too little for any mark to be bound to it; see `asked`."""
    cells = Cells(np.ones((*grid, network.bits)), (0, 0), (0, 0), plane)
    return _most([_View.of(codec, network, cells)]) < ENOUGH


def binding_of(codec, network, readings, signs=None):
    """Returns the `Binding` of a mark, `None` where nothing is seen.

    Args:
        codec: `tfwm.payload.Codec` of a secret key.
        network: that the marks were read with.
        readings: `Cells` at the place of the mark; several of them count together.
        signs: `(slots,)`, those known from a message, else 0: they tell where the mark is gone.
            The pilots are too few for that.
    """
    views = [_View.of(codec, network, cells, signs) for cells in readings]
    most = _most(views)
    found = _binding(codec, views, most)
    if found is None or found.fits or found.plain:
        return found
    tries = list(itertools.product(DETAILS, GAINS))
    others = {}
    for each in tries[1:]:
        others[each] = other = _binding(codec, views, most, *each) or found
        p_value = min(1.0, other.p_value * len(tries))
        if (other := dataclasses.replace(other, p_value=p_value)).fits:
            return other
    return others[DETAILS[-1], GAINS[0]]


class _View(NamedTuple):
    """The bound bits of one reading, and how well its pilots agree.

    Args:
        numbers: of the bits among the bound slots.
        logits: of the bits.
        coefficients: `(bits, CONTENT_BITS)`, of what is seen around their cells.
        threshold: `(bits, 1)`.
        detail: `(bits, 1)`, deviation of what is finer than cells around them, in gray levels.
        outside: share of their surroundings that lies outside of a crop, `(bits, 1)`.
        covered: share of their surroundings where the mark is gone, `(bits, 1)`.
        gone: whether it is gone at the cell itself.
        pilots: agreement of each pilot's cell where it is not gone.
        left: share of all cells where it is not.
    """

    numbers: np.ndarray
    logits: np.ndarray
    coefficients: np.ndarray
    threshold: np.ndarray
    detail: np.ndarray
    outside: np.ndarray
    covered: np.ndarray
    gone: np.ndarray
    pilots: np.ndarray
    left: float

    @classmethod
    def of(cls, codec, network, cells, signs=None):
        logits = np.clip(cells.logits, -CLEAR, CLEAR)
        grid = logits.shape[:2]
        places, numbers = _bound_places(codec, network, grid, cells.shift)
        where = network.block_shape, cells.corner, grid
        parts = _parts(cells.plane, *where)
        coefficients, threshold = _transformed(parts)
        detail = _around(parts.var(axis=(1, 3)), mode="edge")
        cut = (*cells.corner, *cells.shift) != (0, 0, 0, 0)
        tiling = tiling_of(network)
        pilots, known = (
            tiling.lay_out(x, *grid, cells.shift)
            for x in (codec.pilot, np.zeros(codec.slots) if signs is None else signs)
        )
        gone = _gone((known * logits).sum(axis=-1), (known != 0).sum(axis=-1))
        at = places[:2]
        return cls(
            numbers,
            logits[places],
            coefficients[at],
            threshold[at],
            np.sqrt(detail)[at][:, None],
            _around(np.zeros(grid), constant_values=float(cut))[at][:, None],
            _around(gone.astype(float))[at][:, None],
            gone[at],
            (pilots * logits)[~gone[..., None] & (pilots != 0)],
            1 - float(gone.mean()),
        )

    def seen(self, gain):
        """How far the bits exceed their threshold, at a contrast."""
        return gain * self.coefficients - self.threshold


def _binding(codec, views, most, detail=DETAILS[0], gain=GAINS[0]):
    """The `Binding` at one contrast, with so much doubt for detail."""
    likely = []
    for view in views:
        noise = np.hypot(NOISE, gain * detail * view.detail)
        values, chances = _likely(view.seen(gain), noise, view.outside + view.covered)
        likely.append((values, np.where(view.gone[:, None], 0.0, chances)))
    entries, weights, expected = _gathered(views, likely, [view.logits for view in views])
    pilots = np.concatenate([view.pilots for view in views])
    if not len(weights) or not len(pilots):
        return None
    bits = codec.bound_bits(entries >> CONTENT_BITS, entries & ((1 << CONTENT_BITS) - 1))
    agreement = (2.0 * bits - 1) * weights
    expected *= max(float(pilots.mean()), 1e-9)
    p_value = math.exp(agreement_p_value(agreement))
    share, deviations = agreement.sum() / expected, expected / np.linalg.norm(weights)
    left = float(np.mean([view.left for view in views]))
    return Binding(p_value, float(share), float(deviations), most, left)


def _most(views):
    """The deviations of an undamaged mark, by what is seen and not by what was done to the copy."""
    likely = [_likely(view.seen(1.0), NOISE, view.outside) for view in views]
    _, chances, expected = _gathered(views, likely, [np.ones(len(view.logits)) for view in views])
    return float(expected / max(np.linalg.norm(chances), 1e-9))


def _gathered(views, likely, votes):
    """What cells vote for, together.

    Args:
        views: of the cells.
        likely: values and chances of each view, see `_likely`.
        votes: `(cells,)` of each view.

    Returns:
        `(entries, weights, squares)`: numbers with values in one integer, the votes for each times
        their chances, and the sum of the squared chances of all cells.
    """
    entries, weights, squares = [], [], 0.0
    for view, (values, chances), vote in zip(views, likely, votes, strict=True):
        entries.append((view.numbers[:, None] << CONTENT_BITS | values).ravel())
        weights.append((chances * vote[:, None]).ravel())
        squares += float((chances**2).sum())
    entries, weights = np.concatenate(entries), np.concatenate(weights)
    entries, which = np.unique(entries[weights != 0], return_inverse=True)
    return entries, np.bincount(which, weights[weights != 0]), squares


def _bound_places(codec, network, grid, shift=(0, 0)):
    """Places of the bound bits of a grid, see `asked`, and their numbers among the bound slots."""
    numbers = np.full(codec.slots, -1)
    numbers[codec.bound_places] = np.arange(len(codec.bound_places))
    numbers = numbers[tiling_of(network).slots_at(*grid, shift)]
    places = np.nonzero(numbers >= 0)
    return places, numbers[places]


def _parts(plane, cell_shape, corner, grid):
    """The cells of a plane, in gray levels, `(rows, height, columns, width)`."""
    (top, left), (rows, columns), (height, width) = corner, grid, cell_shape
    part = plane[top : top + rows * height, left : left + columns * width].mean(axis=-1)
    return LEVELS * part.reshape(rows, height, columns, width)


def _around(grid, reach=SURROUNDINGS // 2, **edges):
    """The mean of a grid over the surroundings of each of its cells; `edges` are of `np.pad`."""
    return _windows(grid, reach, **edges).mean(axis=(-2, -1))


def _windows(grid, reach=SURROUNDINGS // 2, **edges):
    side = 2 * reach + 1
    return np.lib.stride_tricks.sliding_window_view(np.pad(grid, reach, **edges), (side, side))


def _gone(agreement, known):
    """Where the mark is gone, by the agreement of the known signs of a grid, and their numbers."""
    count = _around(known.astype(float), NEAR)
    near = _around(agreement, NEAR) / np.maximum(count, 1e-9)
    return (count > 0) & (near < LOST * agreement.sum() / max(known.sum(), 1))


def _values(coefficients):
    """The bits of each cell as a number."""
    return np.packbits(coefficients > 0, axis=-1, bitorder="little").view("<u2")[..., 0].astype(int)


@functools.cache
def _tail():
    """Places and values of the normal distribution's tail, for interpolation."""
    places = np.arange(0, 8, 1e-3)
    return places, np.array([normal_share(-x) for x in places])


def _likely(coefficients, noise, unseen):
    """The likeliest values of each cell `(cells, 2 ** UNSURE)`, and their probabilities."""
    size = np.sqrt((coefficients**2).mean(axis=1, keepdims=True))
    certainty = np.abs(coefficients) / (noise + unseen * size)
    doubt = np.interp(certainty, *_tail())
    order = np.argsort(-doubt, axis=1)
    doubt = np.take_along_axis(doubt, order, axis=1)
    values = _values(coefficients)[:, None]
    chances = (1 - doubt[:, UNSURE:]).prod(axis=1, keepdims=True)
    for number in range(UNSURE):
        bit = slice(number, number + 1)
        values = np.hstack([values, values ^ (1 << order[:, bit])])
        chances = np.hstack([chances * (1 - doubt[:, bit]), chances * doubt[:, bit]])
    counts = (values != 0) & (chances > LEAST_CHANCE)  # smooth places tell nothing
    return values, np.where(counts, chances, 0.0)
