"""Whether a file holds all of its picture: decoders fill in silently what some files lack."""

import io
import math
import re
import struct
import zlib

import numpy as np
from PIL import Image

from tfwm.images.photo import DamagedError

PNG_START = b"\x89PNG\r\n\x1a\n"
# First row, first column, and distances of the seven passes of an interlaced PNG.
ADAM7 = (
    *((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)),
    *((2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)),
)
PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
INFLATED_AT_ONCE = 1 << 20
# A marker that ends the data of a scan: all but a stuffed zero, and restarts.
JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
JPEG_END, START_OF_SCAN = b"\xff\xd9", 0xDA
PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
# Data that no decoder takes for the end, and that look like no marker.
NOISE = bytes(np.random.default_rng(1).integers(0, 255, 1 << 16, np.uint8))
FLAT = 3
RAW, NO_STRIP = "raw", 0


def check_whole(file, image, name):
    """Raises `DamagedError` if a file that was decoded holds less than its picture.

    Args:
        file: binary file that can seek.
        image: the decoded `PIL.Image.Image`.
        name: for the error.
    """
    check = {"PNG": _check_png, "JPEG": _check_jpeg, "MPO": _check_jpeg}.get(image.format)
    share = check(file, image) if check else 1.0
    if share < 1.0:
        raise cut_off(name, share)


def check_strips(image, name):
    """Raises `DamagedError` for a TIFF some of whose strips are not there, before it is decoded."""
    areas = [
        (right - left) * (bottom - top)
        for kind, (left, top, right, bottom), offset, _ in image.tile
        if kind != RAW or offset != NO_STRIP
    ]
    width, height = image.size
    if image.format == "TIFF" and sum(areas) < width * height:
        raise cut_off(name, sum(areas) / (width * height))


def cut_off(name, share):
    """Returns the error for a file that holds a share of its picture, 0 to 1."""
    return DamagedError(
        f"{name} is damaged or cut off (its data end after {percent(share)} of the picture): copy "
        "or download the photo again."
    )


def percent(share):
    """Returns a share, 0 to 1, in words; one below 1 is not called 100 %.

    Example:

    >>> percent(0.99999), percent(0.0012)
    ('99.9 %', '0.1 %')
    """
    return f"{min(math.floor(1000 * share), 999 if share < 1 else 1000) / 10:g} %"


def png_chunks(file):
    """Yields the type and the data of each chunk of a PNG, the last one maybe cut off."""
    file.seek(len(PNG_START))
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        yield kind, file.read(length)
        file.seek(4, io.SEEK_CUR)


def png_passes(header, size=None):
    """Returns `(rows, bytes)` of each pass of a PNG, a filter byte with each row, from its IHDR."""
    width, height, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", header[:13])
    width, height = size or (width, height)
    passes = []
    for top, left, down, across in ADAM7 if interlaced else ((0, 0, 1, 1),):
        rows, columns = -(-(height - top) // down), -(-(width - left) // across)
        if rows > 0 and columns > 0:
            passes.append((rows, 1 + (columns * depth * PNG_CHANNELS.get(color, 4) + 7) // 8))
    return passes


def inflate(parts):
    """Yields what compressed parts inflate to, piece by piece, up to an error or their end."""
    stream = zlib.decompressobj()
    try:
        for part in parts:
            while part:
                yield stream.decompress(part, INFLATED_AT_ONCE)
                part = stream.unconsumed_tail
    except zlib.error:
        return


def jpeg_end(data):
    """Returns where the first picture of a JPEG ends, before its end marker; `None` if it is cut.

    Also returns whether it is progressive.
    """
    place, progressive = 2, False
    while marker := JPEG_MARKER.search(data, place):
        kind, place = data[marker.end() - 1], marker.end()
        progressive = progressive or kind in PROGRESSIVE
        if kind == JPEG_END[1]:
            return marker.start(), progressive
        if len(data) < place + 2:
            break
        place += int.from_bytes(data[place : place + 2], "big")
    return None, progressive


def _check_png(file, _):
    """The share of its data that a PNG holds; of one with several frames, that of the worst."""
    header, size, parts, shares = None, None, [], [1.0]

    def count():
        if parts:
            total = sum(rows * length for rows, length in png_passes(header, size))
            shares.append(sum(map(len, inflate(parts))) / total)
            parts.clear()

    for kind, data in png_chunks(file):
        if kind == b"IHDR":
            header = data
        elif kind == b"fcTL":
            count()
            size = struct.unpack(">II", data[4:12])
        elif kind in (b"IDAT", b"fdAT"):
            parts.append(data[4 * (kind == b"fdAT") :])
    count()
    return min(shares)


def _check_jpeg(file, image):
    """The share of the rows that a JPEG holds.

    Libjpeg repeats the last level where data are missing, so that the last block is flat. Where it
    is, or where several scans refine each other, noise behind the data tells: it changes the
    picture only if there was something to come.
    """
    file.seek(0)
    data = file.read()
    end, progressive = jpeg_end(data)
    corner = [(side - 1) // 8 * 8 for side in image.size]
    levels = np.asarray(image.crop((*corner, *image.size)), np.int16)
    if end is None or not (progressive or np.ptp(levels, axis=(0, 1)).max() <= FLAT):
        return 1.0
    with Image.open(io.BytesIO(data[:end] + NOISE + JPEG_END), formats=["JPEG"]) as noisy:
        same = np.asarray(noisy) == np.asarray(image)
    rows = same.reshape(len(same), -1).all(axis=1)
    return 1.0 if rows.all() else float(np.argmin(rows) / len(rows))
