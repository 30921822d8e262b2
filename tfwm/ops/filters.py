"""Linear and median filters, with a choice of paddings at the borders."""

import math

import numpy as np
import tensorflow as tf

from tfwm.ops.resample import apply_separable

# Up to this side, a matrix per axis is faster on a CPU than a convolution.
_LARGEST_MATRIX = 128
# Up to this number of values, a network of min and max is faster than sorting.
_LARGEST_NETWORK = 25
PADDINGS = ("symmetric", "reflect", "edge", "zero")


def pad_image(image, rows, columns, padding="symmetric"):
    """Pads images by any number of pixels, even more than a side.

    Args:
        image: `(batch, height, width, channels)`.
        rows: `(top, bottom)`, pixels.
        columns: `(left, right)`, pixels.
        padding: `"symmetric"` (cba|abc, "reflect" of SciPy), `"reflect"` (cb|abc,
            "mirror" of SciPy), `"edge"` (aa|abc) or `"zero"` (00|abc).

    Returns:
        `(batch, top + height + bottom, left + width + right, channels)`.
    """
    if padding == "zero":
        return tf.pad(image, ((0, 0), rows, columns, (0, 0)))
    for axis, (before, after) in ((1, rows), (2, columns)):
        size = image.shape[axis]
        if isinstance(before, int) and isinstance(after, int) and before == after == 0:
            continue
        if padding in ("symmetric", "reflect") and size and max(before, after) < size:
            amounts = [(0, 0)] * 4
            amounts[axis] = (before, after)
            image = tf.pad(image, amounts, padding)
        elif size:
            index = _border_index(size, before, after, padding, np)
            image = tf.gather(image, index, axis=axis)
        else:
            index = _border_index(tf.shape(image)[axis], before, after, padding, tf)
            image = tf.gather(image, index, axis=axis)
    return image


def _border_index(size, before, after, padding, xp):
    """Returns the rows to gather, with NumPy (`xp=np`) or in the graph (`xp=tf`)."""
    index = xp.range(-before, size + after) if xp is tf else np.arange(-before, size + after)
    if padding == "edge":
        return xp.minimum(xp.maximum(index, 0), size - 1)
    if padding == "symmetric":
        index = index % (2 * size)
        return xp.minimum(index, 2 * size - 1 - index)
    period = xp.maximum(2 * size - 2, 1)
    index = index % period
    return xp.minimum(index, period - index)


def gaussian_kernel(sigma, radius):
    """Returns sampled Gaussians whose sum is 1.

    Args:
        sigma: standard deviation in pixels, float tensor `(...)`; 0 gives the
            identity.
        radius: the kernel has `2 * radius + 1` samples. SciPy uses
            `int(4 * sigma + 0.5)`.

    Returns:
        float32 tensor `(..., 2 * radius + 1)`.

    Example:

    >>> gaussian_kernel(1.0, 1).numpy().round(3)
    array([0.274, 0.452, 0.274], dtype=float32)
    """
    x = tf.range(-radius, radius + 1, dtype=tf.float32)
    sigma = tf.maximum(tf.convert_to_tensor(sigma, tf.float32), 1e-3)[..., None]
    return tf.nn.softmax(-0.5 * (x / sigma) ** 2)


def line_kernel(angle, sigma, radius):
    """Returns kernels of sum 1: lines through the middle with a Gaussian profile.

    Args:
        angle: direction of the line, degrees counterclockwise from the right, `(batch,)`.
        sigma: standard deviation across the line, pixels, `(batch,)`.
        radius: the kernel has `2 * radius + 1` rows and columns; it is 0 where the distances
            from the middle along both axes sum to more than this.

    Returns:
        float32 tensor `(batch, 2 * radius + 1, 2 * radius + 1)`.

    Example:

    >>> line_kernel(tf.constant([0.0]), tf.constant([0.1]), 1).numpy()[0].round(3)
    array([[0.   , 0.   , 0.   ],
           [0.333, 0.333, 0.333],
           [0.   , 0.   , 0.   ]], dtype=float32)
    """
    down, right = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float32)
    outside = np.where(np.abs(down) + np.abs(right) > radius, -np.inf, 0.0).astype(np.float32)
    angle, sigma = (tf.reshape(x, (-1, 1, 1)) for x in (angle, sigma))
    angle = angle * (math.pi / 180)
    distance = tf.sin(angle) * right + tf.cos(angle) * down
    exponent = -0.5 * (distance / tf.maximum(sigma, 1e-3)) ** 2 + outside
    side = 2 * radius + 1
    return tf.reshape(tf.nn.softmax(tf.reshape(exponent, (-1, side**2))), (-1, side, side))


def box_kernel(radius, max_radius):
    """Returns box kernels; the radius may be fractional.

    Args:
        radius: float tensor `(...)`, pixels. A box covers `2 * radius + 1` pixels; its
            two end pixels are weighted by the fraction.
        max_radius: the kernel has `2 * max_radius + 1` samples.

    Returns:
        float32 tensor `(..., 2 * max_radius + 1)`.
    """
    x = tf.range(-max_radius, max_radius + 1, dtype=tf.float32)
    radius = tf.convert_to_tensor(radius, tf.float32)[..., None]
    return tf.clip_by_value(radius + 1 - tf.abs(x), 0, 1) / (2 * radius + 1)


def filter_separable(image, kernel, padding="symmetric", repeats=1):
    """Filters rows and columns with the same kernel, whose length is odd.

    Args:
        image: `(batch, height, width, channels)`.
        kernel: `(size,)`, or `(batch, size)` for one kernel per image.
        padding: see `pad_image`.
        repeats: number of times to filter.

    Returns:
        `(batch, height, width, channels)`.
    """
    kernel = tf.convert_to_tensor(kernel, image.dtype)
    sides = image.shape[1:3]
    if None not in sides and max(sides) <= _LARGEST_MATRIX:
        return apply_separable(image, *(_matrix(kernel, n, padding, repeats) for n in sides))
    for _ in range(repeats):
        if kernel.shape.rank == 1:
            image = filter2d(image, kernel[:, None], padding)
            image = filter2d(image, kernel[None, :], padding)
        else:
            image = _shift_and_add(_shift_and_add(image, kernel, 1, padding), kernel, 2, padding)
    return image


def _matrix(kernel, size, padding, repeats):
    """Returns the matrix `(..., size, size)` that filters an axis, border included."""
    taps = kernel.shape[-1]
    unit = np.eye(size, dtype=np.float32)
    if padding == "zero":
        unit = np.pad(unit, ((taps // 2, taps // 2), (0, 0)))
    else:
        unit = unit[_border_index(size, taps // 2, taps // 2, padding, np)]
    shifted = np.stack([unit[i : i + size] for i in range(taps)])
    matrix = tf.tensordot(kernel, tf.constant(shifted, kernel.dtype), 1)
    power = matrix
    for _ in range(repeats - 1):
        power = tf.matmul(power, matrix)
    return power


def _shift_and_add(image, kernel, axis, padding):
    radius = kernel.shape[1] // 2
    length = image.shape[axis] or tf.shape(image)[axis]
    amounts = [(0, 0), (0, 0)]
    amounts[axis - 1] = (radius, radius)
    padded = pad_image(image, *amounts, padding)
    return tf.add_n(
        [
            kernel[:, i, None, None, None] * _window(padded, i, length, axis)
            for i in range(kernel.shape[1])
        ]
    )


def _window(x, start, length, axis):
    return x[:, start : start + length] if axis == 1 else x[:, :, start : start + length]


def filter2d(image, kernel, padding="symmetric"):
    """Correlates every channel with a kernel, whose sides are odd.

    With one kernel per image, XLA is much slower on a CPU than a plain graph.

    Args:
        image: `(batch, height, width, channels)`, channels known.
        kernel: `(rows, columns)`, or `(batch, rows, columns)` for one kernel per image.
        padding: see `pad_image`.

    Returns:
        `(batch, height, width, channels)`.
    """
    kernel = tf.convert_to_tensor(kernel, image.dtype)
    rows, columns = (size // 2 for size in kernel.shape[-2:])
    padded = pad_image(image, (rows, rows), (columns, columns), padding)
    channels = image.shape[-1]
    if kernel.shape.rank == 3:
        return _filter_each(padded, kernel)
    if channels == 1:
        return tf.nn.conv2d(padded, kernel[:, :, None, None], 1, "VALID")
    kernel = tf.tile(kernel[:, :, None, None], (1, 1, channels, 1))
    return tf.nn.depthwise_conv2d(padded, kernel, (1, 1, 1, 1), "VALID")


def _filter_each(padded, kernel):
    """Filters each image with its kernel: the images become channels of one image."""
    batch, height, width, channels = (n or tf.shape(padded)[i] for i, n in enumerate(padded.shape))
    flat = tf.reshape(tf.transpose(padded, (1, 2, 0, 3)), (1, height, width, batch * channels))
    kernel = tf.repeat(tf.transpose(kernel, (1, 2, 0)), channels, axis=2)[..., None]
    filtered = tf.nn.depthwise_conv2d(flat, kernel, (1, 1, 1, 1), "VALID")
    rows, columns = kernel.shape[:2]
    shape = (height - rows + 1, width - columns + 1, batch, channels)
    filtered = tf.reshape(filtered, shape)
    return tf.transpose(filtered, (2, 0, 1, 3))


def median_filter(image, size, padding="symmetric"):
    """Computes the median of every `size x size` window, as `scipy.ndimage.median_filter`.

    Args:
        image: `(batch, height, width, channels)`.
        size: odd side of the window, pixels.
        padding: see `pad_image`.

    Returns:
        `(batch, height, width, channels)`. The gradient goes to the chosen pixel, or
        in equal parts to several equal ones.
    """
    radius = size // 2
    padded = pad_image(image, (radius, radius), (radius, radius), padding)
    height, width = (image.shape[i] or tf.shape(image)[i] for i in (1, 2))
    window = [
        padded[:, row : row + height, column : column + width]
        for row in range(size)
        for column in range(size)
    ]
    median = _median([tf.stop_gradient(x) for x in window])
    chosen = [tf.cast(tf.stop_gradient(x) == median, image.dtype) for x in window]
    count = tf.add_n(chosen)
    spread = tf.add_n([x * c for x, c in zip(window, chosen, strict=True)]) / count
    return median + (spread - tf.stop_gradient(spread))


def _median(values):
    """Returns the median of an odd number of tensors."""
    if len(values) > _LARGEST_NETWORK:
        values = tf.stack(values, axis=-1)
        return tf.math.top_k(values, values.shape[-1] // 2 + 1).values[..., -1]
    # Forgetful selection: the smallest and largest of n / 2 + 2 values cannot be the median.
    pool, rest = values[: len(values) // 2 + 2], values[len(values) // 2 + 2 :]
    while len(pool) > 1:
        for i in range(len(pool) // 2):
            _sort_pair(pool, i, -1 - i)
        for i in range(1, (len(pool) + 1) // 2):
            _sort_pair(pool, 0, i)
            _sort_pair(pool, -1 - i, -1)
        pool = pool[1:-1] + rest[:1]
        rest = rest[1:]
    return pool[0]


def _sort_pair(pool, i, j):
    pool[i], pool[j] = tf.minimum(pool[i], pool[j]), tf.maximum(pool[i], pool[j])


PASSES = 3


def pillow_gaussian_blur(image, sigma, max_sigma):
    """Blurs as `PIL.ImageFilter.GaussianBlur` does: three box filters, borders repeated.

    Args:
        image: `(batch, height, width, channels)`.
        sigma: "radius" of Pillow, pixels: `()` or `(batch,)`.
        max_sigma: the largest sigma.

    Returns:
        `(batch, height, width, channels)`.

    Reference:
        Gwosdek et al., "Theoretical foundations of Gaussian convolution by extended
        box filtering", SSVM 2011, as in Pillow's `BoxBlur.c`.
    """

    def whole_part(radius):
        return (np.sqrt(12 * radius**2 / PASSES + 1) - 1) // 2

    variance = tf.convert_to_tensor(sigma, tf.float32) ** 2 / PASSES
    whole = tf.floor((tf.sqrt(12 * variance + 1) - 1) / 2)
    fraction = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance)
    fraction /= 6 * (variance - (whole + 1) ** 2)
    kernel = box_kernel(whole + fraction, int(whole_part(max_sigma)) + 1)
    return filter_separable(image, kernel, "edge", repeats=PASSES)


def box_means(image, side):
    """Computes the mean of the square of pixels around each pixel; beyond the border lie zeros.

    Args:
        image: `(batch, height, width, channels)` floats.
        side: odd side of the squares in pixels.

    Returns:
        A tensor like `image`.

    Example:

    >>> box_means(tf.ones((1, 3, 3, 1)), 3)[0, :, :, 0].numpy().round(2)
    array([[0.44, 0.67, 0.44],
           [0.67, 1.  , 0.67],
           [0.44, 0.67, 0.44]], dtype=float32)
    """
    height, width, channels = image.shape[1:]
    # One channel at a time, along each axis: on CPUs many times faster than pooling.
    x = tf.reshape(tf.transpose(image, (0, 3, 1, 2)), (-1, height, width, 1))
    ones = tf.ones((side,), x.dtype)  # exact also in float16
    x = tf.nn.conv2d(x, tf.reshape(ones, (side, 1, 1, 1)), 1, "SAME")
    x = tf.nn.conv2d(x, tf.reshape(ones, (1, side, 1, 1)), 1, "SAME")
    x = tf.reshape(x, (-1, channels, height, width)) / side**2
    return tf.transpose(x, (0, 2, 3, 1))
