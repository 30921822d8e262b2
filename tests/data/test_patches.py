import numpy as np
import pytest

from tfwm.data import balance_by_deviation, cut_patches

PHOTO = np.arange(64 * 96, dtype=np.int64).reshape(64, 96, 1).astype(np.uint16)


def test_patches_are_parts_of_the_photo():
    patches = cut_patches([PHOTO], 32, seed=1)
    assert patches.shape == (6, 32, 32, 1)
    for patch in patches:
        top, left = divmod(int(patch[0, 0, 0]), 96)
        np.testing.assert_array_equal(patch, PHOTO[top : top + 32, left : left + 32])


def test_all_positions_occur():
    patches = cut_patches([PHOTO[:34, :33]], 32, per_photo=200)
    assert {int(p[0, 0, 0]) for p in patches} == {0, 1, 96, 97, 192, 193}


def test_repeats_by_seed_and_leaves_small_photos_out():
    small = np.zeros((31, 90, 1), np.uint16)
    a, b = (cut_patches([small, PHOTO], 32, seed=s) for s in (3, 3))
    np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="32 x 32"):
        cut_patches([small], 32)


def test_balance_keeps_so_many_of_each_deviation():
    rng = np.random.default_rng(0)
    flat = np.full((50, 8, 8, 1), 9, np.uint8)
    busy = rng.integers(0, 256, (20, 8, 8, 1)).astype(np.uint8)
    kept = balance_by_deviation(np.concatenate([flat, busy]), per_bin=5, max_bin=40)
    assert (kept.std(axis=(1, 2, 3)) == 0).sum() == 5
    assert len(kept) == 10  # the busy ones all count as 40
