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
    places = {
        "none": [Alignment(flipped=flipped) for flipped in (False, True)],
        "crop": [Alignment(turns=turns) for turns in (2, 1, 3)] + list(_parts(network)),
        "scale": [Alignment(scale) for scale in BORDERS],
        "rotate": [Alignment(rotation=angle) for angle in _angles()],
        "all": [Alignment(s, a) for s, a in itertools.product((*SIZES, *BORDERS), _angles())],
    }
    for number, stage in enumerate(stages[: stages.index(search) + 1]):
        tell(number / len(stages), stage)
        for place in places[stage]:
            yield stage, place


def _parts(network):
    for scale in SIZES:
        rooms = [round((1 - scale) * side / 2) for side in network.patch_shape]
        for signs in sorted(
            itertools.product((0, -1, 1), repeat=2), key=lambda s: abs(s[0]) + abs(s[1])
        ):
            yield Alignment(scale, offset=tuple(s * r for s, r in zip(signs, rooms, strict=True)))


def _angles():
    return [sign * angle for angle in ANGLES for sign in (1, -1)]
