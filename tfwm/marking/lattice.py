"""Computes how a copy was scaled, turned, stretched and sheared, from the repetition of its mark.

A mark is the same in each tile, so the fine detail of a marked photo resembles itself at a lattice
of shifts: its autocorrelation has peaks there, through JPEG compression and crops to a third of the
area. Two vectors of that lattice tell a whole linear map. Neither key nor network takes part.

References: M. Kutter, "Watermarking resisting to translation, rotation, and scaling", SPIE 3528,
1998, for marks that are laid out four times.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np

from tfwm.images.filters import detail, uniform
from tfwm.payload.phases import fast_length

# Detail is what a mean over so many pixels a side leaves, weighed by its own size nearby.
FINE = 5
FAINTEST = 0.8 / 255
LARGEST = 2.5
# Energies of frequencies count relative to those of so many around them, and no more than so many
# times those: the picture's own patterns are few strong frequencies.
AROUND = 7
STRONGEST = 10.0
# A shift counts where the copy and itself still share this part of the area.
OVERLAP = 0.05
# Peaks that are looked at, and what a mean over neighbors has by chance at the best of nine shifts.
PEAKS = 10
BY_CHANCE = 1.2
# How far lattices may be stretched and sheared: ratio of the sides, sine of the angle.
RATIO, SINE = 1.6, 0.75
# Unmarked photos stay below this strength but for some (docs/evidence.md).
CLEAR_LATTICE = 7.5
MULTIPLES = [
    (i, j) for i in range(4) for j in range(-3, 4) if (i > 0 or j > 0) and abs(i) + abs(j) <= 4
]


class Lattice(NamedTuple):
    """A lattice of shifts at which a copy resembles itself.

    Args:
        strength: how clearly it shows, in standard deviations of chance at a single shift.
        basis: `(2, 2)`; its columns are the two shifts `(rows, columns)`, in pixels.
    """

    strength: float
    basis: np.ndarray


def lattices(plane, period, most=3, reach=3.6, least=CLEAR_LATTICE):
    """Finds the lattices that show in a copy.

    Args:
        plane: `(height, width)` luminance in [0, 1].
        period: pixels between two tiles, in rows and columns alike, in the photo that was marked.
        most: number of lattices to return at most.
        reach: largest factor between `period` and that of the copy, either way.
        least: strength that a lattice has at least.

    Returns:
        `Lattice`s of that strength, the clearest first; few or none for an unmarked photo.
        A strongly repeating pattern of the picture may show as well.

    >>> tile = np.random.default_rng(0).random((96, 96))
    >>> found = lattices(0.1 * np.tile(tile, (3, 4)), 96)[0].basis
    >>> found.round().astype(int).tolist()
    [[96, 0], [0, 96]]
    """
    if min(plane.shape) < 2 * FINE:
        return []
    likeness, shared = _autocorrelation(_detail(plane))
    surface = _Surface(likeness, shared)
    shortest = period / reach
    shifts = surface.peaks(shortest)
    bases = [np.stack(pair, axis=1) for pair in _pairs(shifts) if _fits(*pair, period, reach)]
    found = sorted((Lattice(surface.strength(b), b) for b in bases), key=lambda a: -a[0])
    refined = [surface.refined(basis) for _, basis in found[: 2 * most]]
    kept = []
    for lattice in sorted(refined, key=lambda a: -a.strength):
        basis = reduced(lattice.basis)
        new = all(np.abs(basis - other.basis).max() > 2 for other in kept)
        if lattice.strength > least and abs(np.linalg.det(basis)) > 0 and new:
            kept.append(Lattice(lattice.strength, basis))
    return kept[:most]


def reduced(basis):
    """Returns the shortest basis of a lattice, its columns close to one row and one column."""
    short, long = sorted((basis[:, 0], basis[:, 1]), key=lambda v: v @ v)
    for _ in range(16):
        long = long - round(float(long @ short / max(short @ short, 1e-9))) * short
        if long @ long >= short @ short:
            break
        short, long = long, short
    down, across = (
        (short, long) if abs(short[0] * long[1]) >= abs(long[0] * short[1]) else (long, short)
    )
    return np.stack(
        [down * math.copysign(1, down[0]), across * math.copysign(1, across[1])], axis=1
    )


class _Surface:
    """The autocorrelation of a copy over all shifts, in standard deviations.

    Args:
        likeness: `(H, W)`, the shift 0 in the middle.
        shared: share of the copy's area that counts at each shift, of the same shape.
    """

    def __init__(self, likeness, shared):
        self._values = likeness / max(likeness[shared > OVERLAP].std(), 1e-9)
        self._shared = shared
        self._middle = np.array(likeness.shape) // 2

    def peaks(self, shortest):
        """The shifts of the highest peaks, in one half of the plane, at least so far away."""
        rows, columns = (
            np.arange(n) - m for n, m in zip(self._values.shape, self._middle, strict=True)
        )
        far = rows[:, None] ** 2 + columns**2 > shortest**2
        half = (rows[:, None] > 0) | ((rows[:, None] == 0) & (columns > 0))
        values = np.where(far & half & (self._shared > OVERLAP), self._values, -np.inf).ravel()
        highest = np.argpartition(-values, 40 * PEAKS)[: 40 * PEAKS]
        kept = []
        for index in highest[np.argsort(-values[highest])]:
            shift = np.array(divmod(int(index), self._values.shape[1])) - self._middle
            if all(((shift - other) ** 2).sum() > 16 for other in kept):
                kept.append(shift)
            if len(kept) == PEAKS:
                break
        return [shift.astype(float) for shift in kept]

    def strength(self, basis):
        """How clearly a lattice shows: the sum over its shifts, each as much as it shares."""
        points = list(self._points(basis, 1))
        norm = math.sqrt(sum(shared**2 for *_, shared in points))
        total = sum(shared * (value - BY_CHANCE) for _, _, value, shared in points)
        return total / norm if norm else 0.0

    def refined(self, basis):
        """The `Lattice` that fits the peaks best."""
        for radius in (2, 1, 1):
            points = list(self._points(basis, radius))
            if len(points) < 2:
                break
            weights = np.array([max(shared * value - 3, 0.01) for _, _, value, shared in points])
            multiples = np.array([multiple for multiple, *_ in points], float)
            shifts = np.stack([self._vertex(place) for _, place, *_ in points])
            solved = np.linalg.lstsq(
                multiples * weights[:, None], shifts * weights[:, None], rcond=None
            )
            basis = solved[0].T
        return Lattice(self.strength(basis), basis)

    def _points(self, basis, radius):
        """Yields multiple, place of the highest value near it, that value, and the share."""
        for multiple in MULTIPLES:
            place = np.rint(basis @ multiple).astype(int) + self._middle
            low, high = place - radius, place + radius + 1
            if (low < 1).any() or (high >= self._values.shape).any():
                continue
            shared = float(self._shared[tuple(place)])
            if shared <= OVERLAP:
                continue
            part = self._values[low[0] : high[0], low[1] : high[1]]
            best = np.array(np.unravel_index(np.argmax(part), part.shape)) + low
            yield multiple, best, float(part.max()), shared

    def _vertex(self, place):
        """The shift of a peak to a part of a pixel, by parabolas."""
        moved = np.zeros(2)
        for axis, step in enumerate(np.eye(2, dtype=int)):
            before, here, after = (self._values[tuple(place + n * step)] for n in (-1, 0, 1))
            bend = before - 2 * here + after
            if bend < 0:
                moved[axis] = np.clip(0.5 * (before - after) / bend, -0.5, 0.5)
        return place - self._middle + moved


def _pairs(shifts):
    """Pairs of shifts that may be the basis of the lattice to which the peaks belong."""
    for p in shifts:
        q = np.array([-p[1], p[0]])
        yield from ((p, q), ((p + q) / 2, (p - q) / 2), (p / 2, q / 2))
    for p, q in itertools.combinations(shifts, 2):
        yield from ((p, q), ((p + q) / 2, (p - q) / 2), (p, q / 2), (p / 2, q))
        yield from ((p, q - p), (p, q + p), (p - q, q))


def _fits(p, q, period, reach):
    a, b = np.hypot(*p), np.hypot(*q)
    if min(a, b) < period / reach or max(a, b) > min(period * reach, RATIO * min(a, b)):
        return False
    return abs(p[0] * q[1] - p[1] * q[0]) >= SINE * a * b


def _detail(plane):
    """Fine detail of a picture, as strong everywhere."""
    fine, energy = detail(plane, FINE)
    return np.clip(fine / np.sqrt(energy + FAINTEST**2), -LARGEST, LARGEST)


def _autocorrelation(detail):
    """Autocorrelation at all shifts, the shift 0 in the middle, and the share of the area."""
    shape = detail.shape
    padded = [fast_length(2 * n) for n in shape]
    spectrum = np.fft.rfft2(detail, padded)
    energy = spectrum.real**2 + spectrum.imag**2
    around = uniform(energy, AROUND)
    energy = np.minimum(energy / np.maximum(around, 1e-9 * around.max() + 1e-30), STRONGEST)
    likeness = np.fft.irfft2(energy - energy.mean(), padded)
    for axis in (0, 1):
        likeness = (np.roll(likeness, 1, axis) + 2 * likeness + np.roll(likeness, -1, axis)) / 4
    away = [np.minimum(np.arange(n), n - np.arange(n)) for n in padded]
    rows, columns = (np.maximum(n - a, 0) / n for n, a in zip(shape, away, strict=True))
    return np.fft.fftshift(likeness), np.fft.fftshift(rows[:, None] * columns)
