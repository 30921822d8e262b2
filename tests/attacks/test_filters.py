"""Blurs, medians and sharpening against SciPy, Pillow and the papers' code."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageFilter
from scipy import ndimage

from tfwm.attacks import (
    FIRFilter,
    GaussianBlur,
    MeanFilter,
    MedianFilter,
    MotionBlur,
    Sharpen,
)
from tfwm.ops.filters import filter2d, gaussian_kernel, line_kernel


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


def blur_of_stegastamp(angle, sigma, size=7):
    """The line of `random_blur_kernel` in its code, by the angle of the line's normal."""
    coords = np.stack(np.meshgrid(np.arange(size), np.arange(size), indexing="ij"), -1)
    coords = coords - 0.5 * (size - 1)
    distance = coords @ np.array([np.cos(angle), np.sin(angle)])
    line = np.exp(-(distance**2) / 2 / sigma**2) * (np.abs(coords).sum(-1) < 3.05)
    return line / line.sum()


@pytest.mark.parametrize("angle, sigma", [(0.0, 0.25), (0.4, 0.7), (2.0, 1.0), (5.5, 0.5)])
def test_line_is_stegastamps(angle, sigma):
    kernel = line_kernel(tf.constant([np.degrees(angle)], tf.float32), tf.constant([sigma]), 3)
    np.testing.assert_allclose(kernel[0], blur_of_stegastamp(angle, sigma), atol=1e-5)


def test_motion_along_axes_is_a_mean(photo):
    image = photo[:, :40, :50]
    for angle, axis in ((0.0, 2), (90.0, 1), (-180.0, 2)):
        blurred = MotionBlur(7, angle, sigma=0.01)(image)
        expected = ndimage.uniform_filter1d(image, 7, axis=axis)
        np.testing.assert_allclose(blurred, expected, atol=1e-5)


def test_motion_goes_up_and_to_the_right():
    dot = np.zeros((1, 9, 9, 1), np.float32)
    dot[0, 4, 4] = 1
    line = MotionBlur(5, angle=45.0, sigma=0.1)(dot).numpy()[0, ..., 0]
    assert line[3, 5] == pytest.approx(1 / 3, abs=1e-4) == line[5, 3]
    assert line[5, 5] < 1e-4


@pytest.mark.parametrize("padding, mode", [("zero", "constant"), ("symmetric", "reflect")])
def test_a_kernel_for_each_image(padding, mode, photo):
    image = np.concatenate([photo[:, :30, :41], photo[:, 60:90, 60:101]])
    kernel = np.random.default_rng(0).normal(size=(2, 7, 5)).astype(np.float32)
    filtered = filter2d(tf.constant(image), kernel, padding)
    for i in range(2):
        expected = ndimage.correlate(image[i], kernel[i][..., None], mode=mode)
        np.testing.assert_allclose(filtered[i], expected, atol=1e-4)


def test_defocus_is_stegastamps():
    one = gaussian_kernel(tf.constant(2.0), 3).numpy()
    coords = np.mgrid[-3:4, -3:4]
    kernel = np.exp(-(coords**2).sum(0) / 2 / 2.0**2)
    np.testing.assert_allclose(np.outer(one, one), kernel / kernel.sum(), atol=1e-6)
    dot = np.zeros((1, 9, 9, 1), np.float32)
    dot[0, 4, 4] = 1
    blurred = GaussianBlur(2.0, size=7, padding="zero")(dot)[0, 1:-1, 1:-1, 0]
    np.testing.assert_allclose(blurred, kernel / kernel.sum(), atol=1e-6)
