"""Cut images into blocks and put them together again."""

import tensorflow as tf


def space_to_blocks(image, block_shape):
    """Moves every M x N block of pixels into the channel axis.

    The inverse is `blocks_to_space`. With square blocks and one channel this is
    `tf.nn.space_to_depth`.

    Args:
        image: `(batch, height, width, channels)`; sides are multiples of the block's.
        block_shape: `(M, N)`, rows and columns of a block in pixels.

    Returns:
        `(batch, height / M, width / N, M * N * channels)`. The channel of pixel
        `(row, column)` of a block is `(row * N + column) * channels + c`.

    Example:

    >>> space_to_blocks(tf.zeros((2, 32, 64, 1)), (8, 8)).shape
    TensorShape([2, 4, 8, 64])
    """
    rows, columns = block_shape
    if rows == columns:
        return image if rows == 1 else tf.nn.space_to_depth(image, rows)
    height, width, channels = _sizes(image)
    grid = (height // rows, rows, width // columns, columns * channels)
    x = tf.transpose(tf.reshape(image, (-1, *grid)), (0, 1, 3, 2, 4))
    return tf.reshape(x, (-1, grid[0], grid[2], rows * columns * channels))


def blocks_to_space(blocks, block_shape):
    """Puts the output of `space_to_blocks` back into an image.

    Args:
        blocks: `(batch, rows of blocks, columns of blocks, M * N * channels)`.
        block_shape: `(M, N)`, rows and columns of a block in pixels.

    Returns:
        `(batch, rows of blocks * M, columns of blocks * N, channels)`.

    Example:

    >>> blocks_to_space(tf.zeros((2, 4, 8, 64)), (8, 8)).shape
    TensorShape([2, 32, 64, 1])
    """
    rows, columns = block_shape
    if rows == columns:
        return blocks if rows == 1 else tf.nn.depth_to_space(blocks, rows)
    down, across, depth = _sizes(blocks)
    channels = depth // (rows * columns)
    x = tf.reshape(blocks, (-1, down, across, rows, columns * channels))
    x = tf.transpose(x, (0, 1, 3, 2, 4))
    return tf.reshape(x, (-1, down * rows, across * columns, channels))


def _sizes(x):
    dynamic = tf.shape(x)
    return [size if size is not None else dynamic[i + 1] for i, size in enumerate(x.shape[1:])]
