"""Changes to EXIF data in place: what is not touched keeps its bytes and its offsets."""

import struct

from tfwm.images.containers import JPEG_START, jpeg_segments

START = b"Exif\0\0"
ORIENTATION, EXIF_TABLE, MAKER_NOTE = 0x0112, 0x8769, 0x927C
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
USER_COMMENT = 0x9286
WIDTH, HEIGHT = 0xA002, 0xA003
# Offset and length of a thumbnail: as JPEG, and as strips or tiles of pixels.
THUMBNAILS = ((0x0201, 0x0202), (0x0111, 0x0117), (0x0144, 0x0145))
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
# The markers of a JPEG that tell its size; how many segments may stand in front.
SIZED, MAX_SEGMENTS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}, 100
BYTES, ASCII, SHORT, LONG, RATIONAL = 7, 2, 3, 4, 5


class ExifBlock:
    """EXIF data as it stands in a file, to be changed in place.

    A table that grows is written anew at the end, so that no other offset moves: makers' notes
    hold offsets of their own.

    Args:
        data: bytes, with or without the introduction `Exif`; without any, an empty block.

    Raises:
        ValueError: it is no classic TIFF structure.
    """

    def __init__(self, data=b""):
        data = data.removeprefix(START)
        self.data = bytearray(data or b"II*\0\x08\0\0\0" + bytes(6))
        if self.data[:4] not in (b"II*\0", b"MM\0*"):
            raise ValueError("no EXIF data")
        self._order = "<" if self.data[:1] == b"I" else ">"
        self.table(self.first)

    @property
    def first(self):
        """Offset of the first table."""
        return self._unpack("I", 4)[0]

    def tobytes(self):
        """Returns the block with its introduction."""
        return START + bytes(self.data)

    def table(self, offset):
        """Returns the entries of a table, `{tag: (type, count, offset of the entry)}`."""
        (count,) = self._unpack("H", offset)
        places = [offset + 2 + 12 * n for n in range(count)]
        entries = [(*self._unpack("HHI", place), place) for place in places]
        self._unpack("I", offset + 2 + 12 * count)
        return {tag: (kind, number, place) for tag, kind, number, place in entries}

    def where(self, entry):
        """Returns the start and the length in bytes of an entry's value."""
        kind, count, place = entry
        length = SIZES.get(kind, 1) * count
        return place + 8 if length <= 4 else self._unpack("I", place + 8)[0], length

    def integers(self, entry):
        """Returns the value of an entry of SHORT or LONG as a list."""
        start, _ = self.where(entry)
        return list(self._unpack(f"{entry[1]}{'H' if entry[0] == SHORT else 'I'}", start))

    def value(self, tag, inner=False):
        """Returns the bytes of a value of the first table, or of the EXIF table; or `None`."""
        table = self._inner() if inner else self.table(self.first)
        if tag not in table:
            return None
        start, length = self.where(table[tag])
        return bytes(self.data[start : start + length])

    def set_upright(self, sideways):
        """Sets the orientation to upright, and exchanges the sides that the EXIF table names."""
        for place in range(
            self.first + 2, self.first + 2 + 12 * self._unpack("H", self.first)[0], 12
        ):
            if self._unpack("H", place)[0] == ORIENTATION:  # of any type, and given twice or not
                upright = struct.pack(self._order + "HHIHH", ORIENTATION, SHORT, 1, 1, 0)
                self.data[place : place + 12] = upright
        inner = self._inner()
        if sideways and WIDTH in inner and HEIGHT in inner:
            first, second = (inner[tag][2] + 2 for tag in (WIDTH, HEIGHT))
            one, two = self.data[first : first + 10], self.data[second : second + 10]
            self.data[first : first + 10], self.data[second : second + 10] = two, one

    def drop_pictures(self):
        """Takes out the thumbnail and previews in makers' notes; returns whether there were any."""
        found = self._drop_thumbnail()
        data, inner = bytes(self.data), self._inner()
        note, length = self.where(inner[MAKER_NOTE]) if MAKER_NOTE in inner else (0, 0)
        at = data.find(JPEG_START)
        while at >= 0:
            end = at + 1
            if _opens(data, at):
                _, end = jpeg_segments(data, at)
                if note <= at < note + length:  # a picture that is cut off ends with its note
                    end = min(end, note + length)
                self._blank(at, end)
                found = True
            at = data.find(JPEG_START, end)
        return found

    def add(self, tags, inner=None, replace=False):
        """Adds values to the first table, and to the EXIF table.

        Args:
            tags: `{tag: (type, bytes)}`, numbers little-endian.
            inner: the same, for the EXIF table.
            replace: whether values that are there are replaced; else they stay.
        """
        if inner:
            entry = self.table(self.first).get(EXIF_TABLE)
            old = self.integers(entry)[0] if entry else None
            offset = self._grow(old, inner, replace)
            if entry:
                self._pack("I", entry[2] + 8, offset)
            else:
                tags = {**tags, EXIF_TABLE: (LONG, struct.pack("<I", offset))}
        if tags:
            self._pack("I", 4, self._grow(self.first, tags, replace))

    def _grow(self, offset, tags, replace):
        """Writes a table again with further entries at the end; returns its offset."""
        old = self.table(offset) if offset is not None else {}
        end = b"" if offset is None else self.data[offset + 2 + 12 * len(old) :][:4]
        entries = {tag: bytes(self.data[e[2] : e[2] + 12]) for tag, e in old.items()}
        for tag, (kind, body) in tags.items():
            if tag in entries and not replace:
                continue
            count = len(body) // SIZES[kind]
            body = self._ordered(kind, body)
            if len(body) > 4:
                self._align()
                at = len(self.data)
                self.data += body
                body = struct.pack(self._order + "I", at)
            entries[tag] = struct.pack(self._order + "HHI", tag, kind, count) + body.ljust(4, b"\0")
        self._align()
        at = len(self.data)
        self.data += struct.pack(self._order + "H", len(entries))
        self.data += b"".join(entries[tag] for tag in sorted(entries)) + (bytes(end) or bytes(4))
        return at

    def _ordered(self, kind, body):
        size = {SHORT: 2, LONG: 4, RATIONAL: 4}.get(kind)
        if self._order == "<" or not size:
            return body
        return b"".join(body[n : n + size][::-1] for n in range(0, len(body), size))

    def _align(self):
        self.data += bytes(len(self.data) % 2)

    def _inner(self):
        entry = self.table(self.first).get(EXIF_TABLE)
        return self.table(self.integers(entry)[0]) if entry else {}

    def _drop_thumbnail(self):
        link = self.first + 2 + 12 * len(self.table(self.first))
        (offset,) = self._unpack("I", link)
        if not offset:
            return False
        self._pack("I", link, 0)
        try:
            table = self.table(offset)
            for starts, lengths in THUMBNAILS:
                if starts in table and lengths in table:
                    pairs = zip(*map(self.integers, (table[starts], table[lengths])), strict=True)
                    for start, length in sorted(pairs, reverse=True):
                        self._blank(start, start + length)
        except ValueError:  # a table that cannot be read shows no picture
            return False
        return True

    def _blank(self, start, end):
        """Zeros, or nothing at all if it is the end of the block; never the first table."""
        table = self.first, self.first + 2 + 12 * len(self.table(self.first)) + 4
        if start < 8 or (start < table[1] and end > table[0]):
            raise ValueError("EXIF data whose parts lie over each other")
        if end >= len(self.data):
            del self.data[start:]
        else:
            self.data[start:end] = bytes(end - start)

    def _unpack(self, form, offset):
        try:
            return struct.unpack_from(self._order + form, self.data, offset)
        except struct.error as error:
            raise ValueError("EXIF data that end too early") from error

    def _pack(self, form, offset, value):
        struct.pack_into(self._order + form, self.data, offset, value)


def rational(value):
    """Returns a number as the bytes of an EXIF fraction."""
    return struct.pack("<II", round(value * 1000), 1000)


def _opens(data, at):
    """Whether a JPEG with a size begins here, by its first segments; else it is three bytes."""
    at += 2
    for _ in range(MAX_SEGMENTS):
        if data[at : at + 1] != b"\xff" or data[at + 1 : at + 2] < b"\xc0":
            return False
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in SIZED:
            return any(data[at + 5 : at + 7]) and any(data[at + 7 : at + 9])
        if length < 2 or 0xD0 <= marker <= 0xDA:
            return False
        at += 2 + length
    return False
