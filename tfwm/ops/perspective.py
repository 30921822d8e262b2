"""Perspective of flat pictures: homographies, and images warped by them.

Points are `(row, column)`; 0 is the center of the first pixel, so that the corners of an image
lie at -0.5 and side - 0.5. XLA compiles everything here, and gradients reach images and points.
"""

import tensorflow as tf

from tfwm.ops.random import uniform
from tfwm.ops.warp import sample_bilinear

# In units of the sides; top left, top right, bottom right, bottom left.
_CORNERS = [[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0]]


def homography(source, target):
    """Returns the homography that maps four points to four others.

    It is computed in closed form through the unit square (Heckbert, "Fundamentals of texture
    mapping and image warping", 1989, section 2.2.3), and satisfies
    `target = (H @ [row, column, 1])[:2] / (...)[2]`.

    Args:
        source: `(batch, 4, 2)` floats, row and column, in order around a quadrilateral, no
            three of them on a line.
        target: the same.

    Returns:
        `(batch, 3, 3)`, scaled so that the divisor is 1 at the first point.

    Example:

    >>> square = tf.constant([[[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0]]])
    >>> homography(square, 2 * square + 3).numpy()[0]
    array([[2., 0., 3.],
           [0., 2., 3.],
           [0., 0., 1.]], dtype=float32)
    """
    to_square = invert_homography(_from_unit_square(source))
    matrix = tf.matmul(_from_unit_square(target), to_square)
    first = tf.concat([source[:, 0], tf.ones_like(source[:, 0, :1])], axis=-1)
    divisor = tf.reduce_sum(matrix[:, 2] * first, axis=-1)
    return matrix / tf.reshape(divisor, (-1, 1, 1))


def _from_unit_square(points):
    """Returns the homography `(batch, 3, 3)` from the unit square to four points."""
    first, second, third, fourth = tf.unstack(points, axis=1)
    across, down = second - third, fourth - third
    skew = first - second + third - fourth
    area = _cross(across, down)
    # The square's second corner is (0, 1) and its fourth (1, 0), row first.
    by_column, by_row = _cross(skew, down) / area, _cross(across, skew) / area
    columns = [
        fourth - first + by_row[:, None] * fourth,
        second - first + by_column[:, None] * second,
        first,
    ]
    last = tf.stack([by_row, by_column, tf.ones_like(area)], axis=-1)
    return tf.concat([tf.stack(columns, axis=-1), last[:, None]], axis=1)


def _cross(a, b):
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def invert_homography(matrix):
    """Returns the inverse of `(batch, 3, 3)` matrices, in closed form."""
    rows = tf.unstack(matrix, axis=1)
    cofactors = [tf.linalg.cross(rows[i], rows[(i + 1) % 3]) for i in (1, 2, 0)]
    determinant = tf.reduce_sum(rows[0] * cofactors[0], axis=-1)
    return tf.stack(cofactors, axis=-1) / tf.reshape(determinant, (-1, 1, 1))


def random_homography(sides, offset, seed):
    """Returns homographies from slightly displaced corners of an image to its own corners.

    Every coordinate of every corner is displaced independently and uniformly. `warp` then shows
    the whole image in the displaced quadrilateral; `unwarp` fills the image with its content.

    Args:
        sides: `(height, width)` of the image.
        offset: `(batch,)` floats, the largest displacement as a share of the side, below 0.25: with
            more, a quadrilateral may fold.
        seed: int32 tensor `(2,)`.

    Returns:
        `(batch, 3, 3)`.

    Example:

    >>> random_homography((128, 128), tf.constant([0.1, 0.1]), (1, 2)).shape
    TensorShape([2, 3, 3])
    """
    sides = tf.stack([tf.cast(side, tf.float32) for side in sides])
    batch = tf.shape(offset)[0]
    shift = uniform((batch, 4, 2), seed, -1.0, 1.0) * tf.reshape(offset, (-1, 1, 1))
    corners = tf.constant([_CORNERS])
    target = tf.repeat(corners, batch, axis=0)
    return homography((corners + shift) * sides - 0.5, target * sides - 0.5)


def warp(image, matrix, fill=None):
    """Warps an image into a quadrilateral, by the inverse of a homography.

    Args:
        image: `(batch, height, width, channels)` floats.
        matrix: `(batch, 3, 3)` homography from each pixel of the result to its source in `image`.
        fill: value beyond the border of `image`, a number or a tensor that broadcasts to
            `image`, such as the image itself. It blends in over one pixel, as in
            `tfa.image.transform`. `None` repeats the edge pixel.

    Returns:
        As `image`.

    Example:

    >>> image = tf.reshape(tf.constant([0.0, 1.0, 2.0, 3.0]), (1, 1, 4, 1))
    >>> to_the_left = tf.constant([[[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]]])
    >>> warp(image, to_the_left, fill=9.0).numpy().ravel().tolist()
    [1.0, 2.0, 3.0, 9.0]
    """
    sides = [image.shape[i] or tf.shape(image)[i] for i in (1, 2)]
    return sample_filled(image, *perspective_grid(sides, matrix), fill)


def sample_filled(image, rows, columns, fill=None):
    """Returns `sample_bilinear` of images, with a `fill` beyond the border as in `warp`."""
    seen = sample_bilinear(image, rows, columns)
    if fill is None:
        return seen
    sides = [image.shape[i] or tf.shape(image)[i] for i in (1, 2)]
    inside = share_inside(sides, rows, columns)
    return fill + inside * (seen - fill)


def unwarp(image, matrix, fill=None):
    """Undoes `warp` with the same homography; pixels from outside the image get `fill`."""
    return warp(image, invert_homography(matrix), fill)


def perspective_grid(sides, matrix):
    """Returns the place to which a homography maps each pixel.

    Args:
        sides: `(height, width)`.
        matrix: `(batch, 3, 3)`.

    Returns:
        `rows` and `columns` for `sample_bilinear`, `(batch, height, width)` each.
    """
    height, width = (tf.cast(side, tf.float32) for side in sides)
    m = [tf.reshape(part, (-1, 1, 1)) for part in tf.unstack(tf.reshape(matrix, (-1, 9)), axis=1)]
    y, x = tf.range(height)[None, :, None], tf.range(width)[None, None, :]
    # At the horizon and behind it, all places are far away.
    divisor = tf.maximum(m[6] * y + m[7] * x + m[8], 1e-6)
    return (m[0] * y + m[1] * x + m[2]) / divisor, (m[3] * y + m[4] * x + m[5]) / divisor


def share_inside(sides, rows, columns):
    """Returns the share of each place that is inside the image, `(batch, height, width, 1)`.

    It is 1 between the centers of the outermost pixels and falls linearly to 0 one pixel beyond.
    """

    def along(position, side):
        beyond = tf.maximum(-position, position - tf.cast(side - 1, tf.float32))
        return tf.clip_by_value(1.0 - beyond, 0.0, 1.0)

    return (along(rows, sides[0]) * along(columns, sides[1]))[..., None]
