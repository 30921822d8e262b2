"""The pictures to read in a photo: the photo itself, and prints and screens in it."""

import numpy as np

from tfwm.checks import need
from tfwm.corners.projection import rectify
from tfwm.marking.canvas import Canvas
from tfwm.marking.reader import Reader
from tfwm.marking.search import candidates


def pictures_in(photo, corners=None):
    """Yields the pictures to read in a photo, each with its corners.

    Args:
        photo: `tfwm.images.Photo`.
        corners: those of a print or screen, see `rectify`; `"find"` for the photo itself and then
            the quadrilaterals that `find_quadrilaterals` finds; `None` for the photo itself.

    Yields:
        `(photo, corners)`, upright.
    """
    if isinstance(corners, str):
        if corners != "find":
            raise ValueError(
                f'Expected four corners (x, y), "find" or None. Received: corners={corners!r}'
            )
        yield photo, None
        need("scipy.ndimage", "evaluate")
        from tfwm.corners import find_quadrilaterals

        for found in find_quadrilaterals(photo):
            yield rectify(photo, found), found
    elif corners is None:
        yield photo, None
    else:
        yield rectify(photo, corners), np.array(corners, float)


def readings(network, codec, photo, corners, search, progress=None):
    """Reads all pictures in a photo as they are, and then searches further in each of them.

    That search begins with the pictures found in the photo, and ends with the photo itself.

    Args:
        network: a network that carries messages.
        codec: `tfwm.payload.Codec`.
        photo: see `pictures_in`, also for `corners`.
        search: see `candidates`, also for `progress`.

    Yields:
        The arguments of `Judge.add`; the trials count all pictures together.
    """
    seen = []

    def read(reader, place, stage, alignment):
        cells, votes = reader.read(alignment)
        trials = sum(other.trials for other, _ in seen)
        return stage, alignment, votes, trials, place, [cells]

    for picture, place in pictures_in(photo, corners):
        reader = Reader(network, Canvas.of(network, picture), codec)
        seen.append((reader, place))
        for candidate in candidates(reader, "none", progress):
            yield read(reader, place, *candidate)
    for number, (reader, place) in enumerate(seen[1:] + seen[:1]):

        def tell(share, stage, number=number):
            if progress:
                progress((number + share) / len(seen), stage)

        for stage, alignment in candidates(reader, search, tell):
            if stage != "none":
                yield read(reader, place, stage, alignment)
