"""The pictures behind the first one of a JPEG: gain maps, which are kept, and others."""

import struct

from tfwm.images.containers import JPEG_START, behind_exif, jpeg_segment, jpeg_segments

MPF = b"MPF\0"
ISO_GAIN_MAP = b"urn:iso:std:iso:ts:21496:-1\0"
# Words in the header of a picture that say it is a gain map, as Adobe, Apple and ISO write them.
GAIN_MAP_WORDS = (b"http://ns.adobe.com/hdr-gain-map/1.0/", b"aux:hdrgainmap", ISO_GAIN_MAP)
VERSION, COUNT, ENTRIES = 0xB000, 0xB001, 0xB002
PRIMARY = 0x030000  # this picture stands for the file


def further_pictures(data, end):
    """Returns the JPEGs behind the end of the first one, and whether there is anything else.

    Args:
        data: bytes of a file.
        end: where its first picture ends.

    Returns:
        `(pictures, rest)`: list of bytes, and the bytes behind the last picture.
    """
    pictures = []
    while True:
        start = data.find(JPEG_START, end)
        # Between pictures lies filling, if anything.
        if start < 0 or data[end:start].strip(b"\0\xff"):
            return pictures, data[end:].strip(b"\0")
        _, end = jpeg_segments(data, start)
        pictures.append(data[start:end])


def is_gain_map(picture):
    """Whether a JPEG says of itself that it is the gain map of another."""
    return any(word in body for _, body in jpeg_segments(picture)[0] for word in GAIN_MAP_WORDS)


def with_gain_map(data, picture):
    """Returns a JPEG with a gain map behind it, and the table (CIPA DC-007) that points to it."""
    at = behind_exif(data)
    size = len(data) + len(jpeg_segment(0xE2, MPF + _table(0, 0, 0)))
    # Offsets count from the byte order mark, behind the segment's head and its name.
    segment = jpeg_segment(0xE2, MPF + _table(size, len(picture), size - (at + 4 + len(MPF))))
    return data[:at] + segment + data[at:] + picture


def _table(size, map_size, map_offset):
    entries = [
        struct.pack(">HHI4s", VERSION, 7, 4, b"0100"),
        struct.pack(">HHII", COUNT, 4, 1, 2),
        struct.pack(">HHII", ENTRIES, 7, 32, 50),
    ]
    pictures = struct.pack(">IIIHH", PRIMARY, size, 0, 0, 0)
    pictures += struct.pack(">IIIHH", 0, map_size, map_offset, 0, 0)
    return b"MM\0*" + struct.pack(">IH", 8, 3) + b"".join(entries) + bytes(4) + pictures
