import importlib.util
import io
import os
import socket
import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm.images import (
    ImageError,
    Photo,
    claimed_size,
    count_pixels,
    kinds,
    psnr,
    read_photo,
    write_photo,
)
from tfwm.images.deep import encode_deep
from tfwm.images.jxl import jxl_size
from tfwm.images.kinds import kind_of

HEIC = b"\0\0\0\x1cftypheic\0\0\0\0mif1heic" + bytes(36)
CR3 = b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom" + bytes(64)
MP4 = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41" + bytes(64)
PLUGINS = {"HEIF": "pillow_heif", "JXL": "pillow_jxl"}


@pytest.fixture(params=["HEIF", "JXL"])
def plugin(request):
    """A format that needs a plugin, and its ending."""
    if importlib.util.find_spec(PLUGINS[request.param]) is None:
        pytest.skip(f"needs {PLUGINS[request.param]}, which is not installed")
    assert kinds.is_ready(request.param)
    return request.param, kinds.PLUGINS[request.param].endings[0]


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "JPEG2000", "AVIF"])
def test_kind_by_content(astronaut, name):
    if name not in Image.registered_extensions().values() and Image.init() is None:
        pytest.skip(f"this Pillow writes no {name}")
    buffer = io.BytesIO()
    Image.fromarray(astronaut).save(buffer, name)
    assert kind_of(buffer.getvalue()) == name


def test_kind_of_what_is_not_read():
    assert kind_of(HEIC) == "HEIF" and kind_of(CR3) == kinds.CAMERA
    assert kind_of(b"8BPS\0\1" + bytes(60)) == "Photoshop file"
    for other in (MP4, b"", b"text", b"%PDF-1.7", b"<x:xmpmeta", b"SQLite format 3\0", bytes(64)):
        assert kind_of(other) is None
    avif = b"\0\0\0\x20ftypmif1\0\0\0\0mif1avif" + bytes(40)
    assert kind_of(avif) == "AVIF"


def test_missing_plugin_is_named(tmp_path, monkeypatch, one_line):
    monkeypatch.setattr(kinds, "is_ready", lambda name: name not in kinds.PLUGINS)
    for name, content, words in [
        ("a.heic", HEIC, r"is HEIC, .* pip install 'tfwm\[heif\]'"),
        ("a.jpg", HEIC, "is HEIC"),
        ("a", b"\xff\x0a" + bytes(60), r"is JPEG XL, .*pillow-jxl.* 'tfwm\[jxl\]'"),
        ("a.jxl", b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(60), "is JPEG XL"),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ImageError, match=words) as error:
            read_photo(tmp_path / name)
        one_line(error)
        with pytest.raises(ImageError, match=words.split(",")[0]):
            read_photo(content)
    with pytest.raises(ImageError, match=r"tfwm\[heif\]"):
        write_photo(Photo(np.zeros((64, 64, 3), np.uint8)), tmp_path / "b.heic")


def test_damaged_is_not_unknown(tmp_path, plugin, one_line):
    name, ending = plugin
    buffer = io.BytesIO()
    Image.fromarray(data.astronaut()).save(buffer, name)
    for content in (buffer.getvalue()[:80], buffer.getvalue()[:-200]):
        (tmp_path / f"a{ending}").write_bytes(content)
        with pytest.raises(ImageError, match="is damaged or cut off") as error:
            read_photo(tmp_path / f"a{ending}")
        one_line(error)


def test_plugins_there_and_back(tmp_path, plugin, astronaut):
    name, ending = plugin
    exif = Image.Exif()
    exif[0x8298] = "(c) Ada Lovelace"
    cover = Photo(astronaut, metadata={"exif": b"Exif\0\0" + exif.tobytes()})
    back = read_photo(write_photo(cover, tmp_path / f"a{ending}"))
    assert psnr(cover.pixels, back.pixels) > (60 if name == "JXL" else 35)
    found = Image.Exif()
    found.load(back.metadata["exif"])
    assert found[0x8298] == "(c) Ada Lovelace" and back.notes == []
    gray = read_photo(write_photo(Photo(astronaut[..., :1]), tmp_path / f"b{ending}"))
    assert gray.pixels.shape == (200, 300, 1)
    alpha = np.uint8(np.add.outer(np.arange(200), np.arange(300)) // 2)
    clear = read_photo(write_photo(Photo(astronaut, alpha), tmp_path / f"c{ending}"))
    np.testing.assert_allclose(clear.alpha, alpha, atol=6)


def test_plugins_keep_photos_upright(tmp_path, plugin, astronaut):
    """Pillow's HEIC plugin turns the pixels; JPEG XL is upright, whatever its EXIF says."""
    name, ending = plugin
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(astronaut).save(tmp_path / f"a{ending}", exif=exif.tobytes())
    photo = read_photo(tmp_path / f"a{ending}")
    assert photo.pixels.shape == ((300, 200, 3) if name == "HEIF" else (200, 300, 3))
    found = Image.Exif()
    found.load(photo.metadata.get("exif", b""))
    assert found.get(0x0112, 1) == 1


def test_sixteen_bit_gray_in_jpeg_xl(tmp_path):
    pytest.importorskip("pillow_jxl", reason="needs pillow-jxl-plugin, which is not installed")
    deep = Photo(np.random.default_rng(0).integers(0, 65536, (64, 80, 1), np.uint16))
    back = read_photo(write_photo(deep, tmp_path / "a.jxl"))
    np.testing.assert_array_equal(back.pixels, deep.pixels)


@pytest.mark.parametrize("size", [(264, 264), (1000, 17), (1920, 1080), (256, 128), (3, 4000)])
def test_size_of_jpeg_xl_is_known_before_it_is_decoded(size):
    pytest.importorskip("pillow_jxl", reason="needs pillow-jxl-plugin, which is not installed")
    assert kinds.is_ready("JXL")
    for container in (False, True):
        buffer = io.BytesIO()
        exif = b"II*\0" + bytes(300) if container else None
        Image.new("RGB", size).save(
            buffer, "JXL", lossless=True, use_container=container, exif=exif
        )
        assert jxl_size(buffer) == size
    assert jxl_size(io.BytesIO(b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40))) is None


def test_huge_jpeg_xl_is_not_decoded(monkeypatch, one_line):
    monkeypatch.setattr(kinds, "is_ready", lambda name: True)
    bits = 0 | 3 << 1 | (39999 << 3) | (1 << 33)  # 40,000 x 40,000
    with pytest.raises(ImageError, match="40000 x 40000 pixels, expected at most") as error:
        read_photo(b"\xff\x0a" + bits.to_bytes(8, "little") + bytes(60))
    one_line(error)


@pytest.mark.parametrize("ending", [".jfif", ".jpe", ".pjpeg", ".pjp", ".JFIF"])
def test_all_endings_of_jpeg_are_written(tmp_path, astronaut, ending):
    path = write_photo(Photo(astronaut), tmp_path / f"a{ending}")
    assert Image.open(path).format == "JPEG" and ending.lower() in kinds.endings()


def test_camera_files_are_named(tmp_path, astronaut, one_line):
    image = Image.fromarray(astronaut)
    for name in ("a.nef", "a.ARW", "a.cr2"):
        image.save(tmp_path / name, "TIFF")  # as a preview inside of such a file
    (tmp_path / "b.cr3").write_bytes(CR3)
    (tmp_path / "c.tif").write_bytes(b"II*\0\x10\0\0\0CR\x02\0" + bytes(80))
    image.save(tmp_path / "dng.tif", tiffinfo={50706: b"\1\4\0\0"})
    tags = {254: 1, 330: 8}
    image.save(tmp_path / "preview.tif", tiffinfo=tags)
    for path in tmp_path.iterdir():
        with pytest.raises(ImageError, match=r"camera file \(RAW\).*develop it") as error:
            read_photo(path)
        one_line(error)
    with pytest.raises(ImageError, match="is a Photoshop file, which is not read"):
        read_photo(b"8BPS\0\1" + bytes(90))


# Sources


def test_bytes_and_file_objects(tmp_path, astronaut):
    path = write_photo(Photo(astronaut), tmp_path / "a.png")
    encoded = path.read_bytes()
    for source in (encoded, bytearray(encoded), memoryview(encoded), io.BytesIO(encoded)):
        np.testing.assert_array_equal(read_photo(source).pixels, astronaut)
    later = io.BytesIO(b"header" + encoded)
    later.seek(6)
    np.testing.assert_array_equal(read_photo(later).pixels, astronaut)
    with path.open("rb") as file:
        photo = read_photo(file)
    assert photo.name == str(path)
    with path.open("rb", buffering=0) as raw:
        assert read_photo(raw).pixels.shape == (200, 300, 3)
    with pytest.raises(ImageError, match="is open as text"):
        read_photo(io.StringIO("text"))
    with pytest.raises(ImageError, match="empty"):
        read_photo(b"")
    assert count_pixels(path) == 60000 and count_pixels(b"text") == 0


@pytest.mark.parametrize(
    "mode, file_format, size",
    [
        *(("L", "PNG", 1), ("RGB", "PNG", 3), ("RGBA", "PNG", 4), ("I;16", "PNG", 2)),
        *(("P", "PNG", 4), ("1", "PNG", 1), ("CMYK", "JPEG", 4), ("LA", "PNG", 2)),
    ],
)
def test_the_size_before_compression_is_known_unread(mode, file_format, size):
    buffer = io.BytesIO()
    Image.new(mode, (40, 30)).save(buffer, file_format)
    assert claimed_size(buffer.getvalue()[:-20]) == (1200, 1200 * size)
    deep = encode_deep(np.zeros((30, 40, 4), np.uint16), "PNG", {})
    assert claimed_size(deep) == (1200, 1200 * 8)
    assert claimed_size(b"text") == (0, 0)


def test_pipes_that_are_open_are_read(tmp_path, astronaut):
    path = write_photo(Photo(astronaut), tmp_path / "a.jpg")
    code = "from tfwm.images import read_photo; print(read_photo('/dev/stdin').pixels.shape)"
    done = subprocess.run(
        [sys.executable, "-c", code], input=path.read_bytes(), capture_output=True
    )
    assert done.stdout == b"(200, 300, 3)\n", done.stderr


def test_endless_noise_is_not_read_whole():
    class Endless(io.RawIOBase):
        def read(self, size=-1):
            assert 0 <= size <= 1 << 20
            return bytes(size)

    with pytest.raises(ImageError, match="is not an image"):
        read_photo(Endless())


def test_what_is_no_file_is_refused_before_it_is_read(tmp_path, one_line):
    os.mkfifo(tmp_path / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.jpg"))
        for path, kind in [
            (tmp_path / "pipe.jpg", "pipe"),
            (tmp_path / "s.jpg", "socket"),
            ("/dev/zero", "device"),
        ]:
            with pytest.raises(ImageError, match=f"is a {kind}: expected a file") as error:
                read_photo(path)
            one_line(error)
            assert count_pixels(path) == 0
    assert "cannot be opened" in one_line(pytest.raises(ImageError, read_photo, "a\0b"))


def test_dng_made_of_bytes_alone():
    """A DNG whose first picture is a preview, read from memory, where no ending tells it."""
    entries = [(254, 4, 1), (256, 3, 8), (257, 3, 8), (258, 3, 8), (262, 3, 1), (273, 4, 110)]
    entries += [(277, 3, 1), (278, 3, 8), (279, 4, 64), (330, 4, 8)]
    body = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    tiff = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + body + bytes(100)
    with pytest.raises(ImageError, match="camera file"):
        read_photo(tiff)
