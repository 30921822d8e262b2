import numpy as np
import pytest
from scipy.fft import dct
from scipy.stats import ortho_group

from tfwm.ops.transforms import (
    block_matrix,
    dct_matrix,
    haar_matrix,
    hadamard_matrix,
    random_matrix,
)


def test_dct_equals_scipy():
    np.testing.assert_allclose(dct_matrix(8), dct(np.eye(8), axis=0, norm="ortho"), atol=1e-12)


def test_haar_of_four():
    root = np.sqrt(0.5)
    expected = [
        [0.5, 0.5, 0.5, 0.5],
        [0.5, 0.5, -0.5, -0.5],
        [root, -root, 0, 0],
        [0, 0, root, -root],
    ]
    np.testing.assert_allclose(haar_matrix(4), expected, atol=1e-12)


def test_hadamard_entries():
    assert set(np.unique(hadamard_matrix(4))) == {-0.5, 0.5}


@pytest.mark.parametrize("name", ["dct", "hadamard", "haar", "random", "identity"])
@pytest.mark.parametrize("shape", [(8, 8), (4, 8), (2, 2)])
def test_orthonormal(name, shape):
    matrix = block_matrix(name, shape)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(shape[0] * shape[1]), atol=1e-12)


def test_random_matrix_repeats_by_seed_and_looks_uniform():
    np.testing.assert_array_equal(random_matrix(8, 3), random_matrix(8, 3))
    traces = [np.trace(random_matrix(6, seed)) for seed in range(400)]
    reference = [np.trace(m) for m in ortho_group(6, seed=0).rvs(400)]
    assert abs(np.mean(traces) - np.mean(reference)) < 0.25
    assert abs(np.std(traces) - np.std(reference)) < 0.15


def test_order_is_horizontal_frequency_first():
    """The released weights have coefficient 8 * fx + fy."""
    block = np.tile(np.cos(np.pi * (2 * np.arange(8) + 1) / 16), (8, 1))  # varies along x only
    coefficients = block_matrix("dct", (8, 8)) @ block.ravel()
    assert np.argmax(np.abs(coefficients)) == 8


def test_official_matrix(shared):
    import h5py

    with h5py.File(shared / "anchors" / "redmark" / "MT-Net.h5") as file:
        kernel = file["dct/dct/kernel:0"][0, 0]
    np.testing.assert_allclose(block_matrix("dct", (8, 8)).T, kernel, atol=1e-7)


@pytest.mark.parametrize("make", [hadamard_matrix, haar_matrix])
@pytest.mark.parametrize("size", [0, 6, 12])
def test_sizes_that_are_no_power_of_two(make, size):
    with pytest.raises(ValueError, match=f"size={size}"):
        make(size)


def test_unknown_name():
    with pytest.raises(ValueError, match="fourier"):
        block_matrix("fourier", (8, 8))
