import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageFilter
from scipy import ndimage

from tfwm.ops import filters

SCIPY_MODE = {"symmetric": "reflect", "reflect": "mirror", "edge": "nearest", "zero": "constant"}
NUMPY_MODE = {"symmetric": "symmetric", "reflect": "reflect", "edge": "edge", "zero": "constant"}


@pytest.mark.parametrize("padding", filters.PADDINGS)
@pytest.mark.parametrize("static", [True, False])
def test_padding_far_beyond_the_side(padding, static):
    image = np.arange(12, dtype=np.float32).reshape(1, 3, 4, 1)
    shape = image.shape if static else (1, None, None, 1)
    pad = tf.function(
        lambda x: filters.pad_image(x, (2, 7), (9, 1), padding),
        input_signature=[tf.TensorSpec(shape, tf.float32)],
    )
    expected = np.pad(image, ((0, 0), (2, 7), (9, 1), (0, 0)), NUMPY_MODE[padding])
    np.testing.assert_array_equal(pad(image), expected)


@pytest.mark.parametrize("padding", filters.PADDINGS)
@pytest.mark.parametrize("size", [40, 200])  # by matrices, by convolution
def test_gaussian_equals_scipy(padding, size, photo):
    image = photo[:, :size, :size]
    kernel = filters.gaussian_kernel(1.6, radius=6)
    blurred = filters.filter_separable(tf.constant(image), kernel, padding)
    expected = ndimage.gaussian_filter(image, (0, 1.6, 1.6, 0), mode=SCIPY_MODE[padding])
    np.testing.assert_allclose(blurred, expected, atol=2e-6)


@pytest.mark.parametrize("size", [40, 200])
def test_a_kernel_for_every_image(size, photo):
    images = np.repeat(photo[:, :size, :size], 2, axis=0)
    kernels = filters.gaussian_kernel([0.0, 2.0], radius=8)
    blurred = filters.filter_separable(tf.constant(images), kernels)
    np.testing.assert_allclose(blurred[0], images[0], atol=1e-6)
    expected = ndimage.gaussian_filter(images[1], (2, 2, 0))
    np.testing.assert_allclose(blurred[1], expected, atol=2e-6)


@pytest.mark.parametrize("padding", filters.PADDINGS)
def test_filter2d_equals_scipy(padding, photo):
    kernel = np.arange(15, dtype=np.float32).reshape(3, 5) - 7
    filtered = filters.filter2d(tf.constant(photo), kernel, padding)
    expected = ndimage.correlate(photo, kernel[None, :, :, None], mode=SCIPY_MODE[padding])
    np.testing.assert_allclose(filtered, expected, atol=2e-5)


@pytest.mark.parametrize("padding", filters.PADDINGS)
@pytest.mark.parametrize("size", [1, 3, 5, 7])
def test_median_equals_scipy(padding, size, photo):
    image = photo[:, :50, :41]
    median = filters.median_filter(tf.constant(image), size, padding)
    window = (1, size, size, 1)
    expected = ndimage.median_filter(image, window, mode=SCIPY_MODE[padding])
    np.testing.assert_array_equal(median, expected)


def test_median_gradient_goes_to_the_chosen_pixel():
    image = tf.reshape(tf.constant([3.0, 9, 1, 4, 5, 8, 2, 7, 6]), (1, 3, 3, 1))
    with tf.GradientTape() as tape:
        tape.watch(image)
        center = filters.median_filter(image, 3)[0, 1, 1, 0]
    gradient = tape.gradient(center, image).numpy().ravel()
    np.testing.assert_array_equal(gradient, [0, 0, 0, 0, 1, 0, 0, 0, 0])


@pytest.mark.parametrize("radius", [1, 2.5, 10])
@pytest.mark.parametrize("size", [64, 200])
def test_blur_equals_pillow(radius, size, gray_photo):
    image = gray_photo[:, :size, :size]
    pixels = Image.fromarray(np.uint8(image[0, ..., 0] * 255 + 0.5))
    expected = np.asarray(pixels.filter(ImageFilter.GaussianBlur(radius)))
    blurred = filters.pillow_gaussian_blur(tf.constant(image), radius, radius)
    # Pillow rounds to 8 bits after each of its six passes.
    assert np.abs(blurred[0, ..., 0].numpy() * 255 - expected).max() < 2.5
    assert np.abs(blurred[0, ..., 0].numpy() * 255 - expected).mean() < 0.5


def test_box_means_equal_scipy(photo):
    image = photo[:, :40, :50]
    expected = ndimage.uniform_filter(image, (0, 9, 9, 0), mode="constant")
    np.testing.assert_allclose(filters.box_means(tf.constant(image), 9), expected, atol=2e-6)
