"""Images of any size as tiles of one size, each of which is marked and read by itself."""

import numpy as np
import tensorflow as tf

from tfwm.protection.picture import resized

# Copies are read at these scales: a mark is found up to a factor of about 1.15 from its own. Not
# further enlarged: enlarged outputs of other networks look like marked ones.
SCALES = tuple(2 ** (n / 3) for n in (0, 1, -1, -2, -3))
# An image is read in up to so many tiles a side, evenly placed.
MOST = 4


def cut_tiles(images, size):
    """Cuts images into tiles, of which those at the right and the bottom go on mirrored.

    Args:
        images: tensor `(batch, height, width, channels)`.
        size: height and width of a tile.

    Returns:
        `(tiles, *size, channels)`, those of an image row by row.

    Example:

    >>> tuple(cut_tiles(np.zeros((2, 50, 70, 3), "float32"), (32, 32)).shape)
    (12, 32, 32, 3)
    """
    for axis, side in enumerate(size, 1):
        length = tf.shape(images)[axis]
        places = tf.range((length + side - 1) // side * side) % (2 * length)
        images = tf.gather(images, tf.minimum(places, 2 * length - 1 - places), axis=axis)
    rows, columns = (tf.shape(images)[axis] // side for axis, side in enumerate(size, 1))
    channels = images.shape[-1]
    parts = tf.reshape(images, (-1, rows, size[0], columns, size[1], channels))
    return tf.reshape(tf.transpose(parts, (0, 1, 3, 2, 4, 5)), (-1, *size, channels))


def join_tiles(tiles, height, width):
    """Returns the images `(batch, height, width, channels)` that were cut into tiles."""
    *size, channels = tiles.shape[1:]
    rows, columns = ((n + side - 1) // side for n, side in zip((height, width), size, strict=True))
    parts = tf.reshape(tiles, (-1, rows, columns, *size, channels))
    shape = (-1, rows * size[0], columns * size[1], channels)
    return tf.reshape(tf.transpose(parts, (0, 1, 3, 2, 4, 5)), shape)[:, :height, :width]


def tile_places(side, tile, most):
    """Where tiles begin that cover a side; evenly some of them, where they would be too many."""
    count = min(-(-side // tile), most)
    return np.linspace(0, side - tile, count).round().astype(int)


def enlarged(images, size):
    """Returns an array of images of which sides below a tile's are enlarged to it."""
    sides = tuple(max(n, side) for n, side in zip(images.shape[1:3], size, strict=True))
    return resized(tf.constant(images), sides).numpy()


def some_tiles(images, size, most=MOST):
    """Returns tiles of each image, evenly placed, whole at its edges.

    Args:
        images: array `(batch, height, width, channels)`, at least of a tile's size.
        size: height and width of a tile.
        most: largest number of tiles a side.

    Returns:
        `(batch, tiles, *size, channels)`.
    """
    sides = zip(images.shape[1:3], size, strict=True)
    rows, columns = (tile_places(n, side, most) for n, side in sides)
    tiles = [images[:, y : y + size[0], x : x + size[1]] for y in rows for x in columns]
    return np.stack(tiles, axis=1)


def view(images, size, scale):
    """Returns such tiles of copies at a scale, `None` if they are too small for it.

    At the scale 1, copies that are smaller than a tile are enlarged to one.
    """
    images, part = enlarged(images, size), [round(side / scale) for side in size]
    if any(n > side for n, side in zip(part, images.shape[1:3], strict=True)):
        return None
    tiles = some_tiles(images, part)
    scaled = resized(tf.constant(tiles.reshape(-1, *tiles.shape[2:])), size).numpy()
    return scaled.reshape(*tiles.shape[:2], *scaled.shape[1:])
