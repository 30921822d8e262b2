"""Distortions of the StegaStamp suites: styles, crop and frame, print and photo."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from skimage import data, transform
from skimage.registration import phase_cross_correlation

from tfwm.distortions import RANDOM, distort
from tfwm.distortions.common import corners_of, project
from tfwm.distortions.print_photo import TABLE, photograph
from tfwm.evaluation import load_suite
from tfwm.images import psnr

CASES = [(a, level) for a in load_suite("stegastamp").distortions for level in a.levels]


@pytest.fixture
def photo():
    return data.astronaut()[:192, 100:292]


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(("distortion", "level"), CASES, ids=lambda x: getattr(x, "name", str(x)))
def test_every_distortion_on_a_photo(photo, distortion, level):
    before, photo = photo.copy(), photo[:96, :128]
    first, again, other = (
        distort(distortion.name, photo, level, rng(s), **distortion.options) for s in (0, 0, 1)
    )
    assert first.dtype == np.uint8 and first.shape == photo.shape and (first != photo).any()
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(photo, before[:96, :128])
    assert (first != other).any() == (distortion.name in RANDOM)
    gray = distort(distortion.name, photo[..., 1], level, rng(), **distortion.options)
    assert gray.shape == photo.shape[:2] and gray.dtype == np.uint8


@pytest.mark.parametrize("value", [20, 64, 128, 200])
def test_one_bit_keeps_the_mean(value):
    dots = distort("one_bit", np.full((200, 200, 3), value, np.uint8), 1)
    assert set(np.unique(dots)) == {0, 255}
    assert (dots == 255).mean() == pytest.approx(value / 255, abs=0.01)
    np.testing.assert_array_equal(dots[..., 0], dots[..., 2])


def test_equalised_histogram_is_flat(photo):
    for plane in np.moveaxis(distort("equalise", photo, 1), -1, 0):
        shares = np.searchsorted(np.sort(plane.ravel()), [63.5, 127.5, 191.5]) / plane.size
        np.testing.assert_allclose(shares, [0.25, 0.5, 0.75], atol=0.03)


def test_edges_are_enhanced_by_a_kernel(photo):
    kernel = np.full((3, 3, 1), -1.0)
    kernel[1, 1] = 10
    expected = np.clip(ndimage.convolve(photo / 2, kernel), 0, 255)
    error = distort("edge_enhance", photo, 1)[1:-1, 1:-1] - expected[1:-1, 1:-1]
    assert np.abs(error).max() <= 1


def test_cartoon_has_few_tones_and_dark_lines():
    ramp = np.linspace(0, 255, 256).astype(np.uint8)[None].repeat(64, 0)
    assert len(np.unique(distort("cartoon", ramp, 8))) == 8
    step = np.full((64, 64), 146, np.uint8)
    step[:, 32:] = 219
    drawn = distort("cartoon", step, 8)
    assert set(np.unique(drawn[:, [0, 20, 44, 63]])) == {146, 219}
    assert drawn[:, 31].max() < 146 and drawn[:, 32].max() < 219


def test_crop_and_frame_are_the_paper_s():
    image = np.asarray(Image.fromarray(data.astronaut()).resize((400, 400)))
    cut = Image.fromarray(image).crop((30, 30, 370, 370)).resize((400, 400), Image.BICUBIC)
    np.testing.assert_array_equal(distort("centre_crop", image, 30 / 400), np.array(cut))
    white = np.full((400, 400, 3), 255, np.uint8)
    # The paper: a frame of 70 pixels covers 57.75 % of the image.
    framed = distort("frame", white, 70 / 400)
    assert (framed == 0).mean() == pytest.approx(0.5775) and (framed[70:330, 70:330] == 255).all()
    for name in ("centre_crop", "frame"):
        np.testing.assert_array_equal(distort(name, image, 0), image)
    # Of sides that differ, each loses its own fraction.
    framed = distort("frame", white[:200, :, 0], 0.1)
    assert (framed[20:180, 40:360] == 255).all() and (framed == 255).sum() == 160 * 320


def test_projection_against_scikit_image(photo):
    smooth = ndimage.gaussian_filter(photo, (3, 3, 0))
    corners = corners_of(photo.shape)
    target = corners + [(10, 20), (-15, 5), (-8, -12), (20, -4)]
    moved = project(smooth, corners, target, photo.shape)
    errors = []
    for centre in (0.25, 0.5, 0.75):  # scikit-image counts from the centre of the first pixel
        way = transform.ProjectiveTransform.from_estimate(target - centre, corners - centre)
        expected = 255 * transform.warp(smooth / 255, way, order=3)
        inside = transform.warp(np.ones(photo.shape[:2]), way, order=0) > 0
        inside = ndimage.binary_erosion(inside, iterations=3)
        # Pillow cuts off where it should round.
        errors.append(np.abs(expected - 0.5 - moved)[inside].mean())
    assert min(errors) == errors[1] < 0.45
    back = project(moved, target, corners, photo.shape)[4:-4, 4:-4]
    assert psnr(smooth[4:-4, 4:-4], back) > 40


def test_levels_of_a_print_rise(photo):
    photo = photo[:96, :96]
    for rectified in (True, False):
        quality = [
            np.mean([psnr(photo, distort("print_photo", photo, level, rng(s), rectified=rectified))
                     for s in range(3)])
            for level in (1, 2, 3)
        ]  # fmt: skip
        assert quality[0] > quality[1] > quality[2]
        assert not rectified or quality[0] > 20


def test_rectified_print_lies_where_the_photo_lay(photo):
    photo = photo[:128, :128]
    for level in (1, 2, 3):
        for seed in range(3):
            print_ = distort("print_photo", photo, level, rng(seed))
            gray, seen = photo.mean(-1), print_.mean(-1)
            shift = phase_cross_correlation(gray, seen, upsample_factor=10)[0]
            assert np.abs(shift).max() <= 0.5
            assert np.corrcoef(gray.ravel(), seen.ravel())[0, 1] > 0.9
    taken = distort("print_photo", photo, 3, rng(0), rectified=False)
    assert np.corrcoef(photo.mean(-1).ravel(), taken.mean(-1).ravel())[0, 1] < 0.9


def test_corners_of_a_photographed_print():
    white = np.full((96, 128, 3), 255, np.uint8)
    for seed in range(4):
        picture, corners = photograph(white, 3, rng(seed))
        assert picture.shape == (192, 256, 3)
        centre = corners.mean(0)
        for corner in corners:
            way = (corner - centre) / np.linalg.norm(corner - centre)
            x, y = (corner - 6 * way).astype(int)
            assert picture[y, x].mean() > 1.2 * TABLE
            x, y = (corner + 6 * way).astype(int)
            if 0 <= x < 256 and 0 <= y < 192:
                assert picture[y, x].mean() < 1.2 * TABLE


def test_ink_is_not_black_and_paper_not_white():
    ranges = []
    for level in (1, 2, 3):
        black, white = (
            np.mean([distort("print_photo", np.full((64, 64), v, np.uint8), level, rng(s)).mean()
                     for s in range(4)])
            for v in (0, 255)
        )  # fmt: skip
        ranges.append(white - black)
        assert black > 5 and white < 250
    assert ranges[0] > ranges[1] > ranges[2]


@pytest.mark.parametrize(
    ("name", "level", "message"),
    [
        ("cartoon", 1, "2 to 256 tones"),
        ("centre_crop", 0.5, "below 0.5"),
        ("frame", -0.1, "below 0.5"),
        ("print_photo", 4, r"level of \[1, 2, 3\]"),
    ],
)
def test_bad_levels(photo, name, level, message):
    with pytest.raises(ValueError, match=message):
        distort(name, photo, level, rng())
