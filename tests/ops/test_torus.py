"""Convolution on a torus by its frequencies: NumPy's FFT, and shifts by hand."""

import numpy as np
import pytest
import tensorflow as tf

from tfwm.ops.torus import convolve_torus, torus_matrices

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("sides", [(4, 4), (2, 2), (3, 5), (8, 4), (1, 6)])
def test_products_of_frequencies_are_those_of_the_fft(sides):
    """With the same values for image and kernel as large as it, this is a convolution by FFT."""
    image, kernel = RNG.standard_normal((2, *sides))
    found = convolve_torus(
        tf.constant(image[..., None, None], tf.float32),
        tf.constant(kernel[..., None, None], tf.float32),
    )
    middle = [(n - 1) // 2 for n in sides]
    correlated = np.fft.ifft2(np.fft.fft2(image) * np.conj(np.fft.fft2(kernel))).real
    np.testing.assert_allclose(found[..., 0, 0], np.roll(correlated, middle, (0, 1)), atol=1e-4)


def test_number_of_products_is_gausss():
    for sides in [(4, 4), (3, 5), (2, 2)]:
        count = sides[0] * sides[1]
        real = sum(
            1
            for n in range(count)
            if all((2 * i) % m == 0 for i, m in zip(divmod(n, sides[1]), sides, strict=True))
        )
        assert len(torus_matrices(sides, (2, 2))[2]) == real + 3 * (count - real) // 2


def test_channels_and_batch_stay_apart():
    image = RNG.standard_normal((4, 4, 3, 2)).astype("float32")
    kernel = RNG.standard_normal((2, 2, 2, 5)).astype("float32")
    whole = convolve_torus(tf.constant(image), tf.constant(kernel))
    assert whole.shape == (4, 4, 3, 5)
    one = convolve_torus(tf.constant(image[:, :, 1:2]), tf.constant(kernel[..., 3:4]))
    np.testing.assert_allclose(whole[:, :, 1:2, 3:4], one, atol=1e-5)
