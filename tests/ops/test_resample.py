import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfwm.ops import resample


@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
@pytest.mark.parametrize("sizes", [(37, 18), (37, 80), (64, 48), (5, 1), (9, 9)])
def test_matrix_equals_pillow(sizes, method, gray_photo):
    size, out_size = sizes
    plane = gray_photo[0, :size, :size, 0]
    pixels = Image.fromarray(plane)  # mode F, no rounding
    expected = np.asarray(pixels.resize((out_size, out_size), Image.Resampling[method.upper()]))
    matrix = resample.resize_matrix(size, out_size, method=method)
    resized = resample.apply_separable(tf.constant(plane[None, ..., None]), matrix, matrix)
    np.testing.assert_allclose(resized[0, ..., 0], expected, atol=1e-5)


@pytest.mark.parametrize("sizes", [(37, 18), (100, 29), (7, 20), (9, 9), (5, 1)])
def test_nearest_takes_the_sample_before(sizes):
    size, out_size = sizes
    samples = tf.random.stateless_uniform((1, size, 1, 1), (0, 1))
    expected = samples.numpy()[0, [i * size // out_size for i in range(out_size)], 0, 0]
    matrix = resample.resize_matrix(size, out_size, method="nearest")
    np.testing.assert_array_equal(matrix @ samples[0, :, 0], expected[:, None])
    several = resample.resize_matrix(size, tf.constant([out_size, 3]), 30, method="nearest")
    np.testing.assert_array_equal(several[0, :out_size], matrix)


@pytest.mark.parametrize("sizes", [(20, 7), (7, 20), (9, 9)])
def test_tensor_sizes_give_the_same_bicubic_matrix(sizes):
    matrix = resample.resize_matrix(*map(tf.constant, sizes), method="bicubic")
    expected = resample.resize_matrix(*sizes, method="bicubic")
    np.testing.assert_allclose(matrix, expected, atol=1e-5)
    if sizes[0] == sizes[1]:
        np.testing.assert_array_equal(matrix, np.eye(sizes[0]))


def test_tensor_sizes_give_the_same_matrix():
    several = resample.resize_matrix(20, tf.constant([7, 13]), max_out_size=13).numpy()
    np.testing.assert_allclose(several[0, :7], resample.resize_matrix(20, 7), atol=1e-6)
    np.testing.assert_allclose(several[1], resample.resize_matrix(20, 13), atol=1e-6)
    assert not several[0, 7:].any()


def test_rows_and_columns_are_not_mixed_up(photo):
    image = photo[:, :10, :20]
    vertical, horizontal = np.random.rand(7, 10), np.random.rand(5, 20)
    product = resample.apply_separable(
        tf.constant(image), tf.constant(vertical, tf.float32), tf.constant(horizontal, tf.float32)
    )
    expected = np.einsum("ij,kw,bjwc->bikc", vertical, horizontal, image)
    np.testing.assert_allclose(product, expected, rtol=1e-4)


@pytest.mark.parametrize("sizes", [(40, 23, None), (23, 40, None), (40, 24, 39.3), (24, 39, 23.4)])
def test_bicubic_is_pillows(sizes):
    in_size, out_size, length = sizes
    line = np.random.default_rng(0).random((1, in_size)).astype(np.float32)
    box = None if length is None else (0, 0, length, 1)
    expected = Image.fromarray(line).resize((out_size, 1), Image.BICUBIC, box)
    matrix = resample.bicubic_matrix(in_size, out_size, length).numpy()
    np.testing.assert_allclose(line @ matrix.T, np.asarray(expected), atol=2e-6)


def test_window_of_plain_integers():
    expected = resample.window_matrix(7, tf.constant(2), tf.constant(4))
    np.testing.assert_array_equal(resample.window_matrix(7, 2, 4), expected)
