"""Reads what is there of a photo whose file is cut off."""

import io
import struct
import zlib

import numpy as np

from tfwm.images.kinds import HEAD_BYTES, kind_of
from tfwm.images.photo import DamagedError
from tfwm.images.wholeness import (
    JPEG_END,
    NOISE,
    PNG_START,
    inflate,
    jpeg_end,
    percent,
    png_chunks,
    png_passes,
)
from tfwm.startup import muted

FILLINGS = (b"\0", b"\x5a", b"\xff", b"\x33")
MOST_FILLED = 1 << 28
# Of a file that lacks more than so many times what is there, too little is there to read.
LONGEST = 64
# No photo that is read needs more, see `MAX_PIXELS`: 8 bytes a pixel.
MOST_INFLATED = 1 << 30
ANIMATION = (b"acTL", b"fcTL")
# Their rows may be there in any order: interlaced, or from the bottom.
SCATTERED = ("PNG", None)


def open_remains(file, name, open_image):
    """Decodes a damaged photo as far as its file goes.

    The file is continued in two different ways: where both give the same rows, these are there.
    Each of the others becomes the last one before it that is, or stays coarse in a progressive
    JPEG.

    Args:
        file: binary file that can seek.
        name: for errors.
        open_image: function of a binary file and a name that returns a `PIL.Image.Image`.

    Returns:
        `(image, share, note)`: a decoded `PIL.Image.Image`, the share of its rows that is there, 0
        to 1, and a sentence that says so.

    Raises:
        DamagedError: nothing of it can be read.
    """
    file.seek(0)
    data = file.read()
    kind = kind_of(data[:HEAD_BYTES])
    images = []
    for continued in _continuations(data, kind):
        try:
            image = open_image(io.BytesIO(continued), name)
            with muted():
                image.load()
        except Exception:  # as many as Pillow raises
            continue
        images.append(image)
        if len(images) == 2:
            break
    good = _common_rows(*images, from_top=kind not in SCATTERED) if len(images) == 2 else []
    share = float(np.mean(good)) if np.any(good) else 0.0
    if not share:
        raise DamagedError(f"{name} is damaged or cut off, and nothing of it can be read.")
    note = f"the file is cut off: {percent(share)} of its rows were read"
    if kind == "JPEG" and jpeg_end(data)[1]:
        return images[0], share, f"{note} in full, the others coarsely"
    _fill(images[0], good)
    return images[0], share, note


def _continuations(data, kind):
    """Whole files that begin as `data` do."""
    if kind == "JPEG":
        end, _ = jpeg_end(data)
        start = data[:end].rstrip(b"\xff")
        return (start + filling + JPEG_END for filling in (b"", NOISE))
    if kind == "PNG":
        return (_filled_png(data, filling) for filling in FILLINGS[::2])
    if kind == "WEBP":
        missing = int.from_bytes(data[4:8], "little") + 8 - len(data)
        missing = min(missing, LONGEST * len(data))
    else:
        missing = min(8 * len(data) + (1 << 24), MOST_FILLED)
    return (data + filling * min(max(missing, 0), MOST_FILLED) for filling in FILLINGS)


def _filled_png(data, filling):
    """A PNG with its inflated data filled up to their full length."""
    before, parts = [], []
    for kind, chunk in png_chunks(io.BytesIO(data)):
        if kind == b"IDAT":
            parts.append(chunk)
        elif not parts:
            before.append((kind, chunk))
        elif kind == b"IEND":
            break
    if not before or before[0][0] != b"IHDR" or len(before[0][1]) < 13:
        return data
    passes = png_passes(before[0][1])
    if sum(rows * length for rows, length in passes) > MOST_INFLATED:
        return data
    stream, place, start, packed = zlib.compressobj(1), 0, 0, []
    for piece in inflate(parts):
        packed.append(stream.compress(piece))
        place += len(piece)
    for rows, length in passes:
        end = start + rows * length
        if place < end:
            rest = (start - place) % length
            packed.append(stream.compress(filling * rest))
            row = b"\0" + filling * (length - 1)
            packed += [stream.compress(row) for _ in range((end - place - rest) // length)]
            place = end
        start = end
    packed.append(stream.flush())
    whole = [*before, (b"IDAT", b"".join(packed)), (b"IEND", b"")]
    return PNG_START + b"".join(_chunk(*chunk) for chunk in whole if chunk[0] not in ANIMATION)


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _common_rows(image, other, from_top):
    """Which rows two images have in common: from the top to the first difference, or any."""
    same = (np.asarray(image) == np.asarray(other)).reshape(image.height, -1).all(axis=1)
    return np.logical_and.accumulate(same) if from_top else same


def _fill(image, good):
    """Puts into each row that is not good the last good one before it, or the first one."""
    last = int(np.argmax(good))
    for row in range(len(good)):
        if good[row]:
            last = row
        else:
            image.paste(image.crop((0, last, image.width, last + 1)), (0, row))
