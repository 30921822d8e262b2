"""The map of a copy is computed from the repetition of its mark, and undone."""

import math

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm.images import Photo
from tfwm.marking import Canvas, Reader
from tfwm.marking.lattice import CLEAR_LATTICE, Lattice, lattices, reduced
from tfwm.marking.search import _undone
from tfwm.payload import Codec, Key

MESSAGE = "ada"
NOISE = np.random.default_rng(0)
TILE = NOISE.normal(0, 0.02, (96, 96))
PHOTO = np.asarray(Image.fromarray(data.coffee()).convert("L"), np.float32)[:384, :576] / 255


def turn(degrees):
    """The map of (rows, columns) that PIL's `rotate` makes."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[cos, -sin], [sin, cos]])


def mapped(image, matrix):
    """Maps an image around its center by a map of (rows, columns), in its own frame."""
    height, width = image.shape[:2]
    back = np.linalg.inv(matrix)
    middle = np.array([height / 2, width / 2])
    start = middle - back @ middle
    data = (back[1, 1], back[1, 0], start[1], back[0, 1], back[0, 0], start[0])
    moved = Image.fromarray(image).transform((width, height), Image.AFFINE, data, Image.BICUBIC)
    return np.asarray(moved)


MAPS = {
    "none": np.eye(2),
    "turned by 30": turn(30),
    "turned by -10": turn(-10),
    "stretched": np.diag([1.0, 0.85]),
    "sheared": np.array([[1.0, 0.0], [0.12, 1.0]]),
    "all at once": turn(20) @ np.diag([0.9, 0.8]) @ np.array([[1.0, 0.0], [-0.1, 1.0]]),
}


@pytest.mark.parametrize("name", MAPS)
def test_the_lattice_of_a_repeated_tile(name):
    marked = (PHOTO + np.tile(TILE, (4, 6))).astype(np.float32)
    found = lattices(mapped(marked, MAPS[name]), 96)
    assert found[0].strength > 2 * CLEAR_LATTICE
    expected = reduced(96 * MAPS[name])
    np.testing.assert_allclose(found[0].basis, expected, atol=0.4)


def test_no_lattice_without_repetition():
    assert lattices(PHOTO, 96) == []
    assert lattices(np.full((300, 300), 0.5, np.float32), 96) == []
    assert lattices(np.zeros((6, 5), np.float32), 96) == []
    # One tile and a bit of the next do not tell a map.
    alone = NOISE.normal(0.5, 0.1, (100, 100))
    assert lattices(alone, 96) == []


def test_lattices_are_sorted_and_few():
    marked = PHOTO + np.tile(TILE, (4, 6))
    found = lattices(marked, 96, most=2)
    assert 1 <= len(found) <= 2 and all(isinstance(a, Lattice) for a in found)
    assert [a.strength for a in found] == sorted((a.strength for a in found), reverse=True)


@pytest.mark.parametrize("mix", [[[1, 0], [0, 1]], [[2, 1], [1, 1]], [[-1, 3], [0, 1]]])
def test_the_shortest_basis_does_not_depend_on_the_one_given(mix):
    basis = np.array([[100.0, 8.0], [-5.0, 90.0]])
    np.testing.assert_allclose(reduced(basis @ mix), basis)


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("turns", range(4))
def test_an_alignment_undoes_its_map(turns, flipped):
    change = MAPS["all at once"]
    place = _undone(change, 0.5, turns, flipped)
    # What the reader does to (rows, columns) of the copy: mirror, turn, scale, warp.
    sides = np.linalg.matrix_power([[0, -1], [1, 0]], turns) @ np.diag([1, -1 if flipped else 1])
    undone = place.scale / 0.5 * place.warp[::-1, ::-1] @ sides @ change
    # The lattice looks the same from eight sides: an axis goes to an axis.
    np.testing.assert_allclose(np.abs(undone).sum(axis=0), 1, atol=1e-9)
    np.testing.assert_allclose(undone.T @ undone, np.eye(2), atol=1e-9)


def test_small_errors_of_a_lattice_are_taken_for_none():
    place = _undone(np.array([[1.0002, 3e-4], [-2e-4, 0.9999]]), 0.75, 0, False)
    assert (place.scale, place.rotation, place.stretch, place.shear) == (0.75, 0.0, 1.0, 0.0)


@pytest.fixture(scope="module")
def marked(watermarker):
    return watermarker.embed(data.coffee(), MESSAGE, key="k", strength=2)


@pytest.mark.parametrize("name", ["turned by 30", "stretched", "sheared", "all at once"])
def test_a_message_is_read_through_a_map(watermarker, marked, name):
    copy = mapped(marked, MAPS[name])
    found = watermarker.extract(copy, key="k", search="scale")
    assert found.message == MESSAGE and found.decision == "present"
    assert found.alignment.warped and found.p_value < 1e-6


def test_a_mirrored_turned_crop_is_read_at_once(watermarker, marked):
    copy = mapped(marked, turn(40))[40:360, 70:540, :][:, ::-1]
    found = watermarker.extract(np.ascontiguousarray(copy), key="k", search="scale")
    assert found.message == MESSAGE


def test_a_window_is_read_as_the_whole(quadrant_network, marked):
    copy = Photo(mapped(marked, MAPS["sheared"]))
    reader = Reader(quadrant_network, Canvas(copy), Codec(1024, Key("k")))
    place = _undone(MAPS["sheared"], 1.0, 0, False)
    score, at = reader.scan(place, 1)
    nearby, again = reader.scan(place, 1, window=256)
    assert again.offset == at.offset and nearby > 8
    assert reader.score(at) == pytest.approx(score, rel=0.05)
