"""What the header of a JPEG or PNG file says, by stock operations: kind, size, orientation."""

import tensorflow as tf

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
EXIF, XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
# A file with more parts before its pixels is none that a camera or program writes.
MOST_PARTS = 1 << 16
TURNED = r"(?s).*?tiff:Orientation(?:=\"|>)([0-9]).*"
ORIENTATION, SHORT, LONG = 0x0112, 3, 4


def new_header():
    """Returns what is known of a file before it is read: dict of scalar tensors."""
    numbers = ("width", "height", "channels", "depth", "exif", "xmp")
    flags = ("clear", "animated")
    return {name: tf.constant(0) for name in numbers} | {name: tf.constant(False) for name in flags}


def byte_values(data, position, length):
    """Returns `length` bytes of a string from `position` on, as int32."""
    values = tf.io.decode_raw(tf.strings.substr(data, position, length), tf.uint8)
    if isinstance(length, int):
        values.set_shape([length])
    return tf.cast(values, tf.int32)


def _whole_number(values):
    """A number of several bytes, the largest first."""
    total = tf.constant(0)
    for value in tf.unstack(values):
        total = total * 256 + value
    return total


def jpeg_header(data):
    """Reads the segments of a JPEG before its pixels.

    Args:
        data: bytes of the file, a scalar string.

    Returns:
        dict of scalar tensors: `width`, `height`, `channels`, `depth` (0 if they are not there),
        `exif` and `xmp` (orientation, 0 if it is not told), `clear` and `animated` (false).
    """
    size = tf.strings.length(data)

    def go_on(at, parts, header):
        return (at >= 0) & (at + 10 <= size) & (parts < MOST_PARTS)

    def step(at, parts, header):
        head = byte_values(data, at, 10)
        kind, length = head[1], _whole_number(head[2:4])
        alone = (kind == 0xFF) | ((kind >= 0xD0) & (kind <= 0xD8)) | (kind == 0x01)
        stop = (head[0] != 0xFF) | (kind == 0xD9) | (kind == 0xDA)
        frame = (kind >= 0xC0) & (kind <= 0xCF) & (kind != 0xC4) & (kind != 0xC8) & (kind != 0xCC)
        found = {"depth": head[4], "height": _whole_number(head[5:7])}
        found |= {"width": _whole_number(head[7:9]), "channels": head[9]}
        header = {
            key: tf.where(frame & ~stop, found[key], value) if key in found else value
            for key, value in header.items()
        }
        inside = tf.minimum(tf.maximum(length - 2, 0), size - at - 4)
        header = tf.cond(
            (kind == 0xE1) & ~stop,
            lambda: _jpeg_application(header, tf.strings.substr(data, at + 4, inside)),
            lambda: header,
        )
        skip = tf.where(kind == 0xFF, 1, tf.where(alone, 2, 2 + length))
        return tf.where(stop, -1, at + skip), parts + 1, header

    return tf.while_loop(go_on, step, (tf.constant(2), tf.constant(0), new_header()))[2]


def _jpeg_application(header, body):
    is_exif = tf.strings.substr(body, 0, tf.minimum(len(EXIF), tf.strings.length(body))) == EXIF
    is_xmp = tf.strings.substr(body, 0, tf.minimum(len(XMP), tf.strings.length(body))) == XMP
    first = is_exif & (header["exif"] == 0)
    exif = tf.cond(
        first,
        lambda: _orientation(tf.strings.substr(body, len(EXIF), tf.strings.length(body))),
        lambda: header["exif"],
    )
    xmp = tf.cond(
        is_xmp & (header["xmp"] == 0), lambda: _xmp_orientation(body), lambda: header["xmp"]
    )
    return header | {"exif": exif, "xmp": xmp}


def png_header(data):
    """Reads the chunks of a PNG; see `jpeg_header`.

    `channels` is 1 for gray and 3 for colors and palettes; `clear` tells of transparency.
    """
    size = tf.strings.length(data)

    def go_on(at, parts, header):
        return (at >= 0) & (at + 12 <= size) & (parts < MOST_PARTS)

    def step(at, parts, header):
        head = byte_values(data, at, 4)
        length, name = _whole_number(head), tf.strings.substr(data, at + 4, 4)
        stop = (name == b"IEND") | (head[0] > 127) | (length > size - at - 12)
        telling = tf.reduce_any(name == [b"IHDR", b"acTL", b"tRNS", b"eXIf", b"iTXt"]) & ~stop
        header = tf.cond(
            telling,
            lambda: _png_chunk(header, name, tf.strings.substr(data, at + 8, length)),
            lambda: header,
        )
        return tf.where(stop, -1, at + 12 + length), parts + 1, header

    return tf.while_loop(go_on, step, (tf.constant(8), tf.constant(0), new_header()))[2]


def _png_chunk(header, name, body):
    length = tf.strings.length(body)
    start = tf.pad(byte_values(body, 0, tf.minimum(length, 10)), [[0, 10]])[:10]
    start.set_shape([10])
    first = (name == b"IHDR") & (header["depth"] == 0)
    kind = start[9]
    found = {
        "width": _whole_number(start[:4]),
        "height": _whole_number(start[4:8]),
        "depth": start[8],
        "channels": tf.where((kind == 0) | (kind == 4), 1, 3),
    }
    header = header | {key: tf.where(first, value, header[key]) for key, value in found.items()}
    header["clear"] |= (first & (kind >= 4)) | (name == b"tRNS")
    header["animated"] |= (name == b"acTL") & (_whole_number(start[:4]) > 1)
    header["exif"] = tf.cond(
        (name == b"eXIf") & (header["exif"] == 0),
        lambda: _orientation(body),
        lambda: header["exif"],
    )
    header["xmp"] = tf.cond(
        (name == b"iTXt") & (header["xmp"] == 0),
        lambda: _xmp_orientation(body),
        lambda: header["xmp"],
    )
    return header


def _orientation(block):
    """The orientation in a block of EXIF, 0 if it is not told."""
    size = tf.strings.length(block)
    order = tf.where(size >= 8, tf.strings.substr(block, 0, tf.minimum(size, 2)), b"")
    little = order == b"II"

    def number(values):
        """Numbers of the last axis, in the block's order of bytes."""
        count = values.shape[-1]
        place = 256 ** tf.range(count)
        place = tf.where(little, place, place[::-1])
        return tf.reduce_sum(values * place, -1)

    def directory():
        at = number(byte_values(block, 4, 4))
        there = (at >= 8) & (at <= size - 2)
        return tf.cond(there, lambda: entries(at), lambda: tf.constant(0))

    def entries(at):
        count = number(byte_values(block, at, 2))
        count = tf.minimum(count, (size - at - 2) // 12)
        table = tf.reshape(byte_values(block, at + 2, 12 * count), [-1, 12])
        kind = number(table[:, 2:4])
        value = tf.where(kind == SHORT, number(table[:, 8:10]), number(table[:, 8:12]))
        right = (number(table[:, :2]) == ORIENTATION) & ((kind == SHORT) | (kind == LONG))
        right &= (value >= 1) & (value <= 8)
        return tf.reduce_max(tf.concat([tf.where(right, value, 0), [0]], 0))

    known = little | (order == b"MM")
    return tf.cond(known, directory, lambda: tf.constant(0))


def _xmp_orientation(packet):
    digit = tf.strings.regex_replace(packet, TURNED, r"\1", replace_global=False)
    there = (tf.strings.length(digit) == 1) & tf.strings.regex_full_match(digit, "[1-8]")
    return tf.strings.to_number(tf.where(there, digit, b"0"), tf.int32)
