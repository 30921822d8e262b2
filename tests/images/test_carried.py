"""What a file carries is kept, renewed, or dropped and told, wherever it lies."""

import ast
import io
import re
import struct
import time
from pathlib import Path

import numpy as np
from PIL import Image

from tfwm.images import decode_photo, placing
from tfwm.images.carried import Carried, resources_without_pictures

PAGE = Path(__file__).parents[2] / "docs" / "metadata.md"


def test_every_row_of_the_page_has_its_test():
    """The first line of what such a test says is the name of its row."""
    rows = re.findall(r"^\| ([^|]+) \| (?:kept|renewed|dropped|taken)", PAGE.read_text(), re.M)
    told = []
    for path in Path(__file__).parent.glob("test_carried_*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                told.append(ast.get_docstring(node).removesuffix("."))
    assert sorted(rows) == sorted(told)


def test_pictures_in_unusual_places_are_found(image, make):
    plain, picture = make.encoded(image), make.encoded(image.resize((80, 60)))
    half = len(picture) // 2
    resource = make.resource(0x0400, picture)
    for data in (
        make.with_segments(plain, (0xE2, b"FPXR\0" + picture), (0xE2, b"FPXR\0tail")),
        make.with_segments(
            plain, (0xE1, b"FLIR\0" + picture[:half]), (0xE1, b"FLIR\0" + picture[half:])
        ),
        make.with_segments(plain, (0xFE, picture)),
        make.with_segments(plain, (0xED, b"Photoshop 3.0\0" + resource)),
    ):
        made = make.Made(data)
        saved = made.saved("jpg")
        assert "picture" in made.told("jpg") and saved.count(b"\xff\xd8\xff") == 1
        assert picture[-200:] not in saved and b"FPXR" not in saved
    chunk = make.with_chunks(make.encoded(image, "PNG"), (b"prEw", picture))
    assert b"prEw" not in make.Made(chunk).saved("png") and "prEw" in make.Made(chunk).told("png")


def test_iptc_keep_their_words_without_their_preview(image, make):
    picture = make.encoded(image.resize((80, 60)))
    words = b"\x1c\2\x78\0\3Ada"
    for length in (struct.pack(">H", len(picture)), struct.pack(">HI", 0x8004, len(picture))):
        iptc = b"\x1c\2\xc8\0\2\0\1\x1c\2\xca" + length + picture + words
        resource = b"Photoshop 3.0\0" + make.resource(0x0404, iptc)
        made = make.Made(make.with_segments(make.encoded(image), (0xED, resource)))
        assert made.photo.metadata["photoshop"] == make.resource(0x0404, words)
        assert "(IPTC)" in made.told("jpg")


def test_a_preview_that_is_cut_off_ends_with_its_note(image, make):
    picture = make.encoded(image.resize((80, 60)))[:-40]
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x927C] = picture
    exif.get_ifd(0x8825).update(make.GPS)
    exif[0x8769], exif[0x8825] = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
    made = make.Made(make.encoded(image, exif=exif.tobytes()))
    found = made.image("jpg").getexif()
    assert found.get_ifd(0x8825)[2] == make.GPS[2]
    assert not any(found.get_ifd(0x8769)[0x927C]) and "(EXIF)" in made.told("jpg")


def test_names_in_xmp_may_be_written_otherwise(image, make):
    space = 'xmlns:g="http://ns.google.com/photos/1.0/image/"'
    packet = make.packet('g:Data="/9j/unmarked"', space).decode()
    for other in (packet.encode("utf-16"), packet.replace("google", "goo&#103;le").encode()):
        made = make.Made(make.encoded(image, xmp=other))
        kept = made.photo.metadata.get("xmp", b"").replace(b"\0", b"")
        assert "XMP" in made.told("jpg") and b"unmarked" not in kept
    deep = make.packet('d:x="1"', 'xmlns:d="urn:d"').replace(
        b"/></rdf:RDF>",
        b">"
        + b"<d:a g:b='1' "
        + space.encode()
        + b">"
        + b"<d:a>" * 4000
        + b"</d:a>" * 4001
        + b"</rdf:Description></rdf:RDF>",
    )
    assert "cannot be read" in make.Made(make.encoded(image, xmp=deep)).told("jpg")


def test_many_parts_take_no_longer_than_their_bytes(image, make):
    exif = make.exif_with_thumbnail(image, note=b"\xff\xd8\xff" * 15000)
    resources = make.resource(0x03ED, b"") * 300000
    started = time.perf_counter()
    make.Made(make.encoded(image, exif=exif))
    resources_without_pictures(resources, Carried())
    placing.place({"segments": [(0xE5, b"")] * 300000}, "JPEG")
    assert time.perf_counter() - started < 5


def test_any_orientation_is_settled(image, make):
    for order in "<>":
        raw = make.exif_with_thumbnail(image, order, 6)
        short = struct.pack(order + "HHIH", 0x0112, 3, 1, 6)
        long = struct.pack(order + "HHII", 0x0112, 4, 1, 6)
        assert short in raw
        raw = raw.replace(short + b"\0\0", long)
        assert make.Made(make.encoded(image, exif=raw)).image("jpg").getexif()[0x0112] == 1


def test_gray_of_16_bits_keeps_its_meaning():
    samples = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    for number in (0, 1):
        buffer = io.BytesIO()
        Image.fromarray(samples).save(buffer, "TIFF", tiffinfo={262: 1})
        data = buffer.getvalue().replace(
            struct.pack("<HHIH", 262, 3, 1, 1), struct.pack("<HHIH", 262, 3, 1, number)
        )
        expected = samples if number else 65535 - samples
        np.testing.assert_array_equal(decode_photo(data).pixels[..., 0], expected)
    buffer = io.BytesIO()
    Image.fromarray(samples).save(buffer, "PNG", transparency=5)
    alpha = decode_photo(buffer.getvalue()).alpha
    np.testing.assert_array_equal(alpha == 0, samples == 5)


def test_damaged_metadata_never_stop_a_photo(image, make):
    """Any byte of what is carried may be wrong: the pixels are read, every format is written."""
    generator = np.random.default_rng(0)
    small = image.resize((48, 32))
    exif = make.exif_with_thumbnail(small, note=b"x" + make.encoded(small))
    resources = make.resource(0x0404, b"\x1c\x02P\0\3Ada") + make.resource(0x040C, bytes(28))
    jpeg = make.with_segments(
        make.ultra_hdr(small, exif=exif), (0xED, b"Photoshop 3.0\0" + resources)
    )
    places = [n for n in range(6, jpeg.index(b"\xff\xdb") - 4) if 0xFF not in jpeg[n - 4 : n + 1]]
    for _ in range(60):
        data = bytearray(jpeg)
        for place in generator.choice(places, 3):
            data[place] = generator.integers(0, 256)
        made = make.Made(bytes(data))
        assert made.photo.pixels.shape == (32, 48, 3)
        for ending in ("jpg", "png", "webp", "tif"):
            made.told(ending)
            assert made.image(ending).size == (48, 32)
