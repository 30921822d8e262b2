"""Photos from the bytes of files, in a graph of stock operations that no file can make fail."""

import tensorflow as tf

from tfwm.images.reading import MAX_PIXELS
from tfwm.serving.headers import JPEG, PNG, jpeg_header, png_header

DAMAGED = b"The file is damaged or cut off: copy or download the photo again."
EMPTY = b"The file is empty (0 bytes): send the bytes of a JPEG or PNG file."
UNKNOWN = b"The file is no JPEG or PNG: convert the photo to one of them."
FOUR = b"The JPEG is neither gray nor RGB, such as CMYK: convert it to RGB."
DEEP = b"The PNG has 16 bits a sample: convert it to 8 bits."
ANIMATED = b"The PNG is an animation: send a single photo."


def read_photo(data, most_pixels=MAX_PIXELS):
    """Decodes a JPEG or PNG file and turns it upright; whatever it is, the graph does not fail.

    Args:
        data: bytes of the file, a scalar string tensor.
        most_pixels: larger photos are refused before they are decoded.

    Returns:
        dict of tensors: `pixels` uint8 `(H, W, 4)`, red, green, blue and alpha; `gray`, `clear`
        (whether it has transparency) and `jpeg`, scalar bool; `error`, a scalar string, empty if
        all went well.
    """
    is_jpeg, is_png = _starts(data, JPEG), _starts(data, PNG)
    unknown = tf.where(tf.strings.length(data) == 0, EMPTY, UNKNOWN)
    return tf.cond(
        is_jpeg | is_png,
        lambda: _read_known(data, is_jpeg, most_pixels),
        lambda: _nothing(unknown),
    )


def _nothing(error):
    return {
        "pixels": tf.zeros((0, 0, 4), tf.uint8),
        "gray": tf.constant(False),
        "clear": tf.constant(False),
        "jpeg": tf.constant(False),
        "error": tf.convert_to_tensor(error),
    }


def _starts(data, start):
    return tf.strings.substr(data, 0, tf.minimum(len(start), tf.strings.length(data))) == start


def _read_known(data, is_jpeg, most_pixels):
    header = tf.cond(is_jpeg, lambda: jpeg_header(data), lambda: png_header(data))
    error = _problem(header, is_jpeg, most_pixels)

    def decode():
        pixels = tf.cond(
            is_jpeg,
            lambda: _or_nothing(_decode_jpeg, data, 3),
            lambda: _or_nothing(_decode_png, data, 4),
        )
        return tf.cond(tf.size(pixels) > 0, lambda: found(pixels), lambda: _nothing(DAMAGED))

    def found(pixels):
        turn = tf.where(header["exif"] > 0, header["exif"], header["xmp"])
        return {
            "pixels": _upright(pixels, turn),
            "gray": header["channels"] == 1,
            "clear": header["clear"],
            "jpeg": is_jpeg,
            "error": tf.constant(b""),
        }

    return tf.cond(error == b"", decode, lambda: _nothing(error))


@tf.autograph.experimental.do_not_convert
def _decode_jpeg(data):
    return tf.io.decode_jpeg(data, 3, dct_method="INTEGER_ACCURATE")


@tf.autograph.experimental.do_not_convert
def _decode_png(data):
    return tf.io.decode_png(data, 4)


def _or_nothing(decode, data, channels):
    """The pixels `(H, W, 4)` that a file decodes to, `(0, 0, 4)` if it does not.

    An operation that fails inside a data set is an element that is left out: so a damaged file
    leaves the first value, and nothing else in the batch is harmed.
    """
    dataset = tf.data.Dataset.from_tensors(data).map(decode).ignore_errors()
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    options.autotune.enabled = False
    start = tf.zeros((0, 0, channels), tf.uint8)
    pixels = dataset.with_options(options).reduce(start, _second)
    missing = tf.concat([tf.shape(pixels)[:2], [4 - channels]], 0)
    pixels = tf.concat([pixels, tf.fill(missing, tf.constant(255, tf.uint8))], -1)
    return tf.ensure_shape(pixels, (None, None, 4))


@tf.autograph.experimental.do_not_convert
def _second(first, second):
    return second


def _problem(header, is_jpeg, most_pixels):
    """Why a file cannot be read, by its header; empty if it can."""
    width, height = header["width"], header["height"]
    pixels = tf.cast(width, tf.int64) * tf.cast(height, tf.int64)
    large = tf.strings.join(
        [
            "The photo is too large: ",
            tf.strings.as_string(width),
            " x ",
            tf.strings.as_string(height),
            f" pixels, expected at most {most_pixels / 1e6:.1f} megapixels; scale it down or cut "
            "it.",
        ]
    )
    shape_known = (width > 0) & (height > 0)
    plain_channels = (header["channels"] == 1) | (header["channels"] == 3)
    cases = [
        (~shape_known, DAMAGED),
        (pixels > most_pixels, large),
        (is_jpeg & ~plain_channels, FOUR),
        (~is_jpeg & (header["depth"] == 16), DEEP),
        (header["animated"], ANIMATED),
    ]
    error = tf.constant(b"")
    for wrong, text in reversed(cases):
        error = tf.where(wrong, text, error)
    return error


def _upright(pixels, turn):
    """Pixels turned as an EXIF orientation says (TIFF 6.0, tag 274)."""

    def swapped(*axes):
        turned = tf.transpose(pixels, (1, 0, 2))
        return tf.reverse(turned, axes) if axes else turned

    turns = {
        2: lambda: tf.reverse(pixels, [1]),
        3: lambda: tf.reverse(pixels, [0, 1]),
        4: lambda: tf.reverse(pixels, [0]),
        5: swapped,
        6: lambda: swapped(1),
        7: lambda: swapped(0, 1),
        8: lambda: swapped(0),
    }
    branches = [turns.get(number, lambda: tf.identity(pixels)) for number in range(9)]
    return tf.switch_case(tf.clip_by_value(turn, 0, 8), branches)
