"""Finds a mark in a copy that was cropped, rescaled, turned or mirrored.

The search goes from coarse to fine, cheapest first, and follows the pilot's score alone: a window,
where a mark shows best, tells which scales and angles deserve a look at the whole copy.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np

from tfwm.marking.bending import BENT, unbent
from tfwm.marking.canvas import WORKING_PIXELS, Alignment, natural_scale
from tfwm.marking.filtered import FilteredNetwork
from tfwm.marking.lattice import lattices, reduced
from tfwm.marking.planes import WINDOW
from tfwm.marking.tiling import has_fine_cells, tiling_of

STAGES = ("none", "crop", "scale", "rotate", "all")
# Side of the parts where unbending starts, and how many of them.
PART, PARTS = 192, 2
LARGEST_SCALE = 4.0
# A network tolerates half of a step between two positions, scales or angles.
COARSE_STEP = 4
# A scan tries at most so many positions. Steps of 12, 20, ... leave gaps, but meet each phase of
# cells of 8 and 16 pixels: enough where each part of a large block carries its bits.
POSITIONS = 128
PHASES = 8
# A window holds at least so many bits of the network.
WINDOW_BITS = 256
SCALE_STEP = 1.024
SCALE_RANGE = 3.6
ROTATION_STEP = 1.25
LARGEST_ROTATION = 12.5
# One side is stretched by up to 15 %: so many steps of `SCALE_STEP`, which change both sides.
STRETCHES = 3
# The filter of a key, which is to fit as well, leaves half of the tolerance in positions. Of all of
# these, and of the many patterns of marks behind it, chance reaches more by so much.
FILTERED_STEP, HIGHER = 2, 0.7
# Stretches, shears, scales and angles that are smaller than this are errors of the lattice.
EXACT = 8e-4
# So many places are looked at closely after each sweep.
SHORTLIST = 3
# The repetition of so many tiles shows mostly, if the mark can be read: no sweep is needed. A copy
# of working size has 6, so that angles are still tried there, and scales below its own.
ENOUGH_TILES = 6.5
# Chance reaches this score among about a thousand places; below it, a place is not refined.
HOPEFUL = 4.5
# Nor is one of a coarse sweep below this: of 43 copies that were read so, the least had 4.2.
DOUBTFUL = 4.1
# Chance does not reach this score in a whole search: such a place is refined at once.
CLEAR = 6.5
# Of networks of whole photos, whose own tolerance does most of the work: parts that a crop may
# have left, wholes to which a border may have been added, and angles.
PART_SIZES = (0.9, 0.8, 0.7)
BORDER_SIZES = (1.1, 1.25, 1.5)
WHOLE_ROTATIONS = [sign * angle for angle in (2.5, 5.0, 7.5, 10.0) for sign in (1, -1)]


# What a search leaves untried.
UNTRIED = {
    "none": "cut, mirrored or turned",
    "crop": "cut and resized, or turned",
    "scale": "turned",
    "rotate": "resized and turned at once",
}


def hint(search):
    """Returns the end of a sentence on what a wider search would find; empty after the widest."""
    if search not in UNTRIED:
        return ""
    return f"; a copy that was {UNTRIED[search]} may be read with a wider search (all)"


def candidates(reader, search="rotate", progress=None):
    """Yields alignments at which a mark may lie, the likeliest and cheapest first.

    Args:
        reader: `Reader` of the copy.
        search: how far to look: `"none"`, only the copy as it is, at its own size and at the
            size before a resize; `"crop"`, shifts, mirror images and quarter turns as well;
            `"scale"`, any scale from 1 / 3.6 to 3.6 times that, and one side stretched by up to
            15 %; `"rotate"`, angles up to 12 degrees; `"all"`, angles and scales together: up to a
            minute for an unmarked photo. From `"scale"` on, any map of these at once is computed
            first, where the repetition of the mark shows it (`tfwm.marking.lattice`). Then
            scales, stretches and angles are tried one by one: with `"all"` each, else those with
            which a copy would hold fewer than `ENOUGH_TILES` of the mark's repetitions. From
            `"rotate"` on, copies that are bent by some pixels are unbent
            (`tfwm.marking.bending`). See `Plan` for networks with large blocks.
        progress: called with the share done (0 to 1) and the name of the stage.

    Yields:
        `(stage, alignment)`: one of `STAGES`, or `BENT`, and an `Alignment`.
    """
    tell = progress or (lambda share, stage: None)
    if reader.network.whole:
        yield from _whole_candidates(reader.network, search, tell)
        return
    last = STAGES.index(search)
    plan = plan_of(reader.network)
    scales = plain_scales(reader)
    tell(0.0, "none")
    for flipped in (False, True):
        for scale in scales:
            yield "none", Alignment(scale, flipped=flipped)
    if last < 1:
        return
    tile = _repeated_tile(reader, plan)
    starts = []
    if last >= 2 and tile:
        for place in _repeated(reader, plan, tile):
            starts.append(place)
            yield STAGES[min(last, 3)], place
    tell(0.05, "crop")
    for score, place in _crops(reader, scales, plan):
        yield "crop", _settle(reader, place, plan) if score > plan.hopeful else place
    if last < 2:
        return
    if last >= 3 and tile and has_fine_cells(reader.network):
        for scale in scales[:1]:
            parts = reader.parts(Alignment(scale), PART, plan.step)[:PARTS]
            starts += [place for score, place in parts if score > plan.hopeful]
        for place in filter(None, (unbent(reader, start) for start in starts)):
            yield BENT, place
    sweep = _scales(scales, reader)
    if tile and last < 4:
        scales, sweep = ([s for s in found if _few(reader, s, tile)] for found in (scales, sweep))
    # Few angles are tried, many scales: angles go first.
    if last >= 3:
        turned = [Alignment(scale, rotation=angle) for scale in scales for angle in plan.rotations]
        yield from _sweep(reader, turned, tell, (0.1, 0.4, "rotate"))
    shares = {2: (0.1, 1.0), 3: (0.4, 1.0), 4: (0.4, 0.6)}[last]
    scaled = [*_stretched(scales), *map(Alignment, sweep)]
    yield from _sweep(reader, scaled, tell, (*shares, "scale"))
    if last == 4:
        both = [Alignment(scale, rotation=angle) for scale in sweep for angle in plan.rotations]
        yield from _sweep(reader, both, tell, (0.6, 1.0, "all"))


class Plan(NamedTuple):
    """How densely a network's marks are looked for.

    Where 256 bits of the network lie within 256 pixels square, positions 4 pixels apart are
    tried, in the whole copy for crops and in a window of that size for scales and angles. A
    network with larger blocks gets a larger window, in which crops are looked for as well. A
    patch that has more than 128 such positions, from 48 pixels a side on, is searched more
    coarsely, in steps of 12 pixels for 128; scales and angles of its copies are then tried
    without a crop only. Behind the filter of a key, positions are half as far apart.

    Args:
        step: pixels between two positions.
        window: largest side of the part that is looked at, for scales and angles.
        crop_window: the same for crops, or `None`.
        hopeful: score from which on a place is refined; see `HOPEFUL`, also for `doubtful`.
    """

    step: int
    window: int
    crop_window: int | None
    hopeful: float = HOPEFUL
    doubtful: float = DOUBTFUL

    @property
    def sparse(self):
        """Whether there are gaps between the positions."""
        return self.step > COARSE_STEP

    @property
    def rotations(self):
        """The angles to try, in degrees, the smallest first."""
        counts = range(1, round(LARGEST_ROTATION / ROTATION_STEP) + 1)
        return [sign * n * ROTATION_STEP for n in counts for sign in (1, -1)]


def plan_of(network):
    """Returns the `Plan` for a network."""
    patch, block = network.patch_shape, network.block_shape
    filtered = isinstance(network, FilteredNetwork)
    for step in itertools.count(FILTERED_STEP if filtered else COARSE_STEP, PHASES):
        if math.prod(math.ceil(side / step) for side in patch) <= POSITIONS:
            break
    cells = math.ceil(math.sqrt(WINDOW_BITS / network.bits))
    window = max(cells * side for side in block) + max(patch)
    crop_window = window if window > WINDOW else None
    higher = HIGHER if filtered else 0.0
    return Plan(step, max(window, WINDOW), crop_window, HOPEFUL + higher, DOUBTFUL + higher)


def plain_scales(reader):
    """The scales of a copy that was not cropped: its own, and that before a reduction."""
    canvas = reader.canvas
    scales = [natural_scale(canvas.height, canvas.width)]
    whole = math.sqrt(WORKING_PIXELS / (canvas.height * canvas.width))
    if 1.02 < whole <= LARGEST_SCALE:
        scales.append(whole)
    return [scale for scale in scales if reader.fits(scale)]


def _scales(plain, reader):
    count = round(math.log(SCALE_RANGE) / math.log(SCALE_STEP))
    steps = sorted(range(-count, count + 1), key=abs)
    scales = [scale * SCALE_STEP**n for scale in plain[:1] for n in steps]
    scales += [1.0] if plain != [1.0] else []
    return [s for s in scales if reader.fits(s) and s <= LARGEST_SCALE]


def _stretched(scales):
    """Alignments that undo a stretch of one side.

    What was marked at the working size is of this size again as a whole; a copy of scale 1 may be
    of a smaller photo, whose other side is as it was.
    """
    steps = sorted(range(-STRETCHES, STRETCHES + 1), key=abs)[1:]
    for scale, stretch in itertools.product(scales, [SCALE_STEP**n for n in steps]):
        sizes = (stretch, 1 / stretch) if scale == 1.0 else (scale,)
        yield from (Alignment(size, stretch=stretch) for size in sizes)


def _repeated_tile(reader, plan):
    """The side in pixels of the square tiles that a mark repeats, 0 if there is none to see."""
    block, cells = reader.network.block_shape, tiling_of(reader.network).shape[0]
    return 0 if plan.sparse or block[0] != block[1] else cells * block[0]


def _few(reader, scale, tile):
    """Whether a copy has too few tiles, at a scale, for their repetition to show."""
    return reader.canvas.height * reader.canvas.width * (scale / tile) ** 2 < ENOUGH_TILES


def _repeated(reader, plan, side):
    """Alignments that undo the maps which the repetition of the mark tells.

    A lattice looks alike from eight sides: each is tried, as the copy may be mirrored and turned.
    """
    canvas = reader.canvas
    scale = natural_scale(canvas.height, canvas.width)
    if not reader.fits(scale):
        return
    plane = reader.planes.at_scale(scale).mean(axis=-1)
    for number, lattice in enumerate(lattices(plane, side, reach=SCALE_RANGE)):
        places = [
            _undone(lattice.basis / side, scale, turns, flipped)
            for flipped, turns in itertools.product((False, True), (0, 2, 1, 3))
        ]
        places = [p for p in places if reader.fits(p.scale) and p.scale <= LARGEST_SCALE]
        # The window may lie where the copy has none of the mark.
        for window in (plan.window, None)[: 2 if number == 0 else 1]:
            found = _clearest(reader, places, plan.step, window)
            if found and found[0][0] > CLEAR:
                break
        for rank, (score, place) in enumerate(found[:SHORTLIST]):
            if score > plan.hopeful or number == rank == 0:
                yield _settle(reader, place, plan)


def _clearest(reader, places, step, window):
    """Scores and places of the best offsets, the best first."""
    found = []
    for pair in reader.scans(places, step, window):
        found.append(pair)
        if pair[0] > CLEAR:
            break
    return sorted(found, key=lambda pair: -pair[0])


def _undone(basis, scale, turns, flipped):
    """The `Alignment` that undoes a map of rows and columns, after a mirror image and turns."""
    sides = np.linalg.matrix_power([[0, -1], [1, 0]], turns) @ np.diag([1, -1 if flipped else 1])
    undo = np.linalg.inv(reduced(sides @ basis))[::-1, ::-1]
    factor = math.sqrt(np.linalg.det(undo))
    turn, rest = np.linalg.qr(undo / factor)
    signs = np.sign(np.diag(rest))
    turn, rest = turn * signs, rest * signs[:, None]
    stretch, shear = float(rest[0, 0]), float(rest[0, 1])
    angle = math.degrees(math.atan2(turn[0, 1], turn[0, 0]))
    # What lies within the error of the lattice is taken for unchanged, so that crops stay exact.
    if max(abs(stretch - 1), abs(shear)) < EXACT:
        stretch, shear = 1.0, 0.0
    whole = 1.0 if abs(factor - 1) < EXACT else factor
    angle = 0.0 if abs(math.radians(angle)) < EXACT else angle
    return Alignment(scale * whole, angle, turns, flipped, stretch=stretch, shear=shear)


def _crops(reader, scales, plan):
    """Returns scores and places of the best offset of each way up, found as they are asked for."""
    ways = itertools.product(((0, False), (0, True), (2, False), (1, False), (3, False)), scales)
    places = [Alignment(scale, turns=turns, flipped=flipped) for (turns, flipped), scale in ways]
    return reader.scans(places, plan.step, plan.crop_window)


def _sweep(reader, alignments, tell, share):
    start, end, stage = share
    plan = plan_of(reader.network)
    found = []
    if plan.sparse:
        alignments = [reader.uncropped(alignment) for alignment in alignments]
    step = min(plan.step, COARSE_STEP)
    scans = reader.scans(alignments, step, plan.window, near=plan.sparse)
    for number, (score, place) in enumerate(scans):
        tell(start + (end - start) * number / len(alignments), stage)
        if score > CLEAR:
            yield stage, _refine(reader, score, place, plan)
        else:
            found.append((score, place))
    found.sort(key=lambda pair: -pair[0])
    for score, place in found[:SHORTLIST]:
        worth = score > plan.doubtful or plan.sparse
        yield stage, _refine(reader, score, place, plan) if worth else place


def _refine(reader, score, alignment, plan):
    """Climbs to the best scale and angle, first in the window, then in the whole copy."""
    for share in (0.5, 0.25):
        score, alignment = _climb(
            score,
            alignment,
            share,
            lambda places: reader.scans(places, 2, plan.window, near=True),
        )
        if score < plan.hopeful:
            return alignment
    # The window may lie far from the center, around which an angle that is not exact yet turns.
    for step in (2, 1):
        score, alignment = reader.scan(alignment, step, near=True)
    for share in (0.25, 0.1):
        score, alignment = _climb(score, alignment, share, reader.scores)
    return reader.scan(alignment, 1, near=True)[1]


def _climb(score, alignment, share, look):
    for _ in range(4):
        best = max(look(_neighbors(alignment, share)), key=lambda pair: pair[0])
        if best[0] <= score:
            break
        score, alignment = best
    return score, alignment


def _neighbors(alignment, share):
    ratio = SCALE_STEP**share
    for factor in (ratio, 1 / ratio):
        offset = tuple(round(o * factor) for o in alignment.offset)
        yield alignment.moved(scale=alignment.scale * factor, offset=offset)
        if alignment.stretch != 1.0:
            offset = tuple(np.rint(np.divide(alignment.offset, (factor, 1 / factor))).astype(int))
            yield alignment.moved(stretch=alignment.stretch * factor, offset=offset)
    for angle in (share * ROTATION_STEP, -share * ROTATION_STEP):
        yield alignment.moved(rotation=alignment.rotation + angle)


def _settle(reader, alignment, plan):
    """Finds the exact offset from one that is a coarse step off at most.

    If there are gaps between the positions, the right phase may lie some cells away.
    """
    far = [4 * PHASES] * 2 + [2 * PHASES, PHASES, COARSE_STEP]
    for step in (*(far if plan.sparse else ()), COARSE_STEP // 2, 1):
        _, alignment = reader.scan(alignment, step, near=True)
    return alignment


def _whole_candidates(network, search, tell):
    """Yields alignments for a network of whole photos, see `candidates`.

    The copy is squeezed to the network's size. `"crop"` also takes it for a part of 70 to 90 % of
    each side, somewhere in the photo, for a mirror image and for quarter turns, `"scale"` for a
    photo with a border around it, `"rotate"` for one turned by up to 10 degrees, `"all"` for
    both.
    """
    plain = Alignment(whole=True)
    both = itertools.product((*PART_SIZES, *BORDER_SIZES), WHOLE_ROTATIONS)
    places = {
        "none": [plain, plain.moved(flipped=True)],
        "crop": [plain.moved(turns=turns) for turns in (2, 1, 3)] + list(_parts(plain, network)),
        "scale": [plain.moved(scale=scale) for scale in BORDER_SIZES],
        "rotate": [plain.moved(rotation=angle) for angle in WHOLE_ROTATIONS],
        "all": [plain.moved(scale=scale, rotation=angle) for scale, angle in both],
    }
    for number, stage in enumerate(STAGES[: STAGES.index(search) + 1]):
        tell(number / len(STAGES), stage)
        for place in places[stage]:
            yield stage, place


def _parts(plain, network):
    """Parts of each size: in the middle, at the edges, in the corners."""
    directions = sorted(itertools.product((0, -1, 1), repeat=2), key=lambda d: sum(map(abs, d)))
    for scale in PART_SIZES:
        rooms = [round((1 - scale) * side / 2) for side in network.patch_shape]
        for direction in directions:
            offset = tuple(d * room for d, room in zip(direction, rooms, strict=True))
            yield plain.moved(scale=scale, offset=offset)
