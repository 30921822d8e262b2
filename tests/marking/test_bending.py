"""Copies that are bent are unbent by the pilots of their parts, and read by their message alone."""

import numpy as np
import pytest
from skimage import data

from tfwm.images import Photo
from tfwm.marking import Alignment, Canvas, Reader
from tfwm.marking.bending import BENT, DEGREE, bent, largest_shift, shifts_at, unbent
from tfwm.marking.search import candidates
from tfwm.payload import Codec, Key

TERMS = (DEGREE + 1) * (DEGREE + 2) // 2


def bend_of(down, right):
    """A map from the first coefficients of each direction."""
    rows = np.zeros((2, TERMS))
    rows[0, : len(down)], rows[1, : len(right)] = down, right
    return tuple(map(tuple, rows.tolist()))


@pytest.fixture
def ramp():
    rows, columns = np.mgrid[:90, :130]
    return np.float32(np.stack([rows + 2.0 * columns, rows - columns], axis=-1))


def reader_of(network, pixels):
    return Reader(network, Canvas(Photo(pixels)), Codec(1024, Key("k")))


def test_no_shift_changes_nothing():
    plane = np.random.default_rng(0).random((45, 70, 1), np.float32)
    np.testing.assert_array_equal(bent(plane, bend_of([0], [0])), plane)


def test_values_come_from_further_down_and_to_the_right(ramp):
    moved = bent(ramp, bend_of([2.0], [-1.5]))
    inner = slice(8, -8), slice(8, -8)
    np.testing.assert_allclose(moved[inner][..., 0], ramp[inner][..., 0] + 2 - 3, atol=1e-3)
    np.testing.assert_allclose(moved[inner][..., 1], ramp[inner][..., 1] + 2 + 1.5, atol=1e-3)


def test_maps_are_polynomials(ramp):
    # Chebyshev polynomials of the first degree are -1 at the top or left and 1 at the other end.
    bend = bend_of([0, 0, 3.0], [0, 2.0])
    down, right = (shifts_at(row, [0, 0.5, 1], [0, 0.5, 1]) for row in bend)
    np.testing.assert_allclose(down, [[-3, 0, 3]] * 3, atol=1e-12)
    np.testing.assert_allclose(right, np.transpose([[-2, 0, 2]] * 3), atol=1e-12)
    assert largest_shift(bend) == pytest.approx(np.hypot(3, 2))
    moved = bent(ramp, bend)
    down, right = 3 * (2 * 10.5 / 130 - 1), 2 * (2 * 45.5 / 90 - 1)
    assert moved[45, 10, 0] - ramp[45, 10, 0] == pytest.approx(down + 2 * right, abs=0.06)


def test_a_bent_copy_is_read(quadrant_network, watermarker):
    photo = data.coffee()
    marked = watermarker.embed(photo, "ada", key="k", strength=2)
    bend = bend_of([0, 0, 4.0, 1.0, -1.0], [0, -4.0, 0, 1.5])
    copy = np.uint8(np.clip(np.rint(bent(np.float32(marked), bend)), 0, 255))
    reader = reader_of(quadrant_network, copy)
    before = reader.score(Alignment())
    found = unbent(reader, Alignment())
    assert reader.score(found) > before + 2
    undone = shifts_at(np.add(found.bend, bend)[0], [0.3, 0.7], [0.3, 0.7])
    assert np.abs(undone).max() < 2
    read = watermarker.extract(copy, key="k")
    assert (read.message, read.decision) == ("ada", "present")
    assert watermarker.extract(copy, key="other").decision == "absent"


def test_photos_without_pilots_are_not_bent(quadrant_network):
    reader = reader_of(quadrant_network, data.coffee())
    assert unbent(reader, Alignment()) is None
    assert BENT not in {stage for stage, _ in candidates(reader, "rotate")}
