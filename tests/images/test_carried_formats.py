"""What WebP, TIFF, AVIF and JPEG 2000 carry is kept or dropped: rows of docs/metadata.md."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, features

from tfwm.images import decode_photo, encode_photo, read_photo, told_losses
from tfwm.images.carried import look_into
from tfwm.images.kinds import is_ready

XMP_SPACE = 'xmlns:xmp="http://ns.adobe.com/xap/1.0/"'


def test_second_exif(image, make):
    """A second EXIF segment."""
    exif = make.exif_with_thumbnail(image)
    data = make.encoded(image, exif=exif)
    assert "further EXIF" in make.Made(make.with_segments(data, (0xE1, exif))).told("jpg")
    assert "further EXIF" not in make.Made(data).told("jpg")


def test_gif_extensions(image, make):
    """GIF: XMP and color profile."""
    data = make.encoded(image.quantize(), "GIF")
    for name, said in ((b"XMP DataXMP", "XMP"), (b"ICCRGBG1012", "color profile")):
        more = data[:-1] + b"!\xff\x0b" + name + b"\3abc\0" + data[-1:]
        assert f"the {said} of the GIF" in make.Made(more).told("png")
    assert "GIF" not in make.Made(data).told("png")


def test_webp_chunks(image, make):
    """Unknown WebP chunks."""
    webp = bytearray(make.encoded(image, "WEBP", lossless=True) + b"abcd" + b"\4\0\0\0mine")
    webp[4:8] = struct.pack("<I", len(webp) - 8)
    assert "abcd" in make.Made(bytes(webp)).told("webp")


def test_tiff_tables(image, make):
    """TIFF: EXIF, GPS and interoperability tables."""
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769).update({0x9003: "2026:01:02 03:04:05", 0xA005: {1: "R98"}})
    exif.get_ifd(0x8825).update(make.GPS)
    exif[0x8769], exif[0x8825] = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
    made = make.Made(make.encoded(image, "TIFF", exif=exif))
    for ending in ("jpg", "png", "webp", "tif", "avif"):
        found = made.image(ending).getexif()
        assert found.get_ifd(0x8769)[0x9003] == "2026:01:02 03:04:05", ending
        assert found.get_ifd(0x8825)[2] == make.GPS[2], ending
        assert found.get_ifd(0xA005)[1].strip("\0") == "R98", ending
        assert 0x0111 not in found or ending == "tif"


def test_big_tiff(image, make):
    """BigTIFF."""
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x9003] = "2026:01:02 03:04:05"
    made = make.Made(make.encoded(image, "TIFF", exif=exif.tobytes(), big_tiff=True))
    for ending in ("jpg", "png", "webp", "tif", "avif"):
        again = made.again(ending)
        assert not again.notes, ending
        found = made.image(ending).getexif()
        assert found[0x010F] == "Maker"
        assert found.get_ifd(0x8769)[0x9003] == "2026:01:02 03:04:05"


def test_sub_ifds(image, make):
    """TIFF: further pictures (SubIFDs)."""
    made = make.Made(make.encoded(image, "TIFF", tiffinfo={330: 8}))
    assert "SubIFDs" in made.told("tif") and 330 not in made.image("tif").tag_v2


def test_layers(image, make):
    """TIFF: Photoshop's layers."""
    made = make.Made(
        make.encoded(image, "TIFF", tiffinfo={37724: b"Adobe Photoshop Document layers"})
    )
    assert "layers" in made.told("png") and b"Document layers" not in made.saved("tif")


def test_channels(image, make):
    """TIFF: further channels."""
    tifffile = pytest.importorskip("tifffile")
    buffer = io.BytesIO()
    five = np.dstack([np.asarray(image), np.asarray(image)[..., :2]])
    tifffile.imwrite(buffer, five, photometric="rgb", extrasamples=[0, 0])
    assert "2 further channel(s)" in make.Made(buffer.getvalue()).told("png")
    assert make.Made(make.encoded(image.convert("RGBA"), "TIFF")).told("png") == ""


def test_avif_colors(image, make):
    """AVIF: colors of another space (nclx)."""
    data = make.encoded(image, "AVIF")
    at = data.index(b"colrnclx") + 8
    wide = data[:at] + struct.pack(">HH", 9, 16) + data[at + 4 :]
    assert "primaries 9, transfer 16" in make.Made(wide).told("png")
    deep = data[: data.index(b"av1C") + 6] + bytes([data[data.index(b"av1C") + 6] | 0x40])
    deep += data[len(deep) :]
    assert "more than 8 bits were read as 8" in look_into(deep, "AVIF").losses
    assert make.Made(data).told("png") == ""


def test_avif_maps(image, make):
    """AVIF and HEIC: gain maps, depth maps."""
    data = make.encoded(image, "AVIF")
    for word, said in ((b"tmap", "gain map"), (b"auxid:2", "depth")):
        meta = struct.pack(">I4sI", 12 + len(word), b"meta", 0) + word
        assert said in make.Made(data + meta).told("avif")


def test_jpeg_2000(image, make):
    """JPEG 2000 and JPEG XL: XMP and EXIF boxes."""
    if not features.check("jpg_2000"):
        pytest.skip("this Pillow reads no JPEG 2000")
    packet = make.packet('xmp:CreatorTool="Ada"', XMP_SPACE)
    exif = make.exif_with_thumbnail(image)[6:]
    data = make.encoded(image, "JPEG2000")
    for kind, body in (
        (bytes.fromhex("be7acfcb97a942e89c71999491e3afac"), packet),
        (b"JpgTiffExif->JP2", exif),
    ):
        data += struct.pack(">I4s", 24 + len(body), b"uuid") + kind + body
    made = make.Made(data)
    if is_ready("JXL"):
        assert made.again("jxl").metadata["xmp"] == packet
        assert b"Maker" in made.again("jxl").metadata["exif"]
    assert made.again("jpg").metadata["xmp"] == packet
    assert made.image("jpg").getexif()[0x010F].strip("\0") == "Maker"
    assert "(EXIF)" in made.told("jpg")


def test_deep(image, make):
    """16-bit color and gray of PNG and TIFF."""
    samples = np.random.default_rng(0).integers(0, 65536, (50, 70, 4), np.uint16)
    for channels in (1, 2, 3, 4):
        photo = read_photo(samples[..., :channels].copy())
        for ending in ("png", "tif"):
            again = decode_photo(encode_photo(photo, f"a.{ending}"))
            assert again.pixels.dtype == np.uint16
            expected = photo.samples()
            if channels == 2 and ending == "tif":  # becomes color
                expected = expected[..., [0, 0, 0, 1]]
            np.testing.assert_array_equal(again.samples(), expected)
        assert "16 bits were rounded" in "".join(told_losses(photo, "a.jpg"))
