"""Which entries of a set a benchmark takes, and the file for its rows."""

from pathlib import Path

import numpy as np

RESULTS = Path(__file__).resolve().parents[1] / "results/photo"


def places(have, count):
    """Returns the places of up to `count` of `have` entries, evenly chosen from all of them."""
    return np.linspace(0, have - 1, min(count, have)).round().astype(int)


def of_network(name, network):
    """Returns the name of a benchmark's file, with that of a network other than `photo` in it."""
    return name if network == "photo" else f"{name}-{network}"


def photo_result(name, images):
    """Returns results/photo/<name>-<set>.csv; a set is named by its folder and the one above."""
    return RESULTS / f"{name}-{'-'.join(images.parts[-2:]).removeprefix('photos-')}.csv"
