"""Parts of the JPEG codec as tensor operations: tables, block DCT, chroma resampling."""

import numpy as np
import tensorflow as tf

from tfwm.ops.blocks import blocks_to_space, space_to_blocks
from tfwm.ops.color import rgb_to_ycbcr, ycbcr_to_rgb
from tfwm.ops.filters import pad_image
from tfwm.ops.transforms import dct_matrix

# ITU-T T.81, Annex K, tables K.1 and K.2; rows are vertical frequencies.
LUMINANCE_TABLE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
CHROMINANCE_TABLE = np.array(
    [
        [17, 18, 24, 47, 99, 99, 99, 99],
        [18, 21, 26, 66, 99, 99, 99, 99],
        [24, 26, 56, 99, 99, 99, 99, 99],
        [47, 66, 99, 99, 99, 99, 99, 99],
        [99, 99, 99, 99, 99, 99, 99, 99],
        [99, 99, 99, 99, 99, 99, 99, 99],
        [99, 99, 99, 99, 99, 99, 99, 99],
        [99, 99, 99, 99, 99, 99, 99, 99],
    ]
)
_CENTERS = (128.0, 127.5, 127.5)
_BLOCK_DCT = np.kron(dct_matrix(8), dct_matrix(8)).astype(np.float32)


def quantization_table(quality, table=LUMINANCE_TABLE):
    """Scales a table for a quality as libjpeg does (`jpeg_quality_scaling`, baseline).

    Args:
        quality: integers from 1 (worst) to 100, any shape `(...)`.
        table: `(8, 8)` table of quality 50.

    Returns:
        float32 tensor `(..., 8, 8)` of whole numbers from 1 to 255.

    Example:

    >>> quantization_table(70).numpy()[0]
    array([10.,  7.,  6., 10., 14., 24., 31., 37.], dtype=float32)
    """
    quality = tf.clip_by_value(tf.convert_to_tensor(quality, tf.int32), 1, 100)
    scale = tf.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    scaled = (tf.constant(table, tf.int32) * scale[..., None, None] + 50) // 100
    return tf.cast(tf.clip_by_value(scaled, 1, 255), tf.float32)


def low_frequency_mask(num_or_side, order):
    """Returns the 0/1 mask `(8, 8)` that keeps low frequencies, float32.

    Args:
        num_or_side: number of coefficients (zigzag) or side of the square.
        order: `"square"` (MBRS, section 3.2) or `"zigzag"` (HiDDeN).
    """
    row, column = np.mgrid[:8, :8]
    if order == "square":
        return (np.maximum(row, column) < num_or_side).astype(np.float32)
    diagonal = row + column
    along = np.where(diagonal % 2, row, column)
    rank = np.argsort(np.argsort((diagonal * 8 + along).ravel())).reshape(8, 8)
    return (rank < num_or_side).astype(np.float32)


def block_dct(plane):
    """Computes the orthonormal DCT of the 8 x 8 blocks of planes `(batch, height, width, 1)`.

    The result is `(batch, height / 8, width / 8, 64)`, raster order, vertical frequency first.
    """
    return tf.tensordot(space_to_blocks(plane, (8, 8)), _BLOCK_DCT.T, 1)


def inverse_block_dct(coefficients):
    """Inverts `block_dct`."""
    return blocks_to_space(tf.tensordot(coefficients, _BLOCK_DCT, 1), (8, 8))


def pad_to_multiple(plane, rows, columns):
    """Repeats the last row and column until the sides are multiples of `rows` and `columns`."""
    height, width = image_size(plane)
    return pad_image(plane, (0, -height % rows), (0, -width % columns), "edge")


def image_size(image):
    """Returns height and width, as Python integers if known."""
    return [image.shape[i] or tf.shape(image)[i] for i in (1, 2)]


def downsample_chroma(plane):
    """Halves planes by the mean of 2 x 2 pixels; odd sides are repeated first."""
    return tf.nn.avg_pool2d(pad_to_multiple(plane, 2, 2), 2, 2, "VALID")


def upsample_chroma(plane, height, width):
    """Doubles planes by libjpeg's "fancy" triangle filter and crops to `(height, width)`.

    Each pixel is 9/16 of the nearest sample, 3/16 of each of its two neighbors, and 1/16 of the
    diagonal one.
    """
    x = pad_image(plane, (1, 1), (1, 1), "edge")
    near = 3 * x[:, 1:-1]
    x = interleaved(near + x[:, :-2], near + x[:, 2:], 1)
    near = 3 * x[:, :, 1:-1]
    x = interleaved(near + x[:, :, :-2], near + x[:, :, 2:], 2)
    return x[:, :height, :width] / 16


def interleaved(first, second, axis):
    """Returns the slices of two equal tensors by turns along an axis."""
    x = tf.stack([first, second], axis + 1)
    shape = [size or tf.shape(x)[i] for i, size in enumerate(x.shape)]
    shape[axis : axis + 2] = [shape[axis] * shape[axis + 1]]
    return tf.reshape(x, shape)


def simulate(image, quantize, subsampling):
    """Applies color conversion, chroma subsampling and block DCT to images, and their inverses.

    Args:
        image: `(batch, height, width, 1 or 3)` in [0, 1], any size.
        quantize: three functions, of the luma and of both chroma planes, from the orthonormal
            DCT coefficients `(batch, rows, columns, 64)` in gray levels to others; `None` skips
            the DCT.
        subsampling: `"4:2:0"` or `"4:4:4"`, for color.

    Returns:
        As `image`, not clipped.
    """
    luma, *chroma = quantize or [None] * 3
    if image.shape[-1] == 1:
        return (_plane(image * 255 - 128, luma) + 128) / 255
    # Gray has a chroma of 128 in libjpeg, but of 0.5 * 255 here.
    levels = rgb_to_ycbcr(image) * 255 - _CENTERS
    y, cb, cr = tf.split(levels, 3, axis=-1)
    y = _plane(y, luma)
    cb, cr = (_chroma(*pair, subsampling) for pair in zip((cb, cr), chroma, strict=True))
    return ycbcr_to_rgb((tf.concat([y, cb, cr], axis=-1) + _CENTERS) / 255)


def _chroma(plane, quantize, subsampling):
    if subsampling == "4:4:4":
        return _plane(plane, quantize)
    height, width = image_size(plane)
    return upsample_chroma(_plane(downsample_chroma(plane), quantize), height, width)


def _plane(plane, quantize):
    if quantize is None:
        return plane
    height, width = image_size(plane)
    coefficients = quantize(block_dct(pad_to_multiple(plane, 8, 8)))
    return inverse_block_dct(coefficients)[:, :height, :width]


def flat_table(table):
    """Reshapes tables `(8, 8)` or `(batch, 8, 8)` to divide the output of `block_dct`."""
    shape = (64,) if table.shape.rank == 2 else (-1, 1, 1, 64)
    return tf.reshape(table, shape)
