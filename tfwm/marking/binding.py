"""Binds a mark to its photo: the signs of some cells follow from the key and from what is seen.

A mark that is carried to another photo keeps the signs of the first one, which fit there by chance
alone. What a cell's surroundings show is told by the lowest frequencies of the means of cells, one
bit each, which ordinary edits and the mark itself leave as they are (as in pHash; Zauner,
"Implementation and Benchmarking of Perceptual Image Hash Functions", 2010). The key turns them into
the sign of the cell: without it, nobody knows which sign another picture asks for.
"""

import dataclasses
import math
from typing import NamedTuple

import numpy as np

from tfwm.marking.tiling import tiling_of
from tfwm.payload.evidence import agreement_p_value, normal_share
from tfwm.payload.layout import CONTENT_BITS

# Side of a cell's surroundings, in cells: part of the format, like the order of the frequencies.
SURROUNDINGS = 11
LEVELS = 255
# A bit is 1 where its coefficient exceeds this share of the mean: smooth places have clear zeros.
THRESHOLD = 0.05
# Edits change a coefficient by about so many gray levels: near the threshold, either bit may be.
NOISE = 2.5
# So many of the least sure bits of a cell are taken both ways.
UNSURE = 5
# A copy may have lost contrast: where nothing fits, so many times as much is tried as well.
GAINS = 2.0, 4.0, 8.0
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
    """

    p_value: float
    share: float
    deviations: float
    most: float

    @property
    def fits(self):
        """`True` if the mark was made for this content, `False` if for another, else `None`."""
        by_chance, share = self.p_value > BY_CHANCE, self.share >= LEAST_SHARE
        if share != by_chance and (share or self.deviations >= ENOUGH):
            return share
        return None

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
    return not (network.whole or key.is_public) and tiling.shape == (32, 32, 1)


def frequencies():
    """The vertical and horizontal frequencies of the bits, the lowest first."""
    pairs = [(u, v) for u in range(8) for v in range(8) if u + v]
    return sorted(pairs, key=lambda p: (sum(p), abs(p[0] - p[1]), p))[:CONTENT_BITS]


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
    coefficients, threshold = _transformed(plane, cell_shape, corner, grid)
    return coefficients - threshold


def _transformed(plane, cell_shape, corner, grid):
    """The coefficients of `content`, and the threshold `(rows, columns, 1)` of each cell."""
    (top, left), (rows, columns), (height, width) = corner, grid, cell_shape
    part = plane[top : top + rows * height, left : left + columns * width].mean(axis=-1)
    means = LEVELS * part.reshape(rows, height, columns, width).mean(axis=(1, 3))
    around = np.pad(means, SURROUNDINGS // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(around, (SURROUNDINGS, SURROUNDINGS))
    steps = np.pi / SURROUNDINGS * (np.arange(SURROUNDINGS) + 0.5)
    waves = np.cos(steps * np.arange(8)[:, None])
    waves /= np.linalg.norm(waves, axis=1, keepdims=True)
    across = np.einsum("ijkl,vl->ijkv", windows, waves)
    coefficients = [across[..., v] @ waves[u] for u, v in frequencies()]
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
        `(places, bits)`: rows and columns of the cells, and 0 or 1 for each.
    """
    places, numbers = _bound_cells(codec, network, grid, shift)
    seen = content(plane, network.block_shape, corner, grid)[places]
    values = (seen > 0) @ (1 << np.arange(CONTENT_BITS))
    return places, codec.bound_bits(numbers, values)


def binding_of(codec, network, readings):
    """Returns the `Binding` of a mark, `None` where nothing is seen.

    Args:
        codec: `tfwm.payload.Codec` of a secret key.
        network: that the marks were read with.
        readings: `Cells` at the place of the mark; several of them count together.
    """
    views = [_View.of(codec, network, cells) for cells in readings]
    found = _binding(codec, views)
    if found is None or found.fits or found.plain:
        return found
    for gain in GAINS:
        other = _binding(codec, views, gain)
        p_value = min(1.0, other.p_value * (1 + len(GAINS)))
        if (other := dataclasses.replace(other, p_value=p_value)).fits:
            return other
    return found


class _View(NamedTuple):
    """The bound cells of one reading, and how well its pilots agree.

    Args:
        numbers: of the cells among the bound slots.
        logits: of the cells.
        coefficients: `(cells, CONTENT_BITS)`, of what is seen around them.
        threshold: `(cells, 1)`.
        outside: share of their surroundings that nobody sees.
        noise: deviation that white noise in the copy gives a coefficient.
        pilots: agreement of each pilot's cell.
    """

    numbers: np.ndarray
    logits: np.ndarray
    coefficients: np.ndarray
    threshold: np.ndarray
    outside: np.ndarray
    noise: float
    pilots: np.ndarray

    @classmethod
    def of(cls, codec, network, cells):
        logits = np.clip(cells.logits[..., 0], -CLEAR, CLEAR)
        places, numbers = _bound_cells(codec, network, logits.shape, cells.shift)
        where = network.block_shape, cells.corner, logits.shape
        coefficients, threshold = _transformed(cells.plane, *where)
        cut = (*cells.corner, *cells.shift) != (0, 0, 0, 0)
        pilots = tiling_of(network).lay_out(codec.pilot, *logits.shape, cells.shift)[..., 0]
        return cls(
            numbers,
            logits[places],
            coefficients[places],
            threshold[places],
            cut * _outside(logits.shape)[places],
            _noise(cells.plane) / math.sqrt(math.prod(network.block_shape)),
            (pilots * logits).ravel(),
        )


def _binding(codec, views, gain=1.0):
    """The `Binding` at one contrast."""
    entries, weights, chance = [], [], []
    for view in views:
        seen = gain * view.coefficients - view.threshold
        values, chances = _likely(seen, math.hypot(NOISE, gain * view.noise), view.outside)
        entries.append((view.numbers[:, None] << CONTENT_BITS | values).ravel())
        weights.append((chances * view.logits[:, None]).ravel())
        chance.append(chances.ravel())
    pilots = np.concatenate([view.pilots for view in views])
    pilots = pilots[pilots != 0]
    if not np.any(np.concatenate(weights)) or not len(pilots):
        return None
    entries, which = np.unique(np.concatenate(entries), return_inverse=True)
    weights = np.bincount(which, np.concatenate(weights))
    chance = np.concatenate(chance)
    expected = (chance**2).sum()
    most = expected / max(np.linalg.norm(np.bincount(which, chance)), 1e-9)
    bits = codec.bound_bits(entries >> CONTENT_BITS, entries & ((1 << CONTENT_BITS) - 1))
    agreement = (2.0 * bits - 1) * weights
    expected *= max(float(pilots.mean()), 1e-9)
    p_value = math.exp(agreement_p_value(agreement))
    deviations = expected / float(np.linalg.norm(weights))
    return Binding(p_value, float(agreement.sum() / expected), float(deviations), float(most))


def _bound_cells(codec, network, grid, shift=(0, 0)):
    """Rows and columns of the bound cells of a grid, and their numbers among the bound slots."""
    numbers = np.full(codec.slots, -1)
    numbers[codec.bound_places] = np.arange(len(codec.bound_places))
    numbers = numbers[tiling_of(network).slots_at(*grid, shift)[..., 0]]
    places = np.nonzero(numbers >= 0)
    return places, numbers[places]


def _noise(plane):
    """The deviation of white noise in a plane, in gray levels, by the median of its finest detail.

    Donoho and Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 81(3), 1994.
    """
    a, b = (plane[start::2][: len(plane) // 2] for start in (0, 1))
    width = plane.shape[1] // 2 * 2
    fine = (a[:, :width:2] - a[:, 1:width:2] - b[:, :width:2] + b[:, 1:width:2]) / 2
    return LEVELS * float(np.median(np.abs(fine))) / 0.6745


def _likely(coefficients, noise, outside):
    """The likeliest values of each cell `(cells, 2 ** UNSURE)`, and their probabilities."""
    size = np.sqrt((coefficients**2).mean(axis=1, keepdims=True))
    certainty = np.abs(coefficients) / (noise + outside[:, None] * size)
    doubt = np.reshape([normal_share(-x) for x in certainty.flat], certainty.shape)
    order = np.argsort(-doubt, axis=1)
    doubt = np.take_along_axis(doubt, order, axis=1)
    values = (coefficients > 0) @ (1 << np.arange(CONTENT_BITS))[:, None]
    chances = (1 - doubt[:, UNSURE:]).prod(axis=1, keepdims=True)
    for number in range(UNSURE):
        bit = slice(number, number + 1)
        values = np.hstack([values, values ^ (1 << order[:, bit])])
        chances = np.hstack([chances * (1 - doubt[:, bit]), chances * doubt[:, bit]])
    return values, np.where(values == 0, 0.0, chances)  # smooth places tell nothing


def _outside(grid):
    """Share of each cell's surroundings that lies outside of the grid `(rows, columns)`."""
    reach = SURROUNDINGS // 2
    inside = [
        np.minimum(np.arange(n), reach) + np.minimum(np.arange(n)[::-1], reach) + 1 for n in grid
    ]
    return 1 - np.outer(*inside) / SURROUNDINGS**2
