"""Unbends a copy: how far its parts are shifted shows by the pilots, and a smooth map undoes it.

Perspective, lenses and slow warps shift the parts of a picture by some pixels, each by another
amount. The pilots of a part tell its shift; polynomials join the shifts of those parts that are
sure, and reach beyond them, so that the next round finds more parts.
"""

import functools
import itertools
import math

import numpy as np
from PIL import Image

from tfwm.images.filters import gaussian
from tfwm.marking.canvas import transformed
from tfwm.marking.tiling import LOGIT_LIMIT

# The stage of a search whose places come from here.
BENT = "bent"
# Shifts that are tried in each direction, in pixels: a network tolerates half of such a step.
SHIFTS = (-6, -3, 0, 3, 6)
# Rounds: deviation in cells of the part around a cell that is looked at, and degree of the map.
ROUNDS = (6, 2), (5, 2), (4, 4), (3, 5), (3, 6)
DEGREE = max(degree for _, degree in ROUNDS)
# Standard deviations at which a part is sure of its shift: chance stays below, of all its shifts.
# So many cells must lie in such parts.
SURE, FEWEST = 5.0, 30
# A map is smoother than its parts tell, by so much of their weight.
STIFF = 1e-2
# It is applied in squares of so many pixels.
SQUARE = 16


def unbent(reader, alignment):
    """Finds the map that undoes how a copy is bent.

    Args:
        reader: `tfwm.marking.Reader` of the copy, of a network whose cells have one bit.
        alignment: `Alignment` that fits some part of it.

    Returns:
        The `Alignment` with the `bend` that has the highest pilot score, or `None` if no part of
        the copy shows pilots. Pilots that led there are no evidence: only a message is.
    """
    best, total = (-math.inf, None), np.zeros((2, len(_terms(DEGREE))))
    for deviation, degree in ROUNDS:
        cells = reader.shifted(alignment, list(itertools.product(SHIFTS, repeat=2)))
        step = cells and _step(cells, reader.pilots(cells), deviation, degree)
        if step is None:
            break
        total[:, : step.shape[1]] += step
        alignment = alignment.moved(bend=tuple(map(tuple, total.tolist())))
        score = reader.score(alignment)
        if score <= best[0]:
            break
        best = score, alignment
    return best[1]


def bent(plane, bend):
    """Applies a map to a plane.

    Args:
        plane: `(height, width, channels)`.
        bend: two rows of coefficients, see `Alignment`.

    Returns:
        The same shape; the value at each pixel comes from as many pixels further down and to
        the right as the map says there. Edge pixels are repeated.
    """
    height, width = plane.shape[:2]
    rows, columns = (_nodes(side) for side in (height, width))
    down, right = (shifts_at(row, rows / height, columns / width) for row in bend)
    places = np.stack([columns + right, rows[:, None] + down], axis=-1)
    # Pillow fills with black what lies outside: so there is a margin.
    margin = int(math.ceil(max(np.abs(down).max(), np.abs(right).max()))) + 2
    mesh = []
    for i, j in itertools.product(range(len(rows) - 1), range(len(columns) - 1)):
        corners = places[[i, i + 1, i + 1, i], [j, j, j + 1, j + 1]]
        box = columns[j], rows[i], columns[j + 1], rows[i + 1]
        mesh.append((tuple(int(n) for n in box), tuple((corners + margin).ravel().tolist())))
    padded = np.pad(plane, [(margin, margin)] * 2 + [(0, 0)], "edge")
    return transformed(padded, (width, height), Image.Transform.MESH, mesh)


def largest_shift(bend):
    """Returns how far a map moves pixels at most, in pixels."""
    places = np.linspace(0, 1, 33)
    return float(np.hypot(*(shifts_at(row, places, places) for row in bend)).max())


def shifts_at(coefficients, rows, columns):
    """Values `(rows, columns)` of a polynomial at parts of the height and width, 0 to 1."""
    return np.tensordot(coefficients, _basis(rows, columns, len(coefficients)), axes=1)


def _step(cells, pilots, deviation, degree):
    """Coefficients `(2, terms)` that fit the shifts of parts, or `None`."""
    surface = _surety(cells.logits, pilots, deviation)
    weights = np.maximum(surface.max(axis=(0, 1)) - SURE, 0)
    if np.count_nonzero(weights) < FEWEST:
        return None
    rows, columns = ((np.arange(n) + 0.5) / n for n in weights.shape)
    basis = _basis(rows, columns, len(_terms(degree)))
    basis = basis.reshape(len(basis), -1)
    weighed = basis * weights.ravel()
    stiff = STIFF * weights.sum() * np.diag(np.arange(len(basis)) > 0)
    solved = np.linalg.solve(
        weighed @ basis.T + stiff, weighed @ np.reshape(_best_shifts(surface), (2, -1)).T
    )
    return solved.T


def _surety(logits, pilots, deviation):
    """How surely the parts around cells fit each shift `(shifts, shifts, rows, columns)`."""
    count = len(SHIFTS)
    agreement = np.moveaxis(np.clip(logits, -LOGIT_LIMIT, LOGIT_LIMIT) * pilots, 0, -1)
    sums = (values.sum(axis=-2) for values in (agreement, agreement**2))
    mean, energy = (gaussian(values, deviation) for values in sums)
    # The mean of independent values under a Gaussian of that deviation is so much less noisy.
    z = 2 * math.sqrt(math.pi) * deviation * mean / np.sqrt(energy + 1e-6)
    return np.moveaxis(z, -1, 0).reshape(count, count, *logits.shape[1:3])


def _best_shifts(surface):
    """Rows and columns of the highest values, between the steps by parabolas, in pixels."""
    count, shape = len(SHIFTS), surface.shape[2:]
    flat = surface.reshape(count, count, -1)
    cells = np.arange(flat.shape[-1])
    best = np.unravel_index(flat.reshape(count**2, -1).argmax(axis=0), (count, count))
    shifts = []
    for axis in (0, 1):
        inner = np.clip(best[axis], 1, count - 2)
        before, here, after = (
            flat[(inner + n, best[1], cells) if axis == 0 else (best[0], inner + n, cells)]
            for n in (-1, 0, 1)
        )
        bend = np.minimum(before - 2 * here + after, -1e-6)
        between = np.where(inner == best[axis], 0.5 * (before - after) / bend, 0)
        places = best[axis] + np.clip(between, -0.5, 0.5)
        shifts.append(SHIFTS[0] + places.reshape(shape) * (SHIFTS[1] - SHIFTS[0]))
    return shifts


@functools.cache
def _terms(degree):
    """Exponents of rows and columns, lower degrees first."""
    return [(total - j, j) for total in range(degree + 1) for j in range(total + 1)]


def _basis(rows, columns, count):
    """Products of Chebyshev polynomials `(count, rows, columns)`."""
    down, right = (
        np.polynomial.chebyshev.chebvander(2 * np.asarray(places) - 1, DEGREE)
        for places in (rows, columns)
    )
    return np.stack([np.outer(down[:, i], right[:, j]) for i, j in _terms(DEGREE)[:count]])


def _nodes(side):
    return np.append(np.arange(0, side - SQUARE // 2, SQUARE), side)
