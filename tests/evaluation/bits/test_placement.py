import numpy as np
import pytest

from tfwm.evaluation import Placement, message_placement, paper_placement, spread_placement


def copies(placement):
    return np.bincount(placement.cells[placement.cells >= 0], minlength=placement.num_bits)


def places(placement, bit):
    return np.argwhere(placement.cells[0] == bit)


def test_paper_placement_is_the_authors_formula():
    row, column = np.mgrid[:16, :16]
    groups = paper_placement(16, 16).cells[0].reshape(16, 4, 16, 4).transpose(0, 2, 1, 3)
    expected = 4 * ((column - row) % 16) + row // 4
    np.testing.assert_array_equal(groups // 16, expected[..., None, None] + np.zeros((4, 4)))
    np.testing.assert_array_equal(groups % 16, np.arange(16).reshape(4, 4) + 0 * groups)


@pytest.mark.parametrize("place", [paper_placement, spread_placement])
@pytest.mark.parametrize(
    ("rows", "columns", "redundancy"),
    [(16, 16, 4), (10, 15, 4), (15, 10, 4), (3, 5, 4), (2, 2, 4), (7, 9, 1), (6, 5, 7), (1, 9, 2)],
)
def test_copies_and_round_trip(place, rows, columns, redundancy):
    placement = place(rows, columns, redundancy)
    assert placement.num_bits == 16 * (rows * columns // redundancy)
    assert (copies(placement) == redundancy).all()
    left = rows * columns % redundancy * 16
    assert (placement.cells == -1).sum() == left
    bits = np.random.default_rng(0).integers(0, 2, (3, placement.num_bits))
    planes = placement.spread_out(bits)
    assert planes.shape == (3, 1, rows * 4, columns * 4)
    for vote in ("majority", "soft"):
        np.testing.assert_array_equal(placement.vote(planes - 0.5, vote), bits)


@pytest.mark.parametrize("place", [paper_placement, spread_placement])
@pytest.mark.parametrize(("redundancy", "patch_cells"), [(1, 1), (4, 1), (2, 2)])
def test_blocks_of_several_bits(place, redundancy, patch_cells):
    placement = place(2, 3, redundancy, patch_cells, planes=30)
    assert placement.cells.shape == (30, 2 * patch_cells, 3 * patch_cells)
    assert placement.num_bits == 30 * patch_cells**2 * (6 // redundancy)
    assert (copies(placement) == redundancy).all()
    bits = np.random.default_rng(0).integers(0, 2, (2, placement.num_bits))
    np.testing.assert_array_equal(placement.vote(placement.spread_out(bits) - 0.5), bits)


def test_left_over_blocks_count_nothing():
    placement = paper_placement(3, 5)
    bits = np.zeros(placement.num_bits, int)
    plane = placement.spread_out(bits, filler=1)
    assert plane.sum() == 3 * 16
    assert placement.vote(100.0 * plane - 0.1, "soft").sum() == 0


def distances(placement):
    far = []
    for bit in range(0, placement.num_bits, 7):
        at = places(placement, bit)
        apart = np.abs(at[:, None] - at[None]).max(-1)
        far.append(apart[np.triu_indices(len(at), 1)].min())
    return np.array(far)


def test_spread_placement_keeps_copies_apart():
    assert distances(paper_placement(16, 16)).max() == 4
    # Half of the 64 blocks, less the two blocks that a copy is moved inside its patch.
    assert distances(spread_placement(16, 16)).min() >= 30
    # 40 x 60 blocks: half of 40.
    assert distances(spread_placement(10, 15)).mean() > 17


def test_spread_placement_uses_other_places_in_the_patch():
    placement = spread_placement(16, 16)
    for bit in (0, 5, 700):
        inside = {tuple(place) for place in places(placement, bit) % 4}
        assert len(inside) == 4


def test_message_placement():
    placement = message_placement(4, 4, 30, planes=3)
    assert placement.cells.shape == (3, 16, 16)
    assert (copies(placement) == 3 * 8).all()
    first = [places(Placement(placement.cells[i : i + 1], 30), 0) for i in range(3)]
    assert not {tuple(p) for p in first[0]} & {tuple(p) for p in first[1]}
    bits = np.random.default_rng(0).integers(0, 2, 30)
    plane = placement.spread_out(bits)
    np.testing.assert_array_equal(placement.vote(plane - 0.5), bits)


def test_votes_differ_as_they_should():
    cells = np.array([[[0, 0, 0, 0], [1, 1, 1, 1], [2, 2, 2, 2]]])
    placement = Placement(cells, 3)
    logits = np.array([[[1, 1, -1, -1], [9, -1, -1, -1], [0.1, 0.1, 0.1, -5]]])
    np.testing.assert_array_equal(placement.vote(logits, "majority"), [0, 0, 1])  # a tie is 0
    np.testing.assert_array_equal(placement.vote(logits, "soft"), [0, 1, 0])
    assert placement.vote(np.stack([logits] * 5)).shape == (5, 3)


def test_errors():
    with pytest.raises(ValueError, match="redundancy of 1 to 4"):
        paper_placement(2, 2, redundancy=5)
    with pytest.raises(ValueError, match="redundancy=0"):
        spread_placement(2, 2, redundancy=0)
    with pytest.raises(ValueError, match="1 to 16 bits"):
        message_placement(1, 1, 17)
    with pytest.raises(ValueError, match="how='mean'"):
        paper_placement(2, 2).vote(np.zeros((1, 8, 8)), "mean")
    with pytest.raises(ValueError, match="hold each of the bits"):
        Placement(np.zeros((1, 2, 2), int), 2)
