"""Reads the cells of a copy at any alignment, and finds the best offset."""

import itertools
import math
from typing import NamedTuple

import numpy as np

from tfwm.marking.ahead import ahead
from tfwm.marking.filtered import FilteredNetwork, behind_filter
from tfwm.marking.planes import Planes, center
from tfwm.marking.tiling import tiling_of
from tfwm.payload.layout import pattern_signs

# So many pixels go through the network at once.
BATCH_PIXELS = 1 << 20
# If patches are larger, a scan also reads those that lie partly outside the copy.
LARGE_PATCH = 64 * 64
# Pixels around a window that reach it through the filter of a key: most of what does.
AROUND = 32


class Cells(NamedTuple):
    """The logits of a copy's cells at one alignment.

    Args:
        logits: `(rows, columns, bits_per_cell)`, with the signs of a mark's first pattern; 0 where
            an unfolded frame has none of the copy.
        corner: `(y, x)` of the first cell in the aligned plane, in pixels.
        shift: `(rows, columns)` from the first cell to a corner of a payload's tile.
        plane: the aligned plane, `(height, width, channels)` in [0, 1].
    """

    logits: np.ndarray
    corner: tuple
    shift: tuple
    plane: np.ndarray


class Reader:
    """Reads the cells of one copy under any alignment, with the evidence for each.

    Args:
        network: `tfwm.export.Network`.
        canvas: `Canvas` of the copy, with the network's channels.
        codec: `tfwm.payload.Codec` with as many slots as the network's `Tiling`.

    Attributes:
        trials: number of alignments whose score was looked at.
    """

    def __init__(self, network, canvas, codec):
        self.network = behind_filter(network, codec.key)
        self.canvas = canvas
        self.codec = codec
        self.trials = 0
        self._filtered = isinstance(self.network, FilteredNetwork)
        self._tiling = tiling_of(network)
        self._patterns = np.ones((1, self._tiling.slots), np.float32)
        if self._filtered:
            self._patterns = pattern_signs(self._tiling.slots, codec.key)
        pilots = np.vstack([codec.pilot * self._patterns, np.abs(codec.pilot)])
        pilots = pilots.reshape(-1, *self._tiling.shape)
        self._templates = np.conj(np.fft.rfft2(pilots, axes=(1, 2)))
        self.planes = Planes(canvas, self.network)

    @property
    def _threads(self):
        return getattr(self.network, "parallel", 1)  # known when the network has been opened

    def fits(self, scale):
        """Whether at least one patch of the network fits the copy at this scale."""
        sides = sorted((self.canvas.height, self.canvas.width))
        patch = sorted(self.network.patch_shape)
        return all(int(n * scale + 1e-6) >= p for n, p in zip(sides, patch, strict=True))

    def cells(self, alignment):
        """Reads every cell of the copy at one alignment, offset included.

        Returns:
            `Cells`, or `None` if no patch of the network fits.
        """
        return self._counted(self._cells(alignment))

    def shifted(self, alignment, shifts):
        """Reads every cell at one alignment, from places that are shifted in turn.

        Args:
            alignment: `Alignment`, offset included.
            shifts: pairs of pixels to the bottom and to the right.

        Returns:
            `Cells` with `logits` of `(len(shifts), rows, columns, bits_per_cell)`, or `None`.
        """
        return self._counted(self._shifted(alignment, shifts))

    def _counted(self, found):
        """The first of a result and its number of trials, which are added to those so far."""
        result, trials = found
        self.trials += trials
        return result

    def _cells(self, alignment):
        """`cells`, and how many trials that took beside the reading itself."""
        found, trials = self._shifted(alignment, [(0, 0)])
        return found and found._replace(logits=found.logits[0]), trials

    def _shifted(self, alignment, shifts):
        plane, corner = self.planes.at(alignment)
        tile = (0, 0)
        if alignment.offset is not None and not self.network.whole:
            tile = [o - c for o, c in zip(alignment.offset, corner, strict=True)]
        patch, block = self.network.patch_shape, self.network.block_shape
        phase = tuple(t % p for t, p in zip(tile, patch, strict=True))
        room = [n - f for n, f in zip(plane.shape[:2], phase, strict=True)]
        if any(r < p for r, p in zip(room, patch, strict=True)):
            return None, 0
        shift = tuple((t - f) // b for t, f, b in zip(tile, phase, block, strict=True))
        margin = int(np.abs(shifts).max())
        around = self._seen(plane)
        around = np.pad(around, [(margin, margin)] * 2 + [(0, 0)], "edge") if margin else around
        places = [[f + margin + s for f, s in zip(phase, pair, strict=True)] for pair in shifts]
        logits = self._logits(around, places, room)
        if alignment.warped:
            covered = self._covered(alignment, logits[0], phase, plane)
            logits = np.where(covered[..., None], logits, 0)
        cells = Cells(logits, phase, shift, plane)
        if alignment.pattern is not None:
            return self._signed(cells, alignment.pattern), 0
        number = self._pattern(self.votes_of(cells._replace(logits=logits[0])))
        return self._signed(cells, number), len(self._patterns) - 1

    def _pattern(self, votes):
        """The number of the pattern whose pilots fit best."""
        if len(self._patterns) == 1:
            return 0
        return int(np.argmax([self.codec.pilot_score(votes * signs) for signs in self._patterns]))

    def _signed(self, cells, number):
        """`Cells` as they would be, were their pattern the first."""
        if number == 0:
            return cells
        signs = self._patterns[number], *cells.logits.shape[-3:-1], cells.shift
        return cells._replace(logits=cells.logits * self._tiling.lay_out(*signs))

    def fitted(self, readings):
        """Returns readings of one mark, as of several frames, by its pattern, and their votes.

        Args:
            readings: list of `Cells` or `None`, read as those of the first pattern.
        """
        self.trials += len(self._patterns)
        number = self._pattern(sum(map(self.votes_of, readings)))
        readings = [cells and self._signed(cells, number) for cells in readings]
        return readings, sum(map(self.votes_of, readings))

    def pilots(self, cells):
        """Signs of the pilots that `Cells` carry `(rows, columns, bits)`, 0 where there is none."""
        return self._tiling.lay_out(self.codec.pilot, *cells.logits.shape[-3:-1], cells.shift)

    def votes(self, alignment):
        """Returns the votes `(slots,)` at one alignment, offset included."""
        return self.read(alignment)[1]

    def read(self, alignment):
        """Returns the `Cells` or `None`, and the votes, at one alignment, offset included."""
        return self._counted(self._read(alignment))

    def _read(self, alignment):
        cells, trials = self._cells(alignment)
        return (cells, self.votes_of(cells)), trials + 1

    def votes_of(self, cells):
        """Returns the votes `(slots,)` of `Cells`; zeros for `None`."""
        if cells is None:
            return np.zeros(self._tiling.slots, np.float32)
        folded = self._tiling.fold(cells.logits)
        return np.roll(folded, [-s for s in cells.shift], axis=(0, 1)).ravel()

    def uncropped(self, alignment):
        """Returns an alignment with the offset of a copy that still has its top left corner."""
        sides = self.canvas.height, self.canvas.width
        sides = [max(int(n * alignment.scale + 1e-6), 1) for n in sides]
        return alignment.moved(offset=tuple(-(n // 2) for n in sides))

    def score(self, alignment):
        """Returns the pilot score at one alignment, offset included."""
        return self.codec.pilot_score(self.votes(alignment))

    def scores(self, alignments):
        """Yields `(score, alignment)` for alignments in turn, in several threads."""

        def work(alignment):
            (_, votes), trials = self._read(alignment)
            return (self.codec.pilot_score(votes), alignment), trials

        return map(self._counted, ahead(work, alignments, self._threads))

    def scan(self, alignment, step, window=None, near=False):
        """Finds the offset with the highest pilot score, see `scans`."""
        return self._counted(self._scan(alignment, step, window, near))

    def scans(self, alignments, step, window=None, near=False):
        """Yields the offsets with the highest pilot scores of alignments in turn.

        They are looked at in several threads, as far as cores are free; `trials` counts those that
        were asked for.

        Args:
            alignments: iterable of `Alignment`; their offsets matter only with `near`.
            step: pixels between the offsets that are tried, within a patch of the network.
                Shifts by whole patches cost nothing and are all tried.
            window: largest side of the part that is looked at, in pixels, see `Planes`.
            near: tries only offsets within one step of the alignment's.

        Yields:
            `(score, alignment)` of the best offset.
        """

        def work(alignment):
            return self._scan(alignment, step, window, near)

        return map(self._counted, ahead(work, alignments, self._threads))

    def _scan(self, alignment, step, window, near):
        plane, corner = self._view(alignment, window)
        patch = self.network.patch_shape
        phases = [range(0, p, step) for p in patch]
        if near:
            middle = [o - c for o, c in zip(alignment.offset, corner, strict=True)]
            phases = [
                sorted({(m + d) % p for d in (-step, 0, step)})
                for m, p in zip(middle, patch, strict=True)
            ]
        # All views have one size, so that they go through the network together.
        if math.prod(patch) > LARGE_PATCH:
            sides = np.array(plane.shape[:2])
            room = np.minimum(sides, np.subtract(window, patch)) if window else sides
            short = np.maximum(room + [max(f) for f in phases] - sides, 0)
            plane = np.pad(plane, [*((0, n) for n in short), (0, 0)], "edge")
        room = [n - max(f) for n, f in zip(plane.shape[:2], phases, strict=True)]
        if any(r < p for r, p in zip(room, patch, strict=True)):
            phases, room = [[0], [0]], plane.shape[:2]
        return self._best(plane, corner, list(itertools.product(*phases)), room, alignment)

    def parts(self, alignment, side, step):
        """Finds the best offset of each of the overlapping parts of a copy.

        Args:
            alignment: `Alignment`, whose offset does not matter.
            side: of the parts in pixels; they lie half of it apart.
            step: see `scan`.

        Returns:
            Pairs as of `scan`, the highest score first.
        """
        plane, corner = self._view(alignment)
        positions = list(itertools.product(*(range(0, p, step) for p in self.network.patch_shape)))
        starts = (range(0, max(n - side, 0) + 1, side // 2) for n in plane.shape[:2])

        def work(start):
            part = plane[tuple(slice(n, n + side) for n in start)]
            room = np.subtract(part.shape[:2], np.max(positions, axis=0))
            return self._best(part, np.add(corner, start), positions, room, alignment)

        found = map(self._counted, ahead(work, itertools.product(*starts), self._threads))
        return sorted(found, key=lambda pair: -pair[0])

    def _best(self, plane, corner, positions, room, alignment):
        """The highest score of a plane at all positions and shifts, its place, and the trials."""
        patterns = range(len(self._patterns))
        patterns = patterns if alignment.pattern is None else [alignment.pattern]
        scores = self._scores(self._tiling.fold(self._logits(plane, positions, room)), patterns)
        number, which, *shift = np.unravel_index(np.argmax(scores), scores.shape)
        offset = tuple(
            _nearest_zero(int(c + f + s * b), b * self._tiling.shape[0])
            for c, f, s, b in zip(
                corner, positions[number], shift, self.network.block_shape, strict=True
            )
        )
        pattern = patterns[which] if len(self._patterns) > 1 else None
        place = alignment.moved(offset=offset, pattern=pattern)
        return (float(scores[number, which, *shift]), place), scores.size

    def _scores(self, folded, patterns):
        """Standardized correlation with pilots at all shifts `(n, patterns, side, side)`."""
        seen, squared = (np.fft.rfft2(values, axes=(1, 2)) for values in (folded, folded**2))
        products = [(seen * self._templates[number]).sum(axis=-1) for number in patterns]
        products.append((squared * self._templates[-1]).sum(axis=-1))
        *products, energy = np.fft.irfft2(products, s=folded.shape[1:3], axes=(2, 3))
        return np.stack(products, axis=1) / np.sqrt(np.maximum(energy, 1e-3))[:, None]

    def _view(self, alignment, window=None):
        """`_plane` as the network sees it; a window is filtered with what lies around it."""
        if not (window and self._filtered):
            plane, corner = self.planes.at(alignment, window)
            return self._seen(plane), corner
        plane, corner = self.planes.at(alignment, window + 2 * AROUND)
        seen = center(self._seen(plane), window)
        sides = zip(corner, plane.shape[:2], seen.shape[:2], strict=True)
        return seen, tuple(c + n // 2 - m // 2 for c, n, m in sides)

    def _seen(self, plane):
        return self.network.seen(plane[None])[0] if self._filtered else plane

    def _covered(self, alignment, logits, phase, plane):
        """Which cells of an unfolded frame have their middle in the copy."""
        rows, columns = (
            f + b * (np.arange(n) + 0.5) - side / 2
            for f, b, n, side in zip(
                phase, self.network.block_shape, logits.shape[:2], plane.shape[:2], strict=True
            )
        )
        places = np.stack(np.meshgrid(columns, rows), axis=-1) @ np.linalg.inv(alignment.warp).T
        sides = np.array([self.canvas.width, self.canvas.height]) * alignment.scale
        return (np.abs(places) < sides[:: -1 if alignment.turns % 2 else 1] / 2).all(axis=-1)

    def _logits(self, plane, positions, room):
        """Logits `(n, rows, columns, bits)` of views of `room`, cut to whole patches.

        Args:
            plane: as the network sees it, see `_seen`.
        """
        network = self.network.inner if self._filtered else self.network
        height, width = (r // p * p for r, p in zip(room, self.network.patch_shape, strict=True))
        views = [plane[y : y + height, x : x + width] for y, x in positions]
        step = max(BATCH_PIXELS // (height * width), 1)
        batches = (np.stack(views[i : i + step]) for i in range(0, len(views), step))
        return np.concatenate([np.asarray(network.extract(batch)) for batch in batches])


def _nearest_zero(position, period):
    return (position + period // 2) % period - period // 2
