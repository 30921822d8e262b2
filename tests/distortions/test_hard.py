import math

import numpy as np
import pytest

from tfwm.distortions import CHANGES_SIZE, RANDOM, distort
from tfwm.evaluation import load_suite

SUITE = load_suite("hard")
CASES = [(distortion, level) for distortion in SUITE.distortions for level in distortion.levels]


@pytest.fixture(scope="module")
def photo():
    y, x = np.mgrid[:160, :240]
    waves = [128 + 90 * np.sin(x / a + y / b) for a, b in ((9, 21), (17, -11), (5, 40))]
    return np.stack(waves, -1).astype(np.uint8)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_the_suite_holds_what_the_field_tries_and_counts_all():
    tried = {(d.name, level) for d, level in CASES}
    wanted = """stretch 0.9, shear 5, perspective 0.05, rotation 30, rotation 45, jpeg 10,
        centre_part 0.2, centre_part 0.1, collage 0.25, slow_warp 8, brightness 0.1, contrast 0.1,
        hue 180, inpaint_blocks 6, thumbnail 150"""
    pairs = (pair.split() for pair in wanted.split(","))
    assert {(name, float(level)) for name, level in pairs} <= tried
    assert not any(d.unpromising for d in SUITE.distortions)
    assert (SUITE.payload_bits, SUITE.psnr, SUITE.false_positive_rate) == (64, 40, 1e-6)
    everyday = load_suite("everyday").distortions  # published tables stay comparable
    assert sum(len(set(d.levels) - set(d.unpromising)) for d in everyday) == 74


@pytest.mark.parametrize(("distortion", "level"), CASES, ids=lambda x: getattr(x, "name", str(x)))
def test_every_edit_repeats_and_takes_gray(photo, distortion, level):
    first, again, other = (distort(distortion.name, photo, level, rng(s)) for s in (0, 0, 1))
    assert first.dtype == np.uint8 and first.shape[2] == 3
    np.testing.assert_array_equal(first, again)
    assert (distortion.name in RANDOM) == (first.tobytes() != other.tobytes())
    if distortion.name not in CHANGES_SIZE:
        assert first.shape == photo.shape and (first != photo).any()
    gray = distort(distortion.name, photo[..., 1], level, rng())
    assert gray.shape == first.shape[:2]


def test_shear_moves_rows_by_the_tangent():
    image = np.zeros((101, 201), np.uint8)
    image[:, 100] = 255
    leaning = distort("shear", image, 10)
    slope = math.tan(math.radians(10))
    for row in (5, 30, 50, 80, 95):
        place = (leaning[row] * np.arange(201.0)).sum() / leaning[row].sum()
        assert place == pytest.approx(100 - slope * (row + 0.5 - 50.5), abs=0.3)
    np.testing.assert_array_equal(distort("shear", image, 0), image)


def test_centre_part_and_thumbnail_sizes(photo):
    np.testing.assert_array_equal(distort("centre_part", photo, 0.25), photo[40:120, 60:180])
    np.testing.assert_array_equal(distort("centre_part", photo, 1.0), photo)
    assert distort("thumbnail", photo, 150).shape == (100, 150, 3)
    assert distort("thumbnail", photo.transpose(1, 0, 2), 150).shape == (150, 100, 3)
    np.testing.assert_array_equal(distort("thumbnail", photo, 240), photo)


def test_collage_holds_the_photo_unchanged(photo):
    places = set()
    for seed in range(5):
        whole = distort("collage", photo, 0.25, rng(seed))
        assert whole.shape == (320, 480, 3)
        corners = np.argwhere((whole[:161, :241] == photo[0, 0]).all(-1))
        found = [
            (y, x) for y, x in corners if np.array_equal(whole[y : y + 160, x : x + 240], photo)
        ]
        assert len(found) == 1
        places.add(tuple(found[0]))
    assert len(places) == 5
    np.testing.assert_array_equal(distort("collage", photo, 1.0, rng()), photo)


def test_slow_warp_moves_a_ramp_by_so_many_pixels():
    ramp = np.tile(np.uint8(np.arange(200)), (200, 1))
    inner = np.s_[20:-20, 20:-20]
    largest = []
    for seed in range(6):
        shift = distort("slow_warp", ramp, 8, rng(seed)).astype(float)[inner] - ramp[inner]
        largest.append(np.abs(shift).max())
        # Neighbors move alike: 8 pixels over a wave of 50, with the rounding of levels.
        assert np.abs(np.diff(shift, axis=0)).max() <= 2
    assert 4 < max(largest) <= 8
    np.testing.assert_array_equal(distort("slow_warp", ramp, 0, rng()), ramp)


def test_inpainting_keeps_ramps_and_borders_and_forgets_the_inside():
    y, x = np.mgrid[:40, :52]
    ramp = (3 * y + 2 * x).astype(np.uint8)
    np.testing.assert_array_equal(distort("inpaint_blocks", ramp, 6), ramp)
    noise = rng().integers(0, 256, (40, 52, 3), dtype=np.uint8)
    inside = (y % 8 > 0) & (y % 8 < 7) & (x % 8 > 0) & (x % 8 < 7) & (x < 48)
    painted = distort("inpaint_blocks", noise, 6)
    np.testing.assert_array_equal(painted[~inside], noise[~inside])
    other = np.where(inside[..., None], 255 - noise, noise)
    np.testing.assert_array_equal(distort("inpaint_blocks", other, 6), painted)
    # Each new pixel is the mean of its four neighbors.
    p = painted.astype(float)
    mean = (np.roll(p, 1, 0) + np.roll(p, -1, 0) + np.roll(p, 1, 1) + np.roll(p, -1, 1)) / 4
    assert np.abs(p - mean)[inside].max() <= 1.01
    np.testing.assert_array_equal(distort("inpaint_blocks", noise, 0), noise)


@pytest.mark.parametrize(
    ("name", "level", "message"),
    [("inpaint_blocks", 7, "0 to 6"), ("collage", 2, "fraction"), ("centre_part", -1, "fraction")],
)
def test_bad_levels(photo, name, level, message):
    with pytest.raises(ValueError, match=message):
        distort(name, photo, level, rng())
