import numpy as np
import pytest

from tfwm.ops.bits import LOGIT_LIMIT, BlockVotes, spread_bits


@pytest.mark.parametrize("length", [1, 2, 7, 64, 199, 200])
def test_read_gives_back_what_was_spread(length):
    bits = np.random.default_rng(length).integers(0, 2, length)
    votes = BlockVotes(6 * spread_bits(bits, (10, 20)) - 3)
    np.testing.assert_array_equal(votes.read(length), 6 * bits - 3)


def test_format_does_not_change():
    # Photos marked by an older version must stay readable.
    rows = ["".join(str(int(v)) for v in row) for row in spread_bits([1, 1, 0, 1, 0], (4, 8))]
    assert rows == ["11011111", "00111011", "10000010", "01110101"]


def test_copies_are_even_and_lie_apart():
    length, shape = 60, (40, 60)
    places = [
        np.argwhere(spread_bits(np.eye(length)[i], shape) != spread_bits(np.zeros(length), shape))
        for i in range(length)
    ]
    assert {len(p) for p in places} == {40}
    # In each half of the photo, and in each quarter of its rows, is about its share of the copies.
    left = [(p[:, 1] < 30).sum() for p in places]
    assert min(left) >= 8 and max(left) <= 32


def test_half_of_the_blocks_lost_is_no_bit_lost():
    bits = np.random.default_rng(0).integers(0, 2, 64)
    logits = 6 * spread_bits(bits, (40, 60)) - 3
    logits[:, :30] = 0
    np.testing.assert_array_equal(BlockVotes(logits).read(64) > 0, bits)


def test_constant_logits_cancel():
    # What a network says of an unmarked photo is one-sided; the votes are not.
    assert np.abs(BlockVotes(np.full((80, 100), 5.0)).read(8)).max() < 1


def test_one_sure_block_does_not_outvote_the_rest():
    logits = 6 * spread_bits([1], (2, 4)) - 3
    logits[0, 0] *= -1e6
    assert BlockVotes(logits).read(1)[0] == pytest.approx((7 * 3 - LOGIT_LIMIT) / 8)


@pytest.mark.parametrize("length", [0, 33])
def test_length_must_fit(length):
    with pytest.raises(ValueError, match=f"1 to 32 bits.*Received: {length}"):
        spread_bits(np.zeros(length), (4, 8))
    with pytest.raises(ValueError, match="Received"):
        BlockVotes(np.zeros((4, 8))).read(length)
