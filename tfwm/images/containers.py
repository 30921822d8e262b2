"""The parts that image files are made of: JPEG segments, PNG and WebP chunks, ISO boxes."""

import re
import struct
import zlib

PNG_START = b"\x89PNG\r\n\x1a\n"
JPEG_START = b"\xff\xd8\xff"
# What ends a stretch of entropy-coded data: neither a stuffed byte, nor a restart, nor filling.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
END_OF_IMAGE, START_OF_SCAN = 0xD9, 0xDA
LARGEST_SEGMENT = 65533


def jpeg_segments(data, start=0):
    """Returns the segments of a JPEG as `(marker, body)`, and where the image ends.

    Args:
        data: bytes of a file.
        start: where the image begins in it.

    Returns:
        `(segments, end)`; `end` is behind the end marker, and `len(data)` without one.
    """
    segments, at = [], start + 2
    while match := _MARKER.search(data, at):
        at, marker = match.start(), data[match.end() - 1]
        if marker == END_OF_IMAGE:
            return segments, at + 2
        if marker == 0x01 or marker == 0xD8:
            at += 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        segments.append((marker, data[at + 4 : at + 2 + length]))
        at += 2 + max(length, 2)
    return segments, len(data)


def jpeg_segment(marker, body):
    """Returns the bytes of a segment."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def without_segments(data, wanted):
    """Returns a JPEG without those segments in front of its pixels that are `wanted` away."""
    parts, at = [data[:2]], 2
    while data[at : at + 1] == b"\xff" and data[at + 1 : at + 2] != b"\xda":
        end = at + 2 + max(int.from_bytes(data[at + 2 : at + 4], "big"), 2)
        if not wanted(data[at + 4 : end]):
            parts.append(data[at:end])
        at = end
    return b"".join([*parts, data[at:]])


def behind_exif(data):
    """Returns where a JPEG's first APP0 and APP1 segments end."""
    at = 2
    while data[at : at + 2] in (b"\xff\xe0", b"\xff\xe1"):
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return at


def png_chunks(data):
    """Returns the chunks of a PNG as `(name, body)`, and where the last one ends."""
    chunks, at = [], len(PNG_START)
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        chunks.append((name, data[at + 8 : at + 8 + length]))
        at += 12 + length
        if name == b"IEND":
            break
    return chunks, at


def png_chunk(name, body):
    """Returns the bytes of a chunk."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def insert_chunks(data, chunks):
    """Returns a PNG with further chunks in front of its pixels."""
    at = data.index(b"IDAT") - 4
    return data[:at] + b"".join(png_chunk(*chunk) for chunk in chunks) + data[at:]


def riff_chunks(data):
    """Returns the chunks of a WebP as `(name, body)`, and where the last one ends."""
    chunks, at = [], 12
    end = min(8 + int.from_bytes(data[4:8], "little"), len(data))
    while at + 8 <= end:
        name, length = struct.unpack_from("<4sI", data, at)
        chunks.append((name, data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return chunks, end


def iso_boxes(data, start=0, end=None):
    """Yields the boxes of an ISO file, or inside one of its boxes, as `(name, start, end)`."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1:
            size, head = int.from_bytes(data[start + 8 : start + 16], "big"), 16
        size = end - start if size == 0 else size
        if size < head:
            return
        yield name, start + head, min(start + size, end)
        start += size
