"""Geometric resampling, differentiable and compiled by XLA."""

import math

import tensorflow as tf


def sample_bilinear(image, rows, columns):
    """Interpolates images between their pixels; beyond the border the edge pixel repeats.

    Args:
        image: `(batch, height, width, channels)` floats.
        rows: `(batch, out_height, out_width)` floats, 0 is the center of the first row.
        columns: the same for columns.

    Returns:
        `(batch, out_height, out_width, channels)`.

    Example:

    >>> image = tf.reshape(tf.constant([0.0, 1.0, 2.0, 3.0]), (1, 2, 2, 1))
    >>> sample_bilinear(image, [[[0.5]]], [[[0.5]]]).numpy().item()
    1.5
    """
    height, width = (image.shape[i] or tf.shape(image)[i] for i in (1, 2))
    rows = tf.clip_by_value(rows, 0.0, tf.cast(height - 1, tf.float32))
    columns = tf.clip_by_value(columns, 0.0, tf.cast(width - 1, tf.float32))
    top, left = tf.floor(rows), tf.floor(columns)
    down, right = (rows - top)[..., None], (columns - left)[..., None]
    top, left = tf.cast(top, tf.int32), tf.cast(left, tf.int32)
    bottom, after = tf.minimum(top + 1, height - 1), tf.minimum(left + 1, width - 1)
    flat = tf.reshape(image, (-1, height * width, image.shape[-1]))

    def pixels(row, column):
        return tf.gather(flat, row * width + column, batch_dims=1)

    upper = pixels(top, left) * (1 - right) + pixels(top, after) * right
    lower = pixels(bottom, left) * (1 - right) + pixels(bottom, after) * right
    return upper * (1 - down) + lower * down


def pixel_centers(side):
    """Returns the positions of the pixels' centers along a side, 0 to 1, float32 `(side,)`."""
    return (tf.range(side, dtype=tf.float32) + 0.5) / tf.cast(side, tf.float32)


def position_images(shape):
    """Returns images `(batch, height, width, 3)`: `x` and `y` of `pixel_centers`, and 0.5."""
    x, y = tf.meshgrid(pixel_centers(shape[2]), pixel_centers(shape[1]))
    return tf.repeat(tf.stack([x, y, tf.fill(tf.shape(x), 0.5)], -1)[None], shape[0], 0)


def affine_grid(shape, rotation, scale, shift):
    """Returns the source of each pixel of a rotated, scaled and shifted image.

    The image is rotated about its center, then shifted.

    Args:
        shape: `(height, width)`.
        rotation: `(batch,)` degrees, counterclockwise.
        scale: `(batch,)` factor; above 1 enlarges the content.
        shift: `(batch, 2)`, pixels down and to the right.

    Returns:
        `rows` and `columns` for `sample_bilinear`, `(batch, height, width)` each.
    """
    height, width = (tf.cast(side, tf.float32) for side in shape)
    angle = rotation * (math.pi / 180)
    cosine, sine = (tf.reshape(f(angle) / scale, (-1, 1, 1)) for f in (tf.cos, tf.sin))
    # By reshape: TensorFlow's graph optimizer breaks a slice that also adds axes here.
    down, right = (tf.reshape(part, (-1, 1, 1)) for part in tf.unstack(shift, axis=1))
    y = tf.range(height)[None, :, None] - (height - 1) / 2 - down
    x = tf.range(width)[None, None, :] - (width - 1) / 2 - right
    rows = cosine * y + sine * x + (height - 1) / 2
    columns = cosine * x - sine * y + (width - 1) / 2
    return rows, columns
