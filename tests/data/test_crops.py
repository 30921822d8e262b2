import numpy as np
import pytest
from PIL import Image

from tfwm.data import balance_by_deviation, cut_patches, fit_photos

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


def test_fit_gives_the_photo_and_parts_of_it():
    photo = np.repeat(np.linspace(0, 255, 96).astype(np.uint8)[None, :, None], 64, axis=0)
    squares = fit_photos([photo], 32, seed=1, per_photo=30)
    assert squares.shape == (30, 32, 32, 1) and squares.dtype == np.uint8
    expected = Image.fromarray(photo[:, 16:80, 0]).resize((32, 32), Image.BICUBIC)
    np.testing.assert_allclose(squares[0, ..., 0], expected, atol=1)
    slopes = squares[:, 16, -1, 0].astype(int) - squares[:, 16, 0, 0]
    assert slopes[0] == slopes.max() and slopes[1:].min() < 0.6 * slopes[0]
    assert slopes[1:].min() > 0.45 * slopes[0]


def test_fit_of_colour_photos_and_none():
    assert fit_photos([np.zeros((40, 30, 3), np.uint8)], 64).shape == (1, 64, 64, 3)
    with pytest.raises(ValueError, match="at least one photo"):
        fit_photos([], 32)
