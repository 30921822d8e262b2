"""Orthonormal matrices for the block transforms of ReDMark (section 3.1.1, appendix A)."""

import numpy as np
from scipy.fft import dct
from scipy.linalg import hadamard


def dct_matrix(size):
    """Returns the orthonormal DCT-II matrix `(size, size)`; rows are basis functions."""
    return dct(np.eye(size), norm="ortho", axis=0)


def hadamard_matrix(size):
    """Returns the orthonormal Hadamard matrix `(size, size)`; `size` is a power of two."""
    if size < 1 or size & (size - 1):
        raise ValueError(
            f"Expected a power of two as size of a Hadamard matrix. Received: size={size}"
        )
    return hadamard(size) / np.sqrt(size)


def haar_matrix(size):
    """Returns the orthonormal Haar wavelet matrix `(size, size)`; `size` is a power of two."""
    if size < 1 or size & (size - 1):
        raise ValueError(f"Expected a power of two as size of a Haar matrix. Received: size={size}")
    matrix = np.ones((1, 1))
    while len(matrix) < size:
        scaled = np.kron(matrix, [1, 1])
        details = np.kron(np.eye(len(matrix)), [1, -1])
        matrix = np.vstack([scaled, details]) / np.sqrt(2)
    return matrix


def random_matrix(size, seed=0):
    """Returns a random orthonormal matrix `(size, size)`, uniform over rotations."""
    normal = np.random.default_rng(seed).standard_normal((size, size))
    q, r = np.linalg.qr(normal)
    return q * np.sign(np.diag(r))


_SEPARABLE = {"dct": dct_matrix, "hadamard": hadamard_matrix, "haar": haar_matrix}
TRANSFORMS = (*_SEPARABLE, "random", "identity")


def block_matrix(name, block_shape, seed=0):
    """Returns the matrix that transforms a whole M x N block, flattened row by row.

    `y = block_matrix(...) @ block.reshape(-1)`. The coefficient with horizontal
    frequency `u` and vertical frequency `v` is row `u * M + v`, as in the authors'
    matrices.

    Args:
        name: one of `"dct"`, `"hadamard"`, `"haar"`, `"random"`, `"identity"`.
        block_shape: `(M, N)`, rows and columns of a block.
        seed: integer, for `"random"` only.

    Returns:
        Array `(M * N, M * N)`, orthonormal, float64.

    Example:

    >>> block_matrix("dct", (8, 8)).shape
    (64, 64)
    """
    rows, columns = block_shape
    if name == "random":
        return random_matrix(rows * columns, seed)
    if name == "identity":
        return np.eye(rows * columns)
    if name not in _SEPARABLE:
        raise ValueError(f"Expected a transform of {TRANSFORMS}. Received: name={name!r}")
    vertical, horizontal = _SEPARABLE[name](rows), _SEPARABLE[name](columns)
    matrix = np.einsum("vm,un->uvmn", vertical, horizontal)
    return matrix.reshape(rows * columns, rows * columns)
