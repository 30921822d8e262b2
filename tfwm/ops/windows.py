"""Rectangles at random places in images: as masks, or cut out."""

import tensorflow as tf

from tfwm.ops.random import split_seed, uniform


def random_window(image, fraction, seed):
    """Returns masks of a window at a random place in each image, a fraction of its sides.

    Args:
        image: `(batch, height, width, channels)`.
        fraction: the window has `int(fraction * side)` pixels, at least one, in each direction;
            a number, or a pair `(low, high)` to draw one per image and side.
        seed: int32 tensor `(2,)`.

    Returns:
        bool tensor `(batch, height, width, 1)`, true inside the window.
    """
    batch, height, width, _ = tf.unstack(tf.shape(image))
    row_seed, column_seed, place_seed = split_seed(seed, 3)
    rows = side_length(fraction, height, row_seed, (batch,))
    columns = side_length(fraction, width, column_seed, (batch,))
    return place_window(image, rows, columns, place_seed)


def cut_window(image, fraction, seed):
    """Crops each image to a window; see `random_window`.

    All windows of a batch have one size and different places. The size of the result is random, so
    XLA cannot compile it.
    """
    batch, height, width, _ = tf.unstack(tf.shape(image))
    seeds = split_seed(seed, 4)
    for axis, size in ((1, height), (2, width)):
        length = side_length(fraction, size, seeds[axis - 1], ())
        start = _random_start(length, size, seeds[axis + 1], batch)
        index = tf.cast(start, tf.int32)[:, None] + tf.range(length)
        image = tf.gather(image, index, axis=axis, batch_dims=1)
    return image


def place_window(image, rows, columns, seed):
    """Returns masks of `rows` by `columns`, `()` or `(batch,)`, at a random place per image."""
    row_seed, column_seed = split_seed(seed, 2)
    batch, height, width, _ = tf.unstack(tf.shape(image))
    inside_rows = _random_interval(rows, height, row_seed, batch)
    inside_columns = _random_interval(columns, width, column_seed, batch)
    return inside_rows[:, :, None, None] & inside_columns[:, None, :, None]


def side_length(fraction, size, seed, shape):
    """Returns `int(fraction * size)`, at least 1, int32; a range gives `shape` random ones."""
    if isinstance(fraction, tuple):
        fraction = tf.cast(uniform(shape, seed, *fraction), tf.float64)
    # In float64 as Python computes it: float32 makes 29 of int(0.29 * 100).
    length = tf.cast(tf.cast(size, tf.float64) * fraction, tf.int32)
    return tf.maximum(length, 1)


def _random_interval(length, size, seed, batch):
    start = _random_start(length, size, seed, batch)
    length = tf.broadcast_to(tf.cast(length, tf.float32), (batch,))
    position = tf.cast(tf.range(size, dtype=tf.int32), tf.float32)[None] - start[:, None]
    return (position >= 0) & (position < length[:, None])


def _random_start(length, size, seed, batch):
    size = tf.cast(size, tf.float32)
    free = size - tf.minimum(tf.cast(length, tf.float32), size)
    return tf.floor(uniform((batch,), seed) * (free + 1))
