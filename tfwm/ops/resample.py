"""Resizing by matrices, differentiable and compiled by XLA."""

import numpy as np
import tensorflow as tf

METHODS = ("bilinear", "bicubic", "nearest")


def resize_matrix(in_size, out_size, max_out_size=None, method="bilinear"):
    """Returns the matrix that resizes along one axis.

    The weights of `"bilinear"` are those of `PIL.Image.resize(..., Image.BILINEAR)`: a
    triangle, which is stretched by the scale for a smaller size. `"bicubic"` is Pillow's as well,
    Keys' kernel, stretched so. `"nearest"` takes sample `floor(i * in_size / out_size)`, as
    PyTorch's `interpolate` does.

    Args:
        in_size: number of samples before.
        out_size: number of samples after; integers, any shape `(...)`, so that
            every image may have its own.
        max_out_size: rows of the result; rows beyond `out_size` are 0.
        method: `"bilinear"`, `"bicubic"` or `"nearest"`.

    Returns:
        float32 tensor `(..., max_out_size, in_size)`.

    Example:

    >>> resize_matrix(4, 2).numpy().round(3)
    array([[0.429, 0.429, 0.143, 0.   ],
           [0.   , 0.143, 0.429, 0.429]], dtype=float32)
    """
    max_out_size = out_size if max_out_size is None else max_out_size
    return _matrix(in_size, out_size, max_out_size, in_size, method)


def bicubic_matrix(in_size, out_size, length=None):
    """Returns the matrix by which `PIL.Image.resize(..., Image.BICUBIC, box)` resizes an axis.

    Args:
        in_size: number of samples before, an integer.
        out_size: number of samples after, an integer.
        length: samples from the first one on that become the `out_size`, a float: the end of the
            box; all of them by default. The kernel reaches samples beyond it.

    Returns:
        float32 tensor `(out_size, in_size)`.

    Example:

    >>> bicubic_matrix(4, 2).numpy().round(3)
    array([[ 0.459,  0.459,  0.12 , -0.037],
           [-0.037,  0.12 ,  0.459,  0.459]], dtype=float32)
    """
    scale = (length or in_size) / out_size
    stretch = max(scale, 1.0)
    centers = (np.arange(out_size)[:, None] + 0.5) * scale
    weights = _kernel(np.abs(np.arange(in_size) + 0.5 - centers) / stretch, "bicubic", np)
    return tf.constant(weights / weights.sum(-1, keepdims=True), tf.float32)


def resize_and_back_matrices(size, middle_size, max_middle_size, method="bilinear"):
    """Returns the two matrices that resize from `size` to `middle_size` and back.

    Args:
        size: number of samples.
        middle_size: number of samples in between, integers `(...)`.
        max_middle_size: the largest `middle_size`.
        method: see `resize_matrix`.

    Returns:
        Two float32 tensors `(..., max_middle_size, size)` and
        `(..., size, max_middle_size)`.
    """
    there = _matrix(size, middle_size, max_middle_size, size, method)
    back = _matrix(middle_size, size, size, max_middle_size, method)
    return there, back


def window_matrix(size, start, length):
    """Returns the matrix that crops an axis to a window and enlarges the window to the whole axis.

    Args:
        size: number of samples, before and after.
        start: first sample of the window, whole numbers `(...)`.
        length: number of samples in the window, `(...)`.

    Returns:
        float32 tensor `(..., size, size)`, bilinear as `resize_matrix`.

    Example:

    >>> window_matrix(4, tf.constant(1), tf.constant(2)).numpy()
    array([[0.  , 1.  , 0.  , 0.  ],
           [0.  , 0.75, 0.25, 0.  ],
           [0.  , 0.25, 0.75, 0.  ],
           [0.  , 0.  , 1.  , 0.  ]], dtype=float32)
    """
    first = tf.cast(start, tf.float32)[..., None, None]
    return _matrix(tf.convert_to_tensor(length), size, size, size, "bilinear", first)


def _matrix(in_size, out_size, max_out_size, max_in_size, method, first=0.0):
    if all(isinstance(n, int | np.integer) for n in (in_size, out_size, max_out_size, max_in_size)):
        xp, kind = np, np.float64
        in_size, out_size = (np.reshape(n, (1, 1)).astype(kind) for n in (in_size, out_size))
        columns = np.arange(max_in_size, dtype=kind)
        rows = np.arange(max_out_size, dtype=kind)[:, None]
    else:
        xp, kind = tf, tf.float32
        in_size, out_size = (tf.cast(n, kind)[..., None, None] for n in (in_size, out_size))
        columns = tf.range(tf.cast(max_in_size, kind)) - first
        rows = tf.range(tf.cast(max_out_size, kind))[:, None]
    inside = (columns >= 0) & (columns < in_size) & (rows < out_size)
    if method == "nearest":
        # Products of whole numbers are exact; a rounded scale is not.
        first = (columns * out_size <= rows * in_size) & (rows * in_size < (columns + 1) * out_size)
        return tf.cast(first & inside, tf.float32)
    scale = in_size / out_size
    distance = xp.abs(columns + 0.5 - (rows + 0.5) * scale) / xp.maximum(scale, 1.0)
    weights = xp.where(inside, _kernel(distance, method, xp), 0.0)
    total = weights.sum(-1, keepdims=True) if xp is np else tf.reduce_sum(weights, -1, True)
    return tf.cast(weights / xp.maximum(total, 1e-6), tf.float32)


def _kernel(x, method, xp):
    if method == "bilinear":
        return xp.maximum(1.0 - x, 0.0)
    # Keys' kernel with a = -0.5, Pillow's.
    weights = xp.where(x < 1, (1.5 * x - 2.5) * x * x + 1, ((2.5 - 0.5 * x) * x - 4) * x + 2)
    return xp.where(x < 2, weights, 0.0)


def apply_separable(image, vertical, horizontal):
    """Multiplies the rows and columns of images by matrices.

    Args:
        image: `(batch, height, width, channels)`.
        vertical: `(out_height, height)`, or with a leading batch axis.
        horizontal: `(out_width, width)`, or with a leading batch axis.

    Returns:
        `(batch, out_height, out_width, channels)`.
    """
    x = _multiply_last(tf.transpose(image, (0, 2, 3, 1)), vertical)
    x = _multiply_last(tf.transpose(x, (0, 3, 2, 1)), horizontal)
    return tf.transpose(x, (0, 1, 3, 2))


def _multiply_last(x, matrix):
    # Only operands of equal rank: oneDNN's broadcasting matmul of rank 4 by 2 corrupts
    # memory in TF 2.21.
    shape = [size or tf.shape(x)[i] for i, size in enumerate(x.shape)]
    shared = matrix.shape.rank == 2
    flat = (-1, shape[3]) if shared else (shape[0], shape[1] * shape[2], shape[3])
    product = tf.matmul(tf.reshape(x, flat), matrix, transpose_b=True)
    rows = matrix.shape[-2] or tf.shape(matrix)[-2]
    return tf.reshape(product, (*shape[:3], rows))
