"""Somebody with the public network of the marks and marked photos, and without the key."""

import itertools
from typing import NamedTuple

import numpy as np
from scipy.signal import wiener

from tfwm.images import Photo
from tfwm.keys import Key
from tfwm.marking.binding import content
from tfwm.marking.canvas import Canvas, add_residual
from tfwm.marking.filtered import FilteredNetwork, filter_of, is_filtered
from tfwm.marking.mark import Mark
from tfwm.marking.tiling import LOGIT_LIMIT, tiling_of
from tfwm.payload.layout import BOUND_SLOTS

# Without a network: detail is what a Wiener filter of so many pixels a side takes for noise of such
# a deviation.
SIDE, NOISE = 5, 3 / 255


class Learned(NamedTuple):
    """The signs of marked photos: sums of logits.

    Args:
        by_slot: `(slots,)`.
        by_content: for pairs of slot and what is seen there.
        unequal: `(slots,)`, how far the signs of a slot differ within photos, as bound ones do.
    """

    by_slot: np.ndarray
    by_content: dict
    unequal: np.ndarray


class Attacker:
    """Somebody with the public network of the marks, and without their key.

    Args:
        network: `tfwm.networks.Network`.
        rng: `numpy.random.Generator`.
        phase_filter: where the key filters marks, the `PhaseFilter` that is taken for the key's;
            by default that of no key.
    """

    def __init__(self, network, rng, phase_filter=None):
        if is_filtered(network):
            phase_filter = phase_filter or filter_of(Key(None), network.phases)
        self.public, self.phase_filter, self.rng = network, phase_filter, rng
        self.network = FilteredNetwork(network, phase_filter) if phase_filter else network
        self.tiling = tiling_of(network)
        self.period = self.tiling.shape[0] * network.block_shape[0]

    def plane(self, photo):
        """The luminance of whole patches, `(h, w, 1)`."""
        plane = Canvas.of(self.network, photo).scaled(1.0)
        height, width = (
            n // p * p for n, p in zip(plane.shape, self.network.patch_shape, strict=False)
        )
        return plane[:height, :width]

    def logits(self, photo):
        """What the public network reads, a logit for each cell."""
        return np.asarray(self.network.extract(self.plane(photo)[None]))[0]

    def slots(self, photo):
        """The signs of a photo's cells, tile on tile, as bits `(slots,)`."""
        return np.uint8(self.tiling.fold(self.logits(photo)).ravel() > 0)

    def write(self, photo, slots, strength=1.0):
        """Marks a photo with given bits."""
        return Mark.of(self.network, photo, slots).apply(strength)

    def detail(self, photo):
        """The fine detail of a photo, tile on tile `(period, period)`; no network."""
        plane = self.plane(photo)[..., 0]
        return self.folded(plane - wiener(plane, SIDE, NOISE**2))

    def alike(self, detail, details, count):
        """The mean of the details that are most alike to one, and then to their mean."""
        details, mean = np.array(details), detail
        for number in (min(count, 3), count, count):
            likeness = np.tensordot(details - details.mean(axis=(1, 2), keepdims=True), mean)
            likeness /= details.std(axis=(1, 2))
            chosen = details[np.argsort(-likeness)[:number]]
            mean = np.mean([detail, *chosen], axis=0)
        return mean

    def folded(self, values):
        """The mean over tiles `(period, period)` of values `(h, w)`."""
        total, count = np.zeros((2, self.period, self.period))
        for y, x in itertools.product(*(range(0, n, self.period) for n in values.shape)):
            part = values[y : y + self.period, x : x + self.period]
            total[: part.shape[0], : part.shape[1]] += part
            count[: part.shape[0], : part.shape[1]] += 1
        return total / np.maximum(count, 1)

    def add(self, photo, tile, decibel=None):
        """Adds a tile all over a photo, scaled to a PSNR where one is given."""
        height, width = self.plane(photo).shape[:2]
        times = -(-height // self.period), -(-width // self.period)
        change = np.tile(tile, times)[:height, :width, None].astype(np.float32)
        if decibel is not None:
            change *= 10 ** (-decibel / 20) / change.std()
        return Photo(add_residual(photo.pixels, change, 1.0))

    def write_cells(self, photo, cells, strengths=None):
        """Marks a photo with given bits of its own cells, `(rows, columns, 1)`.

        Args:
            photo: to mark.
            cells: the bits.
            strengths: `(rows, columns)`, 1 by default.
        """
        plane, cells = self.plane(photo)[None], np.float32(cells)[None]
        if self.phase_filter:
            change = self.network.change(plane, cells)
        else:
            change = np.asarray(self.network.embed(plane, cells, 1.0)) - plane
        if strengths is not None:
            height, width = self.network.block_shape
            change *= np.float32(strengths).repeat(height, 0).repeat(width, 1)[..., None]
        change = self.network.undo(change) if self.phase_filter else change
        return Photo(add_residual(photo.pixels, change[0], 1.0))

    def carried(self, source, target):
        """Marks a photo with the signs of another one's cells, each in its place."""
        cells = self.logits(source) > 0
        rows, columns = self.grid(target)
        repeats = -(-rows // len(cells)), -(-columns // cells.shape[1]), 1
        return self.write_cells(target, np.tile(cells, repeats)[:rows, :columns])

    def grid(self, photo):
        """Rows and columns of a photo's cells."""
        return tuple(
            n // side
            for n, side in zip(self.plane(photo).shape, self.network.block_shape, strict=False)
        )

    def seen(self, photo):
        """What a photo shows around each cell, as the format of marks reduces it to a number."""
        bits = content(self.plane(photo), self.network.block_shape, (0, 0), self.grid(photo)) > 0
        return bits @ (1 << np.arange(bits.shape[-1]))

    def learn(self, photos):
        """Collects the signs of marked photos: a `Learned`."""
        learned = Learned(np.zeros(self.tiling.slots), {}, np.zeros(self.tiling.slots))
        signs_of = learned.by_content
        for photo in photos:
            signs = np.clip(self.logits(photo)[..., 0], -LOGIT_LIMIT, LOGIT_LIMIT)
            slots = self.tiling.slots_at(*signs.shape)[..., 0]
            mean = np.bincount(slots.ravel(), signs.ravel(), self.tiling.slots)
            size = np.bincount(slots.ravel(), np.abs(signs).ravel(), self.tiling.slots)
            learned.by_slot[:] += mean
            learned.unequal[:] += size - np.abs(mean)
            for entry in zip(slots.flat, self.seen(photo).flat, signs.flat, strict=True):
                signs_of[entry[:2]] = signs_of.get(entry[:2], 0.0) + entry[2]
        return learned

    def forge(self, target, learned, faint=None, strong=1.5):
        """Marks a photo with what was learned: for its content if that was met, else by slot.

        Args:
            target: unmarked `Photo`.
            learned: see `learn`.
            faint: strength of the cells that are not bound; then bound ones whose sign was met get
                `strong`, and the others none. `None` writes all at strength 1.
            strong: see `faint`.
        """
        slots = self.tiling.slots_at(*self.grid(target))[..., 0]
        entries = list(zip(slots.flat, self.seen(target).flat, strict=True))
        signs = [learned.by_content.get(entry, learned.by_slot[entry[0]]) for entry in entries]
        cells = np.reshape(signs, (*slots.shape, 1)) > 0
        if faint is None:
            return self.write_cells(target, cells)
        met = np.reshape([entry in learned.by_content for entry in entries], slots.shape)
        bound = np.isin(slots, np.argsort(-learned.unequal)[:BOUND_SLOTS])
        return self.write_cells(target, cells, np.where(bound, strong * met, faint))
