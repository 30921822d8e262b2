"""JPEG XL: the size by the header, for which its plugin decodes all; the container of boxes."""

CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
CODESTREAM = b"\xff\x0a"
# ISO/IEC 18181-1, SizeHeader: bits of each length, and width : height of each ratio.
LENGTHS = (9, 13, 18, 30)
RATIOS = (None, (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


def jxl_size(file):
    """Returns `(width, height)` of a JPEG XL file that can seek; `None` if it has no header.

    Example:

    >>> import io
    >>> jxl_size(io.BytesIO(bytes.fromhex("ff0a38181009")))
    (264, 264)
    """
    file.seek(0)
    head = file.read(32)
    while head and not head.startswith(CODESTREAM):
        head = _next_box(file) if head.startswith(CONTAINER) else b""
    return _size(int.from_bytes(head[2:], "little")) if head else None


def in_container(data):
    """Returns a JPEG XL file in its container (ISO/IEC 18181-2), where metadata have a place."""
    if not data.startswith(CODESTREAM):
        return data
    file_type = b"\0\0\0\x14ftypjxl \0\0\0\0jxl "
    return CONTAINER + file_type + (len(data) + 8).to_bytes(4, "big") + b"jxlc" + data


def _next_box(file):
    """The start of the codestream in the boxes of a container, or nothing."""
    file.seek(0)
    while len(header := file.read(8)) == 8:
        length, kind = int.from_bytes(header[:4], "big"), header[4:]
        skip = 8
        if length == 1:
            length, skip = int.from_bytes(file.read(8), "big"), 16
        if kind in (b"jxlc", b"jxlp"):
            return file.read(36)[4 if kind == b"jxlp" else 0 :]
        if length < skip:
            break
        file.seek(length - skip, 1)
    return b""


def _size(bits):
    def take(count):
        nonlocal bits
        value, bits = bits & ((1 << count) - 1), bits >> count
        return value

    def side():
        return 8 * (1 + take(5)) if small else 1 + take(LENGTHS[take(2)])

    small = take(1)
    height = side()
    ratio = RATIOS[take(3)]
    width = side() if ratio is None else height * ratio[0] // ratio[1]
    return width, height
