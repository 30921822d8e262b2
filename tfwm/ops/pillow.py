"""Pillow's bicubic resizing in TensorFlow, its rounding included, for graphs without Pillow."""

import tensorflow as tf

# Pillow's Resample.c: weights of 8-bit images are whole numbers with so many bits after the point.
PRECISION = 22


def resize(image, height, width, box):
    """Returns what `PIL.Image.resize((width, height), Image.BICUBIC, box)` gives.

    The arithmetic is Pillow's (13.0): float32 for the box, float64 for the weights, whole numbers
    for 8 bits, and rows and columns in its order.

    Args:
        image: `(rows, columns, channels)`, uint8 or float32.
        height: of the result, int32.
        width: of the result, int32.
        box: `(left, top, right, bottom)` in pixels, float64.

    Returns:
        `(height, width, channels)` of the same type.
    """
    left, top, right, bottom = (tf.cast(edge, tf.float32) for edge in box)

    def along_rows(image):
        columns = tf.transpose(image, (1, 0, 2))
        return tf.transpose(_resample(columns, width, left, right), (1, 0, 2))

    def along_columns(image):
        return _resample(image, height, top, bottom)

    less = tf.shape(image)[:2] - tf.stack([height, width])
    columns_first = (less[0] > 0) & (less[0] > 2 * less[1])
    return tf.cond(
        columns_first,
        lambda: along_rows(along_columns(image)),
        lambda: along_columns(along_rows(image)),
    )


def _resample(samples, size, start, end):
    """Resizes the first axis; a box that is all of it, at its own size, changes nothing."""
    first, weights = _taps(tf.shape(samples)[0], size, start, end)
    whole = samples.dtype == tf.uint8
    kind = tf.int32 if whole else tf.float64
    if whole:
        weights = weights * (1 << PRECISION)
        weights = tf.cast(tf.where(weights < 0, weights - 0.5, weights + 0.5), kind)
    last = tf.shape(samples)[0] - 1

    def add(tap, total):
        part = tf.gather(samples, tf.minimum(first + tap, last))
        return tap + 1, total + tf.cast(part, kind) * weights[tap][:, None, None]

    shape = tf.concat([[size], tf.shape(samples)[1:]], 0)
    total = tf.fill(shape, tf.constant(1 << (PRECISION - 1) if whole else 0, kind))
    free = tf.TensorShape([None, None, samples.shape[2]])
    total.set_shape(free)
    _, total = tf.while_loop(
        lambda tap, _: tap < tf.shape(weights)[0],
        add,
        (tf.constant(0), total),
        shape_invariants=(tf.TensorShape([]), free),
        parallel_iterations=1,
    )
    if not whole:
        return tf.cast(total, samples.dtype)
    shifted = tf.bitwise.right_shift(total, tf.constant(PRECISION, kind))
    return tf.cast(tf.clip_by_value(shifted, 0, 255), tf.uint8)


def _taps(in_size, out_size, start, end):
    """The first sample of each resized one `(n,)`, and the weights `(taps, n)` from there on."""
    scale = tf.cast(end - start, tf.float64) / tf.cast(out_size, tf.float64)
    stretch = tf.maximum(scale, 1.0)
    support = 2.0 * stretch
    center = tf.cast(start, tf.float64) + (tf.cast(tf.range(out_size), tf.float64) + 0.5) * scale
    first = tf.maximum(tf.cast(center - support + 0.5, tf.int32), 0)
    last = tf.minimum(tf.cast(center + support + 0.5, tf.int32), in_size)
    taps = tf.range(2 * tf.cast(tf.math.ceil(support), tf.int32) + 1)[:, None] + first
    x = tf.abs((tf.cast(taps, tf.float64) - center + 0.5) * (1.0 / stretch))
    inner = ((1.5 * x - 2.5) * x) * x + 1.0  # Keys' kernel with a = -0.5
    outer = (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5
    weights = tf.where(x < 1.0, inner, tf.where(x < 2.0, outer, tf.zeros_like(x)))
    weights = tf.where(taps < last, weights, tf.zeros_like(x))
    return first, weights / tf.cumsum(weights)[-1]  # summed in Pillow's order


def luminance(pixels):
    """Returns Pillow's 8-bit luminance `(..., 1)` of uint8 pixels `(..., 3)`."""
    red, green, blue = tf.split(tf.cast(pixels, tf.int32), 3, -1)
    total = red * 19595 + green * 38470 + blue * 7471 + 0x8000
    return tf.cast(tf.bitwise.right_shift(total, tf.constant(16, tf.int32)), tf.uint8)
