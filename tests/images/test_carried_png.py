"""What a PNG carries is kept, renewed, or dropped and told: rows of docs/metadata.md."""

import io
import struct

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tfwm.images import encode_photo


def test_text(image, make):
    """PNG text (tEXt, zTXt, iTXt)."""
    info = PngInfo()
    for key, value in (("Author", "Ada"), ("Title", "Bridge"), ("Copyright", "(c) Ada")):
        info.add_text(key, value)
    info.add_text("mine", "else", zip=True)
    made = make.Made(make.encoded(image, "PNG", pnginfo=info))
    assert made.image("png").text["Author"] == "Ada" and made.image("png").text["mine"] == "else"
    for ending in ("jpg", "webp", "tif", "avif"):
        found = made.image(ending).getexif()
        assert [found[t] for t in (0x010E, 0x013B, 0x8298)] == ["Bridge", "Ada", "(c) Ada"]
        assert "dropped: mine" in made.told(ending)


def test_parameters(image, make):
    """PNG text of image generators (parameters)."""
    settings = "a bridge — at night\nSteps: 20, Sampler: Euler a, Seed: 1"
    info = PngInfo()
    info.add_itxt("parameters", settings)
    made = make.Made(make.encoded(image, "PNG", pnginfo=info))
    for ending in ("jpg", "webp", "tif", "avif"):
        comment = made.image(ending).getexif().get_ifd(0x8769)[0x9286]
        assert comment == b"UNICODE\0" + settings.encode("utf-16-be")
        assert made.told(ending) == ""
        back = Image.open(io.BytesIO(encode_photo(made.again(ending), "b.png")))
        assert back.text["parameters"] == settings


def test_raw_profiles(image, make):
    """Raw profiles in PNG text."""
    raw = make.exif_with_thumbnail(image)
    digits = f"\nexif\n{len(raw):8d}\n{raw.hex()}\n"
    info = PngInfo()
    info.add_text("Raw profile type exif", digits)
    made = make.Made(make.encoded(image, "PNG", pnginfo=info))
    assert "(EXIF)" in made.told("png") and b"Raw profile" not in made.saved("png")
    assert made.image("png").getexif()[0x010F].strip("\0") == "Maker"


def test_png_colors(image, make):
    """PNG colors (gAMA, cHRM, sRGB, cICP, mDCV, cLLI)."""
    chunks = [
        (b"gAMA", struct.pack(">I", 100000)),
        (b"cHRM", bytes(32)),
        (b"cICP", b"\x09\x10\0\1"),
        (b"mDCV", bytes(24)),
        (b"cLLI", bytes(8)),
    ]
    made = make.Made(make.with_chunks(make.encoded(image, "PNG"), *chunks))
    data = made.saved("png")
    for name, body in chunks:
        assert data.count(name + body) == 1
    assert data.index(b"cLLI") < data.index(b"IDAT")
    assert "cHRM, cICP, cLLI, gAMA, mDCV" in made.told("jpg")
    usual = make.with_chunks(make.encoded(image, "PNG"), (b"sRGB", b"\0"))
    usual = make.with_chunks(usual, (b"gAMA", struct.pack(">I", 45455)))
    assert make.Made(usual).told("jpg") == "" and b"sRGB" in make.Made(usual).saved("png")


def test_png_others(image, make):
    """PNG time, aspect, background, scale (tIME, pHYs, bKGD, oFFs, pCAL, sCAL, sPLT, sTER)."""
    chunks = [
        *((b"tIME", bytes(7)), (b"bKGD", bytes(6)), (b"oFFs", bytes(9)), (b"sTER", b"\0")),
        *((b"pHYs", struct.pack(">IIB", 1, 2, 0)), (b"sCAL", b"\0011\0002"), (b"sPLT", b"a\0\10")),
    ]
    made = make.Made(make.with_chunks(make.encoded(image, "PNG"), *chunks))
    for name, body in chunks:
        assert name + body in made.saved("png"), name
    assert "tIME" in made.told("jpg")
    gray = make.Made(make.with_chunks(make.encoded(image.convert("L"), "PNG"), (b"bKGD", b"\0\1")))
    assert b"bKGD\0\1" in gray.saved("png")


def test_png_old_pixels(image, make):
    """PNG chunks about the old pixels (sBIT, hIST, bKGD of a palette)."""
    for data in (
        make.with_chunks(make.encoded(image, "PNG"), (b"sBIT", b"\5\5\5")),
        make.encoded(image.quantize(), "PNG").replace(b"IDAT", b"IDAT", 1),
    ):
        if b"sBIT" not in data:
            at = data.index(b"IDAT") - 4
            chunk = make.with_chunks(bytes(33), (b"bKGD", b"\1"))[33:]
            data = data[:at] + chunk + data[at:]
        made = make.Made(data)
        assert "old pixels" in made.told("png")
        assert b"sBIT" not in made.saved("png") and b"bKGD" not in made.saved("png")


def test_palette(image, make):
    """Palette and transparent color (PLTE, tRNS)."""
    made = make.Made(make.encoded(image.quantize(32), "PNG", transparency=3))
    assert made.photo.alpha is not None and "palette" in made.photo.notes[0]
    assert made.image("png").mode == "RGBA"


def test_unknown_chunks(image, make):
    """Unknown PNG chunks."""
    data = make.with_chunks(make.encoded(image, "PNG"), (b"abCd", b"copy"), (b"abCD", b"unsafe"))
    made = make.Made(data)
    assert b"abCdcopy" in made.saved("png") and b"unsafe" not in made.saved("png")
    assert "abCD" in made.told("png") and "abCd" in made.told("jpg")
