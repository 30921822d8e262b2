import numpy as np
import pytest
from scipy import ndimage
from skimage.metrics import structural_similarity

from tfwm.images import filters, ssim


@pytest.fixture(scope="module")
def plane(photo):
    return photo[0, :90, :120]


@pytest.mark.parametrize("sigma", [0.5, 1.6, 4.0, 30.0])
def test_gaussian_is_scipys(plane, sigma):
    expected = ndimage.gaussian_filter(plane, (sigma, sigma, 0))
    np.testing.assert_array_equal(filters.gaussian(plane, sigma), expected)


def test_gaussian_with_a_window(plane):
    expected = ndimage.gaussian_filter(plane[..., 0], 2, radius=3, mode="mirror")
    found = filters.gaussian(plane[..., 0], 2, 3, filters.REFLECT)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("size", [3, 9])
def test_windows_are_scipys(plane, size):
    window = (size, size, 0)
    expected = ndimage.uniform_filter(plane, (size, size, 1))
    np.testing.assert_allclose(filters.uniform(plane, size), expected, atol=1e-7)
    expected = ndimage.minimum_filter(plane, (*window[:2], 1))
    np.testing.assert_array_equal(filters.minimum(plane, size), expected)


def test_specks_are_gone_and_lines_stay(plane):
    image = plane[None].astype(np.float32) / 2 + 0.25
    kept = filters.without_specks(image, 0.1)
    assert np.mean(np.abs(kept - image) > 1e-6) < 0.01
    specks, lines = image.copy(), image.copy()
    specks[:, 5::10, 5::10] = 1
    lines[:, 5::10] = 1
    found = filters.without_specks(specks, 0.1)
    around = ndimage.maximum_filter(image[0], (3, 3, 1))[5::10, 5::10]
    assert (found[0, 5::10, 5::10] <= around + 0.1 + 1e-6).all()
    np.testing.assert_allclose(filters.without_specks(lines, 0.1)[:, 5::10], 1)


def test_ssim_is_scikit_images(plane):
    cover = (255 * plane).astype(np.uint8)
    marked = np.clip(cover + np.random.default_rng(0).normal(0, 9, cover.shape), 0, 255)
    marked = marked.astype(np.uint8)
    expected = structural_similarity(cover, marked, win_size=9, data_range=255, channel_axis=-1)
    assert ssim(cover, marked) == pytest.approx(expected, abs=1e-12)
