"""Files that lack a part of their picture: refused, or read as far as they go."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm.images import DamagedError, ImageError, read_photo
from tfwm.images.damaged import open_remains
from tfwm.images.wholeness import jpeg_end, percent

SIZE = 240, 320


@pytest.fixture(scope="module")
def picture():
    return data.chelsea()[:240, :320]


def encoded(picture, name, **options):
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, name, **options)
    return buffer.getvalue()


def png(header, raw, *more):
    def chunk(kind, content):
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), *(chunk(*m) for m in more)]
        + [chunk(b"IDAT", zlib.compress(raw)), chunk(b"IEND", b"")]
    )


def short_png(picture, rows, interlaced=0, level=(8, 2)):
    """A PNG that is right in all but the end of its data."""
    header = struct.pack(">IIBBBBB", 320, 240, *level, 0, 0, interlaced)
    raw = b"".join(b"\0" + row.tobytes() for row in picture[:rows])
    return png(header, raw)


def test_png_whose_data_end_early(picture, one_line):
    assert read_photo(short_png(picture, 240)).pixels.shape == (240, 320, 3)
    for rows, words in ((239, "99.5 %"), (24, "10 %"), (1, "0.4 %")):
        with pytest.raises(DamagedError, match=f"end after {words} of the picture") as error:
            read_photo(short_png(picture, rows))
        one_line(error)
    half = read_photo(short_png(picture, 120), damaged=True)
    assert half.rows_read == 0.5 and "50 % of its rows" in half.notes[0]
    np.testing.assert_array_equal(half.pixels[:120], picture[:120])
    np.testing.assert_array_equal(half.pixels[120:], np.tile(picture[119:120], (120, 1, 1)))


def test_interlaced_png(tmp_path, picture):
    """Rows are there where the last pass has reached them; the passes before give the others."""
    places = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2)]
    places += [(0, 1, 2, 2), (1, 0, 2, 1)]
    passes = [picture[top::down, left::across] for top, left, down, across in places]
    raw = b"".join(b"\0" + row.tobytes() for part in passes for row in part)
    header = struct.pack(">IIBBBBB", 320, 240, 8, 2, 0, 0, 1)
    np.testing.assert_array_equal(read_photo(png(header, raw)).pixels, picture)
    cut = png(header, raw[: -60 * 961])  # the last pass lacks 60 of its 120 rows
    with pytest.raises(DamagedError, match="of the picture"):
        read_photo(cut)
    photo = read_photo(cut, damaged=True)
    assert photo.rows_read == 0.75
    np.testing.assert_array_equal(photo.pixels[:120], picture[:120])
    np.testing.assert_array_equal(photo.pixels[121::2], picture[120::2])


def test_jpeg_with_an_end_that_comes_early(picture, one_line):
    for options in ({}, {"progressive": True}, {"restart_marker_rows": 1}, {"subsampling": 2}):
        whole = encoded(picture, "JPEG", quality=90, **options)
        assert read_photo(whole).rows_read == 1
        for share in (0.3, 0.7, 0.97):
            cut = whole[: int(share * len(whole))].rstrip(b"\xff") + b"\xff\xd9"
            with pytest.raises(DamagedError, match="data end after") as error:
                read_photo(cut)
            one_line(error)


def test_whole_photos_with_flat_corners_are_whole():
    for level in (0, 128, 255):
        flat = np.full((100, 130, 3), level, np.uint8)
        flat[:50] = data.chelsea()[:50, :130]
        for options in ({}, {"progressive": True}, {"subsampling": 2}):
            content = encoded(flat, "JPEG", quality=80, **options)
            assert read_photo(content).pixels.shape == flat.shape
            assert read_photo(content + b"trailing bytes").pixels.shape == flat.shape
    assert read_photo(encoded(np.full((64, 64), 9, np.uint8), "JPEG")).pixels.max() < 20


def test_tiff_that_lacks_strips(picture):
    rows = 60
    strips = [picture[i : i + rows].tobytes() for i in range(0, 240, rows)]

    def tiff(offsets):
        count = len(offsets)
        entries = [(256, 3, 1, 320), (257, 3, 1, 240), (258, 3, 3, 150), (259, 3, 1, 1)]
        entries += [(262, 3, 1, 2), (273, 4, count, 160), (277, 3, 1, 3), (278, 3, 1, rows)]
        entries += [(279, 4, count, 180)]
        body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
        head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + body + bytes(4)
        head = head.ljust(150, b"\0") + struct.pack("<3H", 8, 8, 8)
        head = head.ljust(160, b"\0") + struct.pack(f"<{count}I", *offsets)
        head = head.ljust(180, b"\0") + struct.pack(f"<{count}I", *[57600] * count)
        return head.ljust(200, b"\0") + b"".join(strips)

    offsets = [200 + 57600 * i for i in range(4)]
    np.testing.assert_array_equal(read_photo(tiff(offsets)).pixels, picture)
    for fewer, words in ((offsets[:2], "50 %"), ([*offsets[:3], 0], "75 %")):
        with pytest.raises(DamagedError, match=f"end after {words}"):
            read_photo(tiff(fewer))


@pytest.mark.parametrize(
    "name, options",
    [
        ("JPEG", {"quality": 90}),
        ("JPEG", {"quality": 90, "restart_marker_rows": 1}),
        ("PNG", {}),
        ("WEBP", {"quality": 90}),
        ("WEBP", {"lossless": True}),
        ("BMP", {}),
        ("PPM", {}),
        ("TIFF", {}),
    ],
)
def test_what_is_there_is_read(picture, name, options):
    content = encoded(picture, name, **options)
    whole = read_photo(content).pixels.astype(int)
    for share in (0.4, 0.8):
        cut = content[: int(share * len(content))]
        with pytest.raises(DamagedError, match="damaged or cut off"):
            read_photo(cut)
        photo = read_photo(io.BytesIO(cut), damaged=True)
        assert abs(photo.rows_read - share) < 0.2 and photo.pixels.shape == (240, 320, 3)
        rows = int(photo.rows_read * 240) - 8  # WebP smooths over edges of blocks
        there = slice(240 - rows, None) if name == "BMP" else slice(rows)
        np.testing.assert_allclose(photo.pixels[there], whole[there], atol=1)
        assert percent(photo.rows_read) in photo.notes[0]


def test_turned_and_progressive(picture):
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(picture, "JPEG", quality=90, exif=exif.tobytes())
    photo = read_photo(content[: len(content) // 2], damaged=True)
    assert photo.pixels.shape == (320, 240, 3) and 0.3 < photo.rows_read < 0.7
    content = encoded(picture, "JPEG", quality=90, progressive=True)
    photo = read_photo(content[: int(0.8 * len(content))], damaged=True)
    assert "the others coarsely" in photo.notes[0]
    assert np.abs(photo.pixels - picture.astype(int)).mean() < 8


def test_whole_photos_are_read_as_ever(picture):
    photo = read_photo(encoded(picture, "PNG"), damaged=True)
    assert photo.rows_read == 1 and photo.notes == []


def test_nothing_is_left(picture, one_line):
    for content in (
        encoded(picture, "JPEG")[:300],
        encoded(picture, "PNG")[:40],
        b"\x89PNG\r\n\x1a\n",
        encoded(picture, "JPEG2000")[:2000],
        b"II*\0" + bytes(60),
    ):
        with pytest.raises(ImageError, match="nothing of it can be read|is not an image") as error:
            read_photo(content, damaged=True)
        one_line(error)
    huge = png(struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0), b"")
    with pytest.raises(ImageError, match="too large"):
        read_photo(huge, damaged=True)


def test_cut_anywhere_is_one_line(picture):
    rng = np.random.default_rng(0)
    for name in ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF"):
        content = encoded(picture[:64, :80], name)
        for _ in range(20):
            cut = bytearray(content[: rng.integers(1, len(content))])
            for place in rng.integers(0, len(cut), 2):
                cut[place] = rng.integers(256)
            try:
                assert 0 < read_photo(bytes(cut), damaged=True).rows_read <= 1
            except ImageError as error:
                assert "\n" not in str(error)


def test_end_of_a_jpeg(picture):
    for options in ({}, {"progressive": True}):
        content = encoded(picture, "JPEG", **options)
        end, progressive = jpeg_end(content)
        assert content[end:] == b"\xff\xd9" and progressive == bool(options)
        assert jpeg_end(content[:-2])[0] is None
    with pytest.raises(DamagedError):
        open_remains(io.BytesIO(b"\xff\xd8\xff"), "a", Image.open)


@pytest.mark.slow
def test_case_of_the_bomb(shared):
    path = shared / "cases" / "bomb_hdr_only_9400.png"
    with pytest.raises(DamagedError, match="cut off .its data end after 0.1 % of the picture"):
        read_photo(path)
    assert read_photo(path, damaged=True).rows_read == 10 / 9400
