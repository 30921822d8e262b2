import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageFilter
from scipy import ndimage

from tfwm.attacks import FIRFilter, GaussianBlur, MeanFilter, MedianFilter, Resize, Sharpen


def pixels(image):
    return Image.fromarray(np.uint8(np.rint(image[0, ..., 0] * 255)))


def levels(attacked):
    return np.asarray(attacked)[0, ..., 0] * 255


@pytest.mark.parametrize("sigma", [1, 1.6, 2])
def test_blur_equals_scipy(sigma, gray_photo):
    blurred = GaussianBlur(sigma)(gray_photo)
    expected = ndimage.gaussian_filter(gray_photo, (0, sigma, sigma, 0))
    np.testing.assert_allclose(blurred, expected, atol=2e-6)


def test_mean_equals_scipy(gray_photo):
    expected = ndimage.uniform_filter(gray_photo, (0, 5, 5, 0))
    np.testing.assert_allclose(MeanFilter(5)(gray_photo), expected, atol=2e-6)


def test_median_equals_scipy(gray_photo):
    expected = ndimage.median_filter(gray_photo, (1, 5, 5, 1))
    np.testing.assert_array_equal(MedianFilter(5)(gray_photo), expected)


def test_fir_shifts():
    image = tf.reshape(tf.range(12, dtype=tf.float32), (1, 3, 4, 1))
    shifted = FIRFilter([[0, 0, 1]], padding="zero")(image)
    np.testing.assert_array_equal(shifted[0, :, :3], image[0, :, 1:])


@pytest.mark.parametrize("radius", [1, 5, 10])
def test_sharpen_comes_near_pillow(radius, gray_photo):
    sharp = levels(Sharpen(radius, percent=150, threshold=3)(gray_photo))
    expected = pixels(gray_photo).filter(ImageFilter.UnsharpMask(radius, 150, 3))
    error = np.abs(sharp - np.asarray(expected))
    # Pillow rounds the blurred image; a pixel at the threshold may fall on the other side.
    assert error.mean() < 0.8 and np.quantile(error, 0.95) < 2
    assert np.abs(levels(gray_photo) - np.asarray(expected)).mean() > 4


@pytest.mark.parametrize("scale", [0.5, 0.75, 1.5])
def test_resize_comes_near_pillow(scale, gray_photo):
    image = gray_photo[:, :101, :70]
    small = (int(70 * scale), int(101 * scale))
    expected = pixels(image).resize(small, Image.BILINEAR).resize((70, 101), Image.BILINEAR)
    error = np.abs(levels(Resize(scale)(image)) - np.asarray(expected))
    assert error.max() < 2  # four roundings to 8 bits


def test_resize_range_holds_both_ends(photo):
    images = tf.repeat(tf.constant(photo[:, :32, :32]), 300, axis=0)
    attacked = Resize((0.5, 2.0), seed=0)(images)
    error = np.abs(attacked - images).mean(axis=(1, 2, 3))
    half = np.abs(Resize(0.5)(images[:1]) - images[:1]).mean()
    assert error.max() == pytest.approx(half, rel=0.05) and error.min() < half / 3


@pytest.mark.parametrize("scale", [0.6, 1.5])
def test_nearest_resize_one_way_takes_pixels(scale, gray_photo):
    image = gray_photo[:, :101, :70]
    attacked = Resize(scale, restore=False, method="nearest")(image)
    rows, columns = (np.arange(int(n * scale)) * n // int(n * scale) for n in (101, 70))
    np.testing.assert_array_equal(attacked, image[:, rows][:, :, columns])


def test_bilinear_resize_one_way_comes_near_pillow(gray_photo):
    attacked = Resize(0.4, restore=False)(gray_photo)
    expected = pixels(gray_photo).resize((102, 102), Image.BILINEAR)
    assert np.abs(levels(attacked) - np.asarray(expected)).max() < 1.5


def test_nearest_resize_and_back(gray_photo):
    image = gray_photo[:, :64, :64]
    attacked = Resize(0.5, method="nearest")(image)
    np.testing.assert_array_equal(attacked, image[:, ::2, ::2].repeat(2, axis=1).repeat(2, axis=2))


def test_resize_one_way_draws_a_size_per_batch(photo):
    attack = Resize((0.4, 0.6), restore=False, seed=0)
    sizes = {attack(photo[:, :100, :50]).shape[1:3] for _ in range(20)}
    assert len(sizes) > 8
    assert all(40 <= rows <= 59 and abs(rows - 2 * columns) < 2 for rows, columns in sizes)
    assert not attack.supports_jit and Resize((0.4, 0.6)).supports_jit
