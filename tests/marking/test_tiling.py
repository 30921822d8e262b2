import numpy as np
import pytest

from tfwm.keys import Key
from tfwm.marking import Tiling, tiling_of


@pytest.mark.parametrize("bits_per_cell", [1, 30, 256])
def test_folding_undoes_laying_out(bits_per_cell):
    tiling = Tiling(bits_per_cell)
    assert 200 < tiling.slots <= 1100
    bits = np.random.default_rng(0).integers(0, 2, tiling.slots)
    side = tiling.shape[0]
    grid = tiling.lay_out(bits, 2 * side + 1, 3 * side)
    assert grid.shape == (2 * side + 1, 3 * side, bits_per_cell)
    votes = tiling.fold(2 * grid - 1)
    np.testing.assert_array_equal(np.sign(votes.ravel()), 2 * bits - 1)
    assert np.abs(votes[1:]).max(initial=6) == 6 and np.abs(votes[0]).max() == 9


def test_cells_that_are_not_there_have_no_vote():
    tiling = Tiling(1)
    votes = tiling.fold(np.ones((2, 10, 32, 1)))
    assert votes.shape == (2, 32, 32, 1)
    assert (votes[:, :10] == 1).all() and (votes[:, 10:] == 0).all()


def test_one_cell_cannot_outvote_the_others():
    tiling = Tiling(1)
    logits = np.full((32 * 8, 32, 1), -1.0)
    logits[0] = 1000
    assert (tiling.fold(logits)[0] < 0).all()


def test_a_tile_is_no_larger_than_a_photo_at_working_size():
    assert Tiling(1, (16, 16)).shape == (32, 32, 1)
    assert Tiling(30, (128, 128)).shape == (4, 4, 30)
    tiling = Tiling(30, (128, 128))
    votes = tiling.fold(np.ones((512 // 128, 768 // 128, 30)))
    assert votes.min() == 1  # every slot is there


def test_a_network_says_how_many_bits_a_cell_has(quadrant_network, colour_network, tile_network):
    assert tiling_of(quadrant_network).shape == (32, 32, 1)
    assert tiling_of(colour_network).shape == (32, 32, 1)
    assert tiling_of(tile_network).shape == (4, 4, 30)


def test_a_half_leaves_as_many_cells_of_each_slot():
    tiling = Tiling(1)
    first, second = (tiling.half(64, 96, Key(key)) for key in ("first", "second"))
    slots = tiling.slots_at(64, 96)[..., 0]
    assert (np.bincount(slots[first], minlength=1024) == 3).all()  # of 2 x 3 tiles
    assert 0.45 < (first == second).mean() < 0.55
    np.testing.assert_array_equal(first[:, :64], first[:, 32:])
    np.testing.assert_array_equal(first[:32], ~first[32:])
    narrow = tiling.half(40, 96, Key("first"))
    np.testing.assert_array_equal(narrow[:, :64], ~narrow[:, 32:])
    assert tiling.half(1, 1, Key("second")).shape == (1, 1)
