"""Finding the mark of a network of whole photos, whose own tolerance does most of the work."""

import itertools

from tfwm.marking.alignment import Alignment

# Parts that a crop may have left, and wholes to which a border may have been added.
SIZES = (0.9, 0.8, 0.7)
BORDERS = (1.1, 1.25, 1.5)
ANGLES = (2.5, 5.0, 7.5, 10.0)


def whole_candidates(network, search, stages, progress=None):
    """Yields the alignments of `tfwm.marking.candidates` for a network of whole photos.

    The copy is squeezed to the network's size. `"crop"` also takes it for a part of 70 to 90 % of
    each side, somewhere in the photo, for a mirror image and for quarter turns, `"scale"` for a
    photo with a border around it, `"rotate"` for one turned by up to 10 degrees, `"all"` for
    both.
    """
    tell = progress or (lambda share, stage: None)
    plain = Alignment(whole=True)
    both = itertools.product((*SIZES, *BORDERS), _angles())
    places = {
        "none": [plain, plain.moved(flipped=True)],
        "crop": [plain.moved(turns=turns) for turns in (2, 1, 3)] + list(_parts(plain, network)),
        "scale": [plain.moved(scale=scale) for scale in BORDERS],
        "rotate": [plain.moved(rotation=angle) for angle in _angles()],
        "all": [plain.moved(scale=scale, rotation=angle) for scale, angle in both],
    }
    for number, stage in enumerate(stages[: stages.index(search) + 1]):
        tell(number / len(stages), stage)
        for place in places[stage]:
            yield stage, place


def _parts(plain, network):
    """Parts of each size: in the middle, at the edges, in the corners."""
    directions = sorted(itertools.product((0, -1, 1), repeat=2), key=lambda d: sum(map(abs, d)))
    for scale in SIZES:
        rooms = [round((1 - scale) * side / 2) for side in network.patch_shape]
        for direction in directions:
            offset = tuple(d * room for d, room in zip(direction, rooms, strict=True))
            yield plain.moved(scale=scale, offset=offset)


def _angles():
    return [sign * angle for angle in ANGLES for sign in (1, -1)]
