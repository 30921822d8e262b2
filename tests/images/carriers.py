"""Files that carry much: made here, each thing by itself, for the tests of metadata."""

import io
import struct
import zlib

from PIL import Image

from tfwm.images import decode_photo, encode_photo, told_losses

GPS = {1: "N", 2: (48.0, 51.0, 30.0)}
HDR_XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0" '
    b'xmlns:Container="http://ns.google.com/photos/1.0/container/" '
    b'xmlns:Item="http://ns.google.com/photos/1.0/container/item/" '
    b'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Credit="Ada">'
    b"<Container:Directory><rdf:Seq>"
    b'<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="Primary" '
    b'Item:Mime="image/jpeg"/></rdf:li>'
    b'<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="GainMap" '
    b'Item:Mime="image/jpeg" Item:Length="LENGTH"/></rdf:li>'
    b"</rdf:Seq></Container:Directory></rdf:Description></rdf:RDF></x:xmpmeta>"
)
MAP_XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0" '
    b'hdrgm:GainMapMax="3"/></rdf:RDF></x:xmpmeta>'
)


def packet(properties, spaces=""):
    """XMP of some properties, as attributes."""
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        f'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        f"{spaces} {properties}/></rdf:RDF></x:xmpmeta>"
    ).encode()


def encoded(image, file_format="JPEG", **options):
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def segment(marker, body):
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def with_segments(jpeg, *segments):
    """A JPEG with further segments at its start."""
    return jpeg[:2] + b"".join(segment(*s) for s in segments) + jpeg[2:]


def with_chunks(png, *chunks):
    """A PNG with further chunks behind its header."""
    made = b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )
    return png[:33] + made + png[33:]


def exif_with_thumbnail(image, order="<", orientation=1, note=b"", behind=b""):
    """EXIF with a camera, a maker's note, and a table of a thumbnail, as cameras write it."""
    thumbnail = encoded(image.resize((64, 48)))

    def table(entries, following):
        made = struct.pack(order + "H", len(entries))
        for tag, kind, count, value in entries:
            body = struct.pack(order + ("H" if kind == 3 and count == 1 else "I"), value)
            made += struct.pack(order + "HHI", tag, kind, count) + body.ljust(4, b"\0")
        return made + struct.pack(order + "I", following)

    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    first, inner = 8, 8 + 2 + 3 * 12 + 4
    make = inner + 2 + 3 * 12 + 4
    maker = make + 6
    second = maker + len(note) + len(note) % 2
    start = second + 2 + 3 * 12 + 4
    data = head + table(
        [(0x010F, 2, 6, make), (0x0112, 3, 1, orientation), (0x8769, 4, 1, inner)], second
    )
    data += table(
        [(0x927C, 7, max(len(note), 5), maker), (0xA002, 4, 1, 300), (0xA003, 4, 1, 200)], 0
    )
    data += b"Maker\0" + note + bytes(len(note) % 2)
    data += table([(0x0103, 3, 1, 6), (0x0201, 4, 1, start), (0x0202, 4, 1, len(thumbnail))], 0)
    assert first == 8 and len(data) == start
    return b"Exif\0\0" + data + thumbnail + behind


def resource(number, body):
    """One of Photoshop's resources."""
    return struct.pack(">4sHHI", b"8BIM", number, 0, len(body)) + body + bytes(len(body) % 2)


def ultra_hdr(image, **options):
    """A JPEG with a gain map behind it: XMP and the table of CIPA DC-007 point to it."""
    gain = encoded(image.convert("L").resize((64, 48)), xmp=MAP_XMP)
    xmp = HDR_XMP.replace(b"LENGTH", str(len(gain)).encode())
    main = with_segments(
        encoded(image, xmp=xmp, quality=90, **options),
        (0xE2, b"urn:iso:std:iso:ts:21496:-1\0" + bytes(4)),
    )
    entries = struct.pack(">HHI4s", 0xB000, 7, 4, b"0100") + struct.pack(">HHII", 0xB001, 4, 1, 2)
    entries += struct.pack(">HHII", 0xB002, 7, 32, 50) + bytes(4)
    table = b"MPF\0MM\0*" + struct.pack(">IH", 8, 3) + entries
    size = len(main) + 4 + len(table) + 32
    table += struct.pack(">IIIHH", 0x30000, size, 0, 0, 0)
    table += struct.pack(">IIIHH", 0, len(gain), size - 10, 0, 0)
    return with_segments(main, (0xE2, table)) + gain


class Made:
    """A photo of these bytes, and what is told and written of it."""

    def __init__(self, encoded):
        self.photo = decode_photo(encoded)

    def told(self, ending):
        return "; ".join(told_losses(self.photo, f"a.{ending}"))

    def saved(self, ending):
        return encode_photo(self.photo, f"a.{ending}")

    def image(self, ending):
        image = Image.open(io.BytesIO(self.saved(ending)))
        image.load()
        return image

    def again(self, ending):
        return decode_photo(self.saved(ending))
