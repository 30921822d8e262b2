"""Convolution of small images that wrap around, as products of their frequencies."""

import functools

import numpy as np
import tensorflow as tf


@functools.cache
def torus_matrices(sides, kernel_size):
    """Returns the matrices of `convolve_torus`.

    Convolution multiplies the frequencies of the image by those of the kernel. An image of real
    numbers has few frequencies that are real, and half of the others tell the rest. A real one
    takes one product; `(x + i y) (a + i b)` takes three (Gauss): with `u = a (x + y)`,
    `v = x (b - a)` and `w = y (a + b)` it is `(u - w) + i (u + v)`.

    Args:
        sides: `(height, width)` of the image.
        kernel_size: `(rows, columns)` of the kernel, whose middle is at `(size - 1) // 2`.

    Returns:
        Float32 arrays: `(products, height * width)`, from pixels to what is multiplied;
        `(height * width, products)`, from products to pixels; `(products, rows * columns)`, from
        the kernel to what multiplies.

    Example:

    >>> [matrix.shape for matrix in torus_matrices((4, 4), (2, 2))]
    [(22, 16), (16, 22), (22, 4)]
    """
    waves = [np.exp(-2j * np.pi * np.outer(range(n), range(n)) / n) for n in sides]
    shifts = [np.arange(k) - (k - 1) // 2 for k in kernel_size]
    image = np.kron(*waves)
    kernel = np.kron(
        *[
            np.exp(2j * np.pi * np.outer(range(n), shift) / n)
            for n, shift in zip(sides, shifts, strict=True)
        ]
    )
    number = np.arange(len(image)).reshape(sides)
    opposite = np.roll(number[::-1, ::-1], (1, 1), (0, 1)).ravel()
    number = number.ravel()
    real, half = number[number == opposite], number[number < opposite]
    back = np.conj(image) / len(image)  # the opposite half adds the conjugate
    x, y = image[half].real, image[half].imag
    a, b = kernel[half].real, kernel[half].imag
    cosine, sine = 2 * back[half].real, 2 * back[half].imag
    return tuple(
        np.concatenate(parts, axis).astype(np.float32)
        for parts, axis in (
            ([image[real].real, x + y, x, y], 0),
            ([back[real].real.T, (cosine - sine).T, -sine.T, -cosine.T], 1),
            ([kernel[real].real, a, b - a, a + b], 0),
        )
    )


def convolve_torus(image, kernel):
    """Convolves images that wrap around at their borders, places first.

    4 x 4 places and a kernel of 2 x 2 take 22 products of matrices instead of 64. Compiled by XLA,
    ReDMark trains 1.3 times as fast as with `tf.nn.conv2d`; without XLA, products are slower.

    Args:
        image: `(height, width, batch, channels)`, of known height and width.
        kernel: `(rows, columns, channels, filters)`.

    Returns:
        Float32 `(height, width, batch, filters)`.

    Example:

    >>> image = tf.reshape(tf.range(16.0), (4, 4, 1, 1))
    >>> kernel = tf.reshape([0.0, 1.0], (1, 2, 1, 1))  # what is to the right
    >>> np.rint(convolve_torus(image, kernel)[0, :, 0, 0]).tolist()
    [1.0, 2.0, 3.0, 0.0]
    """
    height, width, _, channels = image.shape
    *kernel_size, _, filters = kernel.shape
    forth, back, taps = torus_matrices((height, width), tuple(kernel_size))
    products = len(taps)

    def times(matrix, values):  # the first axis is transformed, the others stay
        return tf.matmul(matrix, tf.reshape(tf.cast(values, tf.float32), (matrix.shape[1], -1)))

    x = tf.reshape(times(forth, image), (products, -1, channels))
    x = tf.matmul(x, tf.reshape(times(taps, kernel), (products, channels, filters)))
    return tf.reshape(times(back, x), (height, width, -1, filters))
