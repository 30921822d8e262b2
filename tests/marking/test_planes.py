"""The planes of a copy, and where in it marks are looked for first."""

import numpy as np
import pytest
from skimage import data

from tfwm.images import Photo
from tfwm.marking import Alignment, Canvas
from tfwm.marking.planes import Planes, clearest_part
from tfwm.networks import Network

GEOMETRY = {"patch": (8, 8), "block": (8, 8), "bits": 1}


@pytest.fixture(scope="module")
def planes():
    """Those of a photo that is black but for its right and lower part."""
    pixels = data.coffee()[:300, :500].copy()
    pixels[:120] = pixels[:, :200] = 0
    return Planes(Canvas(Photo(pixels)), Network("x", {"geometry": GEOMETRY}))


def test_windows_lie_where_something_is_seen(planes):
    down, right = planes.focus
    # 256 of 300 rows and of 500 columns: as far as the photo goes.
    assert down == 22 and 78 <= right <= 122


@pytest.mark.parametrize(
    "alignment",
    [
        Alignment(1.0),
        Alignment(0.8),
        Alignment(1.3, flipped=True),
        Alignment(0.9, turns=1),
        Alignment(1.0, turns=3, flipped=True),
        Alignment(1.0, rotation=7.0),
        Alignment(1.1, rotation=-4.0, turns=2),
        Alignment(1.0, rotation=3.0, flipped=True, stretch=1.1, shear=0.05),
    ],
)
def test_a_window_is_a_part_of_the_whole(planes, alignment):
    whole, start = planes.at(alignment)
    window, corner = planes.at(alignment, 96)
    assert window.shape == (96, 96, 1) and window.std() > 0.05
    top, left = (c - s for c, s in zip(corner, start, strict=True))
    inner = slice(4, 92)  # a resize does not look beyond the part, and rounds its places
    errors = np.abs(whole[top:, left:][:96, :96] - window)[inner, inner]
    assert errors.mean() < 1e-3 and errors.max() < 0.03


def test_the_clearest_part_is_neither_empty_nor_full_of_detail():
    rng = np.random.default_rng(0)
    plane = np.full((512, 768), 0.5)
    plane[:, 256:512] += rng.normal(0, 0.2, (512, 256))
    plane[200:500, 512:] += rng.normal(0, 0.01, (300, 256))
    down, right = clearest_part(plane)
    assert 196 <= 256 + down - 128 and 256 + down + 128 <= 504
    assert right == 256


def test_the_middle_is_taken_where_all_parts_are_alike():
    plane = np.random.default_rng(0).random((300, 400))
    assert clearest_part(plane) == clearest_part(np.zeros((300, 400))) == (0, 0)
    assert clearest_part(plane[:100, :90]) == (0, 0)
