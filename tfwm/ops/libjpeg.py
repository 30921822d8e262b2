"""The output of libjpeg to the last bit: by its own arithmetic on tensors, or by its codec.

In the arithmetic, integers are stored in floats that are wide enough to be exact, as GPU kernels
and XLA are faster with floats: color needs 24 bits (float32), the DCT 31 (float64).
"""

import numpy as np
import tensorflow as tf

from tfwm.ops.filters import pad_image
from tfwm.ops.jpeg import (
    CHROMINANCE_TABLE,
    LUMINANCE_TABLE,
    image_size,
    interleaved,
    pad_to_multiple,
    quantization_table,
)


def _fix(constant):
    # jfdctint.c and jidctint.c ("islow"): 13-bit constants, 2 extra bits between the passes.
    return round(constant * 2**13)


def _integer_dct_matrix():
    """Returns the 8 x 8 integers that one pass of `jpeg_fdct_islow` multiplies by."""
    x = np.eye(8, dtype=np.int64)
    low, high = x[:4] + x[:3:-1], x[3::-1] - x[4:]  # high: tmp4, tmp5, tmp6, tmp7
    out = np.zeros((8, 8), np.int64)
    even, odd = low[:2] + low[:1:-1], low[:2] - low[:1:-1]
    out[0], out[4] = (even[0] + even[1]) << 13, (even[0] - even[1]) << 13
    z1 = (odd[1] + odd[0]) * _fix(0.541196100)
    out[2] = z1 + odd[0] * _fix(0.765366865)
    out[6] = z1 - odd[1] * _fix(1.847759065)
    z1, z2, z3, z4 = high[0] + high[3], high[1] + high[2], high[0] + high[2], high[1] + high[3]
    z5 = (z3 + z4) * _fix(1.175875602)
    z1, z2 = -z1 * _fix(0.899976223), -z2 * _fix(2.562915447)
    z3, z4 = z5 - z3 * _fix(1.961570560), z5 - z4 * _fix(0.390180644)
    out[7] = high[0] * _fix(0.298631336) + z1 + z3
    out[5] = high[1] * _fix(2.053119869) + z2 + z4
    out[3] = high[2] * _fix(3.072711026) + z2 + z3
    out[1] = high[3] * _fix(1.501321110) + z1 + z4
    return out


_DCT = _integer_dct_matrix().astype(np.float64)


def _descale(x, bits):
    return tf.floor((x + 2.0 ** (bits - 1)) * 2.0**-bits)


def compress(image, quality, subsampling):
    """Compresses and decompresses images, bit-exactly as libjpeg(-turbo) with its defaults.

    Args:
        image: `(batch, height, width, 1 or 3)` in [0, 1], any size; it is rounded to
            8 bits first.
        quality: 1..100, int32 `()` or `(batch,)`.
        subsampling: `"4:2:0"` or `"4:4:4"`, for color.

    Returns:
        As `image`, float32, multiples of 1/255. No gradient.

    Example:

    >>> compress(tf.zeros((1, 20, 30, 3)), 50, "4:2:0").shape
    TensorShape([1, 20, 30, 3])
    """
    image = tf.round(tf.clip_by_value(image, 0, 1) * 255)
    luminance = quantization_table(quality, LUMINANCE_TABLE)
    if image.shape[-1] == 1:
        return _any_size(image, luminance) / 255
    chrominance = quantization_table(quality, CHROMINANCE_TABLE)
    y, cb, cr = rgb_to_ycbcr(image)
    y = _any_size(y, luminance)
    cb, cr = (_chroma(plane, chrominance, subsampling) for plane in (cb, cr))
    return ycbcr_to_rgb(y, cb, cr) / 255


def _any_size(plane, table):
    height, width = image_size(plane)
    return compress_plane(pad_to_multiple(plane, 8, 8), table)[:, :height, :width]


def compress_plane(plane, table):
    """Applies DCT and quantization to a plane, and their inverses.

    Args:
        plane: `(batch, height, width, 1)` of whole numbers 0..255, sides multiples of 8.
        table: `(8, 8)` or `(batch, 8, 8)` of whole numbers 1..255.

    Returns:
        float32 `(batch, height, width, 1)` of whole numbers 0..255.
    """
    height, width = image_size(plane)
    down, across = height // 8, width // 8
    x = tf.reshape(tf.cast(plane, tf.float64) - 128, (-1, down, 8, across, 8))
    x = tf.transpose(x, (0, 1, 3, 2, 4))
    x = _descale(tf.matmul(_flat(x), _DCT.T), 11)
    x = _descale(tf.matmul(_flat(_swap(x, down, across)), _DCT.T), 15)
    # Now (batch, down, across, horizontal, vertical), 8 times the orthonormal DCT.
    table = tf.cast(tf.linalg.matrix_transpose(table), tf.float64)
    if table.shape.rank == 3:
        table = table[:, None, None]
    x = tf.reshape(x, (-1, down, across, 8, 8))
    half = tf.floor(4 * table)
    x = tf.sign(x) * tf.floor((tf.abs(x) + half + 0.25) / (8 * table)) * table
    x = _descale(tf.matmul(_flat(x), _DCT), 11)
    x = _descale(tf.matmul(_flat(_swap(x, down, across)), _DCT), 18)
    x = tf.transpose(tf.reshape(x, (-1, down, across, 8, 8)), (0, 1, 3, 2, 4))
    x = tf.clip_by_value(tf.cast(x, tf.float32) + 128, 0, 255)
    return tf.reshape(x, (-1, height, width, 1))


def _flat(x):
    return tf.reshape(x, (-1, 8))


def _swap(x, down, across):
    return tf.linalg.matrix_transpose(tf.reshape(x, (-1, down, across, 8, 8)))


def rgb_to_ycbcr(image):
    """Converts RGB 0..255 to a list of three planes 0..255, rounded as in `jccolor.c`."""
    r, g, b = tf.split(image, 3, axis=-1)
    y = 19595 * r + 38470 * g + 7471 * b + 32768
    cb = -11059 * r - 21709 * g + 32768 * b + (128 * 65536 + 32767)
    cr = 32768 * r - 27439 * g - 5329 * b + (128 * 65536 + 32767)
    return [tf.floor(x / 65536) for x in (y, cb, cr)]


def ycbcr_to_rgb(y, cb, cr):
    """Converts three planes 0..255 to RGB 0..255, rounded and clipped as in `jdcolor.c`."""
    cb, cr = cb - 128, cr - 128
    r = y + tf.floor((91881 * cr + 32768) / 65536)
    g = y + tf.floor((-22554 * cb - 46802 * cr + 32768) / 65536)
    b = y + tf.floor((116130 * cb + 32768) / 65536)
    return tf.clip_by_value(tf.concat([r, g, b], axis=-1), 0, 255)


def _chroma(plane, table, subsampling):
    if subsampling == "4:4:4":
        return _any_size(plane, table)
    height, width = image_size(plane)
    # libjpeg repeats columns before the mean and rows after it (jcsample.c, jcprepct.c).
    plane = pad_to_multiple(plane, 2, 16)
    total = 4 * tf.nn.avg_pool2d(plane, 2, 2, "VALID")
    bias = 1 + tf.cast(tf.range(image_size(total)[1]) % 2, tf.float32)[:, None]
    half = tf.floor((total + bias) / 4)
    half = compress_plane(pad_to_multiple(half, 8, 8), table)
    down, across = -(-height // 2), -(-width // 2)
    return upsample(half[:, :down, :across])[:, :height, :width]


def upsample(plane):
    """Doubles planes as `h2v2_fancy_upsample` of `jdsample.c`, or repeats up to 2 columns."""
    width = image_size(plane)[1]
    if isinstance(width, int):
        return _fancy_upsample(plane) if width > 2 else _plain_upsample(plane)
    return tf.cond(width > 2, lambda: _fancy_upsample(plane), lambda: _plain_upsample(plane))


def _plain_upsample(plane):
    return tf.repeat(tf.repeat(plane, 2, axis=1), 2, axis=2)


def _fancy_upsample(plane):
    x = pad_image(plane, (1, 1), (1, 1), "edge")
    near = 3 * x[:, 1:-1]
    x = interleaved(near + x[:, :-2], near + x[:, 2:], 1)
    near = 3 * x[:, :, 1:-1]
    left = tf.floor((near + x[:, :, :-2] + 8) / 16)
    right = tf.floor((near + x[:, :, 2:] + 7) / 16)
    return interleaved(left, right, 2)


def encode_and_decode_jpeg(image, quality, subsampling):
    """Compresses every image of a batch by `tf.io.encode_jpeg` and decodes it.

    The encoder of `tf.io` supports chroma subsampling 4:2:0 or none, and takes a tensor as
    quality only with 4:2:0. So 4:4:4 with a quality per image needs a `tf.switch_case` over the
    qualities. There is no gradient, and XLA cannot compile it.

    Args:
        image: `(batch, height, width, 1 or 3)` in [0, 1].
        quality: 1 to 100, a number, or int32 `(batch,)`.
        subsampling: `"4:2:0"` or `"4:4:4"`, for color.

    Returns:
        float32 of the shape of `image`, multiples of 1/255.
    """
    levels = tf.cast(tf.round(tf.clip_by_value(image, 0, 1) * 255), tf.uint8)
    channels = image.shape[-1]
    whole = channels == 3 and subsampling == "4:4:4"

    def at_quality(number):
        return lambda pixels: tf.io.encode_jpeg(pixels, quality=number, chroma_downsampling=False)

    def encode(pixels, number):
        if not whole:
            return tf.raw_ops.EncodeJpegVariableQuality(images=pixels, quality=number)
        if isinstance(quality, int):
            return at_quality(quality)(pixels)
        branches = [lambda q=q: at_quality(q)(pixels) for q in range(1, 101)]
        return tf.switch_case(number - 1, branches)

    def one(arguments):
        pixels, number = arguments
        encoded = encode(pixels, number)
        return tf.io.decode_jpeg(encoded, channels, dct_method="INTEGER_ACCURATE")

    numbers = tf.broadcast_to(tf.cast(quality, tf.int32), tf.shape(image)[:1])
    spec = tf.TensorSpec((None, None, channels), tf.uint8)
    decoded = tf.map_fn(one, (levels, numbers), fn_output_signature=spec)
    decoded = tf.ensure_shape(decoded, image.shape)
    return tf.cast(decoded, tf.float32) / 255
