"""The pictures to read in a photo: the photo itself, and prints and screens in it."""

from typing import NamedTuple

import numpy as np

from tfwm.corners.find_quadrilaterals import find_quadrilaterals
from tfwm.corners.rectify import rectify
from tfwm.marking.reader import Reader
from tfwm.marking.search import candidates


class View(NamedTuple):
    """One picture to read.

    Args:
        reader: its `Reader`.
        corners: where it lies in the photo, `(4, 2)`; `None` if it is the photo itself.
    """

    reader: Reader
    corners: np.ndarray | None


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
        for found in find_quadrilaterals(photo):
            yield rectify(photo, found), found
    elif corners is None:
        yield photo, None
    else:
        yield rectify(photo, corners), np.array(corners, float)


def readings(views, search, progress=None):
    """Reads all pictures as they are, and then searches further in each of them.

    That search begins with the pictures found in the photo, and ends with the photo itself.

    Args:
        views: iterator of `View`, which are made as they are needed.
        search: see `candidates`.
        progress: see `candidates`.

    Yields:
        The arguments of `Judge.add`; the trials count all pictures together.
    """
    seen = []

    def read(view, stage, alignment):
        votes = view.reader.votes(alignment)
        trials = sum(other.reader.trials for other in seen)
        return stage, alignment, votes, trials, view.corners

    for view in views:
        seen.append(view)
        for place in candidates(view.reader, "none", progress):
            yield read(view, *place)
    for number, view in enumerate(seen[1:] + seen[:1]):

        def tell(share, stage, number=number):
            if progress:
                progress((number + share) / len(seen), stage)

        for stage, alignment in candidates(view.reader, search, tell):
            if stage != "none":
                yield read(view, stage, alignment)
