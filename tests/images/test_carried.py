"""What a file carries is kept, renewed, or dropped and told: a test for each row of the page."""

import io
import re
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, features
from PIL.PngImagePlugin import PngInfo

from tfwm.images import decode_photo, encode_photo, placing, read_photo, told_losses
from tfwm.images.carried import Carried, look_into, resources_without_pictures
from tfwm.images.kinds import is_ready

PAGE = Path(__file__).parents[2] / "docs" / "metadata.md"
ROWS = {}
XMP_SPACE = 'xmlns:xmp="http://ns.adobe.com/xap/1.0/"'


def row(name):
    """Registers the test of a row of docs/metadata.md."""

    def register(test):
        ROWS[name] = test
        return test

    return register


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


@pytest.fixture(scope="module")
def image(astronaut):
    return Image.fromarray(astronaut)


def pytest_generate_tests(metafunc):
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", list(ROWS))


def test_row(name, image, carriers):
    ROWS[name](image, carriers)


def test_every_row_of_the_page_has_its_test():
    rows = re.findall(r"^\| ([^|]+) \| (?:kept|renewed|dropped|taken)", PAGE.read_text(), re.M)
    assert sorted(rows) == sorted(ROWS)


# JPEG


@row("Resolution (JFIF, pHYs, TIFF)")
def resolution(image, make):
    for source in ("JPEG", "PNG", "TIFF"):
        made = Made(make.encoded(image, source, dpi=(300, 300)))
        for ending in ("jpg", "png", "tif"):
            assert made.image(ending).info["dpi"] == pytest.approx((300, 300), abs=0.5)
        for ending in ("webp", "avif"):
            assert made.image(ending).getexif()[0x011A] == pytest.approx(300, abs=0.5)


@row("Thumbnails of JFIF and JFXX")
def jfif_thumbnails(image, make):
    plain = make.encoded(image)
    jfif = plain[:18] + b"\2\2" + bytes(12) + plain[20:]
    jfif = jfif[:4] + struct.pack(">H", 28) + jfif[6:]
    for data in (jfif, make.with_segments(plain, (0xE0, b"JFXX\0\x10" + make.encoded(image)))):
        made = Made(data)
        assert "JFIF" in made.told("jpg") and made.saved("jpg").count(b"\xff\xd8\xff") == 1


@row("EXIF")
def exif(image, make):
    raw = make.exif_with_thumbnail(image, note=b"offsets inside")
    made = Made(make.encoded(image, exif=raw))
    for ending in ("jpg", "png", "webp", "tif", "avif"):
        found = made.image(ending).getexif()
        assert found[0x010F].strip("\0") == "Maker", ending
        assert found.get_ifd(0x8769)[0x927C] == b"offsets inside", ending


@row("EXIF: orientation")
def orientation(image, make):
    for order in "<>":
        for number in range(1, 9):
            raw = make.exif_with_thumbnail(image, order, number)
            made = Made(make.encoded(image, exif=raw))
            upright = made.image("jpg")
            assert upright.size == ((300, 200) if number < 5 else (200, 300))
            found = upright.getexif()
            assert found[0x0112] == 1
            sides = [found.get_ifd(0x8769)[tag] for tag in (0xA002, 0xA003)]
            assert sides == list(upright.size)


@row("EXIF: thumbnail")
def exif_thumbnail(image, make):
    for order in "<>":
        for behind in (b"", b"more of the maker's"):
            raw = make.exif_with_thumbnail(image, order, behind=behind)
            made = Made(make.encoded(image, exif=raw))
            assert "(EXIF)" in made.told("jpg")
            for ending in ("jpg", "png", "webp", "tif", "avif"):
                data = made.saved(ending)
                assert data.count(b"\xff\xd8\xff") == (ending == "jpg"), ending
                assert not Image.open(io.BytesIO(data)).getexif().get_ifd(1)
            assert made.photo.metadata["exif"].endswith(behind)


@row("EXIF: previews in makers' notes")
def maker_previews(image, make):
    note = b"MAKER" + make.encoded(image.resize((80, 60))) + b"END"
    made = Made(make.encoded(image, exif=make.exif_with_thumbnail(image, note=note)))
    assert "(EXIF)" in made.told("jpg")
    kept = made.image("jpg").getexif().get_ifd(0x8769)[0x927C]
    assert len(kept) == len(note) and kept[:5] == b"MAKER" and kept[-3:] == b"END"
    assert not any(kept[5:-3])


@row("EXIF larger than 64 kB")
def large_exif(image, make):
    exif = Image.Exif()
    exif[0x010E] = "x" * 70000
    made = Made(make.encoded(image, "PNG", exif=exif))
    assert "64 kB" in made.told("jpg") and not made.image("jpg").getexif()
    assert "64 kB" not in made.told("png") and len(made.image("png").getexif()[0x010E]) == 70000


@row("XMP")
def xmp(image, make):
    packet = make.packet('xmp:CreatorTool="Ada"', XMP_SPACE)
    for source in ("JPEG", "WEBP", "PNG"):
        options = {"xmp": packet}
        if source == "PNG":
            text = PngInfo()
            text.add_itxt("XML:com.adobe.xmp", packet.decode())
            options = {"pnginfo": text}
        made = Made(make.encoded(image, source, **options))
        for ending in ("jpg", "png", "webp", "tif", "avif"):
            assert made.again(ending).metadata["xmp"] == packet, (source, ending)


@row("XMP: thumbnails and pictures")
def xmp_pictures(image, make):
    packet = make.packet('xmp:Rating="3"', XMP_SPACE).replace(
        b"/></rdf:RDF>",
        b'><xmp:Thumbnails><rdf:Alt><rdf:li xmlns:g="http://ns.adobe.com/xap/1.0/g/img/" '
        b'g:image="/9j/unmarked"/></rdf:Alt></xmp:Thumbnails></rdf:Description></rdf:RDF>',
    )
    made = Made(make.encoded(image, xmp=packet))
    assert "(XMP)" in made.told("png")
    kept = made.again("jpg").metadata["xmp"]
    assert b"unmarked" not in kept and b'Rating="3"' in kept


@row("Extended XMP")
def extended_xmp(image, make):
    start = b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 32 + bytes(8)
    note = 'xmlns:n="http://ns.adobe.com/xmp/note/" xmlns:d="urn:d"'
    main = make.packet(f'n:HasExtendedXMP="{"A" * 32}" d:x="1"', note)
    for body, kept in ((b"<history/>", True), (b"http://ns.google.com/photos/1.0/image/", False)):
        made = Made(make.with_segments(make.encoded(image, xmp=main), (0xE1, start + body)))
        data = made.saved("jpg")
        assert (body in data) == kept == (b"HasExtendedXMP" in data)
        assert ("extended XMP" in made.told("jpg")) != kept
        assert "APP1" in made.told("png") or not kept


@row("Color profile (ICC)")
def color_profile(image, make):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for source in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"):
        made = Made(make.encoded(image, source, icc_profile=profile))
        for ending in ("jpg", "png", "webp", "tif", "avif"):
            assert made.image(ending).info["icc_profile"] == profile


@row("IPTC and Photoshop's data (APP13, TIFF tags)")
def iptc(image, make):
    iptc = b"\x1c\x02\x50\x00\x03Ada"
    resources = make.resource(0x0404, iptc) + make.resource(0x03ED, bytes(16))
    jpeg = make.with_segments(make.encoded(image), (0xED, b"Photoshop 3.0\0" + resources))
    tiff = make.encoded(image, "TIFF", tiffinfo={34377: resources})
    for source in (jpeg, tiff, make.encoded(image, "TIFF", tiffinfo={33723: iptc})):
        made = Made(source)
        for ending in ("jpg", "tif", "png"):
            assert iptc in made.again(ending).metadata["photoshop"], ending
        for ending in ("webp", "avif"):
            assert "IPTC" in made.told(ending)
        assert made.told("jpg") == ""


@row("Photoshop's thumbnails (APP13)")
def photoshop_thumbnails(image, make):
    resources = make.resource(0x040C, bytes(28) + make.encoded(image)) + make.resource(0x0404, b"i")
    made = Made(make.with_segments(make.encoded(image), (0xED, b"Photoshop 3.0\0" + resources)))
    assert "(Photoshop)" in made.told("jpg")
    assert made.saved("jpg").count(b"\xff\xd8\xff") == 1
    assert made.photo.metadata["photoshop"] == make.resource(0x0404, b"i")


@row("JPEG and GIF comments")
def comments(image, make):
    data = make.with_segments(make.encoded(image), (0xFE, b"first"), (0xFE, b"second"))
    for made in (Made(data), Made(make.encoded(image.quantize(), "GIF", comment=b"first\nsecond"))):
        assert made.image("jpg").info["comment"] == b"first\nsecond"
        assert made.image("png").text["Comment"] == "first\nsecond"
        for ending in ("webp", "tif", "avif"):
            comment = made.image(ending).getexif().get_ifd(0x8769)[0x9286]
            assert comment == b"UNICODE\0" + "first\nsecond".encode("utf-16-be")


@row("Adobe's mark of colors (APP14)")
def adobe(image, make):
    made = Made(make.encoded(image.convert("CMYK")))
    assert b"Adobe" not in made.saved("jpg") and made.image("jpg").mode == "RGB"


@row("Other application data (APP3 to APP15)")
def other_segments(image, make):
    plain = make.encoded(image)
    made = Made(make.with_segments(plain, (0xEC, b"Ducky\0data"), (0xE6, b"GoPro\0data")))
    assert b"Ducky\0data" in made.saved("jpg") and b"GoPro\0data" in made.saved("jpg")
    assert "(APP12, APP6)" in made.told("png")
    made = Made(make.with_segments(plain, (0xE3, b"Meta\0" + make.encoded(image))))
    assert "APP3" in made.told("jpg") and made.saved("jpg").count(b"\xff\xd8\xff") == 1


@row("HDR gain map (Ultra HDR, ISO 21496-1, Apple)")
def gain_map(image, make):
    data = make.ultra_hdr(image)
    gain = data[data.rindex(b"\xff\xd8\xff") :]
    made = Made(data)
    assert made.told("jpg") == ""
    for saved in (data, made.saved("jpg")):
        written = Image.open(io.BytesIO(saved))
        first, second = written._getmp()[0xB002]
        assert saved[first["Size"] :] == gain and second["Size"] == len(gain)
        assert written.info["mpoffset"] + second["DataOffset"] == first["Size"]
        assert b"urn:iso:std:iso:ts:21496:-1" in saved[: first["Size"]]
        assert int(re.search(rb'Item:Length="(\d+)"', saved)[1]) == len(gain)
    turned = make.ultra_hdr(image, exif=make.exif_with_thumbnail(image, orientation=6))
    for lost, ending in ((made, "png"), (made, "webp"), (Made(turned), "jpg")):
        assert "gain map" in lost.told(ending)
        saved = lost.saved(ending)
        assert b"hdrgm" not in saved and b"GainMap" not in saved and b"21496" not in saved
        assert b"Ada" in saved


@row("Other pictures behind the first (MPF)")
def further_pictures(image, make):
    frames = [image, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    made = Made(make.encoded(frames[0], "MPO", save_all=True, append_images=frames[1:]))
    assert "1 further picture" in made.told("jpg")
    assert made.image("jpg").format == "JPEG" and b"MPF" not in made.saved("jpg")


@row("Video of a motion photo")
def motion_photo(image, make):
    space = 'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" xmlns:d="urn:d"'
    xmp = make.packet('GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1" d:kept="1"', space)
    made = Made(make.encoded(image, xmp=xmp) + b"\0\0\0\x18ftypmp42" + bytes(range(200)))
    assert "motion photo" in made.told("jpg")
    saved = made.saved("jpg")
    assert b"MotionPhoto" not in saved and b"kept" in saved and b"ftyp" not in saved


@row("Data behind the end of the picture")
def trailing(image, make):
    for source in ("JPEG", "PNG", "WEBP"):
        made = Made(make.encoded(image, source) + b"PK a zip archive")
        assert "behind the end" in made.told("png"), source
        assert b"zip archive" not in made.saved("jpg")


@row("Content Credentials (C2PA)")
def credentials(image, make):
    box = b"\0\0\0\x20jumb\0\0\0\x18jumdc2pa" + bytes(12)
    webp = bytearray(make.encoded(image, "WEBP", lossless=True) + b"C2PA" + b"\4\0\0\0cred")
    webp[4:8] = struct.pack("<I", len(webp) - 8)
    uuid = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
    avif = make.encoded(image, "AVIF") + struct.pack(">I4s", 28, b"uuid") + uuid + b"cred"
    space = 'xmlns:dcterms="http://purl.org/dc/terms/" xmlns:d="urn:d"'
    xmp = make.packet('dcterms:provenance="https://c2pa.example/1" d:kept="1"', space)
    for data in (
        make.with_segments(make.encoded(image), (0xEB, b"JP\0\1\0\0\0\1" + box)),
        make.with_chunks(make.encoded(image, "PNG"), (b"caBX", box)),
        bytes(webp),
        avif,
        make.encoded(image, "TIFF", tiffinfo={52545: box}),
        make.encoded(image, xmp=xmp),
    ):
        made = Made(data)
        for ending in ("jpg", "png", "tif"):
            assert "sign the marked file again" in made.told(ending)
            saved = made.saved(ending)
            assert b"c2pa" not in saved and b"cred" not in saved
            assert (b"kept" in data) == (b"kept" in saved)


# PNG


@row("PNG text (tEXt, zTXt, iTXt)")
def text(image, make):
    info = PngInfo()
    for key, value in (("Author", "Ada"), ("Title", "Bridge"), ("Copyright", "(c) Ada")):
        info.add_text(key, value)
    info.add_text("mine", "else", zip=True)
    made = Made(make.encoded(image, "PNG", pnginfo=info))
    assert made.image("png").text["Author"] == "Ada" and made.image("png").text["mine"] == "else"
    for ending in ("jpg", "webp", "tif", "avif"):
        found = made.image(ending).getexif()
        assert [found[t] for t in (0x010E, 0x013B, 0x8298)] == ["Bridge", "Ada", "(c) Ada"]
        assert "dropped: mine" in made.told(ending)


@row("PNG text of image generators (parameters)")
def parameters(image, make):
    settings = "a bridge — at night\nSteps: 20, Sampler: Euler a, Seed: 1"
    info = PngInfo()
    info.add_itxt("parameters", settings)
    made = Made(make.encoded(image, "PNG", pnginfo=info))
    for ending in ("jpg", "webp", "tif", "avif"):
        comment = made.image(ending).getexif().get_ifd(0x8769)[0x9286]
        assert comment == b"UNICODE\0" + settings.encode("utf-16-be")
        assert made.told(ending) == ""
        back = Image.open(io.BytesIO(encode_photo(made.again(ending), "b.png")))
        assert back.text["parameters"] == settings


@row("Raw profiles in PNG text")
def raw_profiles(image, make):
    raw = make.exif_with_thumbnail(image)
    digits = f"\nexif\n{len(raw):8d}\n{raw.hex()}\n"
    info = PngInfo()
    info.add_text("Raw profile type exif", digits)
    made = Made(make.encoded(image, "PNG", pnginfo=info))
    assert "(EXIF)" in made.told("png") and b"Raw profile" not in made.saved("png")
    assert made.image("png").getexif()[0x010F].strip("\0") == "Maker"


@row("PNG colors (gAMA, cHRM, sRGB, cICP, mDCV, cLLI)")
def png_colors(image, make):
    chunks = [
        (b"gAMA", struct.pack(">I", 100000)),
        (b"cHRM", bytes(32)),
        (b"cICP", b"\x09\x10\0\1"),
        (b"mDCV", bytes(24)),
        (b"cLLI", bytes(8)),
    ]
    made = Made(make.with_chunks(make.encoded(image, "PNG"), *chunks))
    data = made.saved("png")
    for name, body in chunks:
        assert data.count(name + body) == 1
    assert data.index(b"cLLI") < data.index(b"IDAT")
    assert "cHRM, cICP, cLLI, gAMA, mDCV" in made.told("jpg")
    usual = make.with_chunks(make.encoded(image, "PNG"), (b"sRGB", b"\0"))
    usual = make.with_chunks(usual, (b"gAMA", struct.pack(">I", 45455)))
    assert Made(usual).told("jpg") == "" and b"sRGB" in Made(usual).saved("png")


@row("PNG time, aspect, background, scale (tIME, pHYs, bKGD, oFFs, pCAL, sCAL, sPLT, sTER)")
def png_others(image, make):
    chunks = [
        *((b"tIME", bytes(7)), (b"bKGD", bytes(6)), (b"oFFs", bytes(9)), (b"sTER", b"\0")),
        *((b"pHYs", struct.pack(">IIB", 1, 2, 0)), (b"sCAL", b"\0011\0002"), (b"sPLT", b"a\0\10")),
    ]
    made = Made(make.with_chunks(make.encoded(image, "PNG"), *chunks))
    for name, body in chunks:
        assert name + body in made.saved("png"), name
    assert "tIME" in made.told("jpg")
    gray = Made(make.with_chunks(make.encoded(image.convert("L"), "PNG"), (b"bKGD", b"\0\1")))
    assert b"bKGD\0\1" in gray.saved("png")


@row("PNG chunks about the old pixels (sBIT, hIST, bKGD of a palette)")
def png_old_pixels(image, make):
    for data in (
        make.with_chunks(make.encoded(image, "PNG"), (b"sBIT", b"\5\5\5")),
        make.encoded(image.quantize(), "PNG").replace(b"IDAT", b"IDAT", 1),
    ):
        if b"sBIT" not in data:
            at = data.index(b"IDAT") - 4
            chunk = make.with_chunks(bytes(33), (b"bKGD", b"\1"))[33:]
            data = data[:at] + chunk + data[at:]
        made = Made(data)
        assert "old pixels" in made.told("png")
        assert b"sBIT" not in made.saved("png") and b"bKGD" not in made.saved("png")


@row("Palette and transparent color (PLTE, tRNS)")
def palette(image, make):
    made = Made(make.encoded(image.quantize(32), "PNG", transparency=3))
    assert made.photo.alpha is not None and "palette" in made.photo.notes[0]
    assert made.image("png").mode == "RGBA"


@row("Unknown PNG chunks")
def unknown_chunks(image, make):
    data = make.with_chunks(make.encoded(image, "PNG"), (b"abCd", b"copy"), (b"abCD", b"unsafe"))
    made = Made(data)
    assert b"abCdcopy" in made.saved("png") and b"unsafe" not in made.saved("png")
    assert "abCD" in made.told("png") and "abCd" in made.told("jpg")


# WebP, TIFF, AVIF, JPEG 2000


@row("A second EXIF segment")
def second_exif(image, make):
    exif = make.exif_with_thumbnail(image)
    data = make.encoded(image, exif=exif)
    assert "further EXIF" in Made(make.with_segments(data, (0xE1, exif))).told("jpg")
    assert "further EXIF" not in Made(data).told("jpg")


@row("GIF: XMP and color profile")
def gif_extensions(image, make):
    data = make.encoded(image.quantize(), "GIF")
    for name, said in ((b"XMP DataXMP", "XMP"), (b"ICCRGBG1012", "color profile")):
        more = data[:-1] + b"!\xff\x0b" + name + b"\3abc\0" + data[-1:]
        assert f"the {said} of the GIF" in Made(more).told("png")
    assert "GIF" not in Made(data).told("png")


@row("Unknown WebP chunks")
def webp_chunks(image, make):
    webp = bytearray(make.encoded(image, "WEBP", lossless=True) + b"abcd" + b"\4\0\0\0mine")
    webp[4:8] = struct.pack("<I", len(webp) - 8)
    assert "abcd" in Made(bytes(webp)).told("webp")


@row("TIFF: EXIF, GPS and interoperability tables")
def tiff_tables(image, make):
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769).update({0x9003: "2026:01:02 03:04:05", 0xA005: {1: "R98"}})
    exif.get_ifd(0x8825).update(make.GPS)
    exif[0x8769], exif[0x8825] = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
    made = Made(make.encoded(image, "TIFF", exif=exif))
    for ending in ("jpg", "png", "webp", "tif", "avif"):
        found = made.image(ending).getexif()
        assert found.get_ifd(0x8769)[0x9003] == "2026:01:02 03:04:05", ending
        assert found.get_ifd(0x8825)[2] == make.GPS[2], ending
        assert found.get_ifd(0xA005)[1].strip("\0") == "R98", ending
        assert 0x0111 not in found or ending == "tif"


@row("BigTIFF")
def big_tiff(image, make):
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x9003] = "2026:01:02 03:04:05"
    made = Made(make.encoded(image, "TIFF", exif=exif.tobytes(), big_tiff=True))
    for ending in ("jpg", "png", "webp", "tif", "avif"):
        again = made.again(ending)
        assert not again.notes, ending
        found = made.image(ending).getexif()
        assert found[0x010F] == "Maker"
        assert found.get_ifd(0x8769)[0x9003] == "2026:01:02 03:04:05"


@row("TIFF: further pictures (SubIFDs)")
def sub_ifds(image, make):
    made = Made(make.encoded(image, "TIFF", tiffinfo={330: 8}))
    assert "SubIFDs" in made.told("tif") and 330 not in made.image("tif").tag_v2


@row("TIFF: Photoshop's layers")
def layers(image, make):
    made = Made(make.encoded(image, "TIFF", tiffinfo={37724: b"Adobe Photoshop Document layers"}))
    assert "layers" in made.told("png") and b"Document layers" not in made.saved("tif")


@row("TIFF: further channels")
def channels(image, make):
    tifffile = pytest.importorskip("tifffile")
    buffer = io.BytesIO()
    five = np.dstack([np.asarray(image), np.asarray(image)[..., :2]])
    tifffile.imwrite(buffer, five, photometric="rgb", extrasamples=[0, 0])
    assert "2 further channel(s)" in Made(buffer.getvalue()).told("png")
    assert Made(make.encoded(image.convert("RGBA"), "TIFF")).told("png") == ""


@row("AVIF: colors of another space (nclx)")
def avif_colors(image, make):
    data = make.encoded(image, "AVIF")
    at = data.index(b"colrnclx") + 8
    wide = data[:at] + struct.pack(">HH", 9, 16) + data[at + 4 :]
    assert "primaries 9, transfer 16" in Made(wide).told("png")
    deep = data[: data.index(b"av1C") + 6] + bytes([data[data.index(b"av1C") + 6] | 0x40])
    deep += data[len(deep) :]
    assert "more than 8 bits were read as 8" in look_into(deep, "AVIF").losses
    assert Made(data).told("png") == ""


@row("AVIF and HEIC: gain maps, depth maps")
def avif_maps(image, make):
    data = make.encoded(image, "AVIF")
    for word, said in ((b"tmap", "gain map"), (b"auxid:2", "depth")):
        meta = struct.pack(">I4sI", 12 + len(word), b"meta", 0) + word
        assert said in Made(data + meta).told("avif")


@row("JPEG 2000 and JPEG XL: XMP and EXIF boxes")
def jpeg_2000(image, make):
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
    made = Made(data)
    if is_ready("JXL"):
        assert made.again("jxl").metadata["xmp"] == packet
        assert b"Maker" in made.again("jxl").metadata["exif"]
    assert made.again("jpg").metadata["xmp"] == packet
    assert made.image("jpg").getexif()[0x010F].strip("\0") == "Maker"
    assert "(EXIF)" in made.told("jpg")


@row("16-bit color and gray of PNG and TIFF")
def deep(image, make):
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


def test_pictures_in_unusual_places_are_found(image, carriers):
    plain, picture = carriers.encoded(image), carriers.encoded(image.resize((80, 60)))
    half = len(picture) // 2
    resource = carriers.resource(0x0400, picture)
    for data in (
        carriers.with_segments(plain, (0xE2, b"FPXR\0" + picture), (0xE2, b"FPXR\0tail")),
        carriers.with_segments(
            plain, (0xE1, b"FLIR\0" + picture[:half]), (0xE1, b"FLIR\0" + picture[half:])
        ),
        carriers.with_segments(plain, (0xFE, picture)),
        carriers.with_segments(plain, (0xED, b"Photoshop 3.0\0" + resource)),
    ):
        made = Made(data)
        saved = made.saved("jpg")
        assert "picture" in made.told("jpg") and saved.count(b"\xff\xd8\xff") == 1
        assert picture[-200:] not in saved and b"FPXR" not in saved
    chunk = carriers.with_chunks(carriers.encoded(image, "PNG"), (b"prEw", picture))
    assert b"prEw" not in Made(chunk).saved("png") and "prEw" in Made(chunk).told("png")


def test_iptc_keep_their_words_without_their_preview(image, carriers):
    picture = carriers.encoded(image.resize((80, 60)))
    words = b"\x1c\2\x78\0\3Ada"
    for length in (struct.pack(">H", len(picture)), struct.pack(">HI", 0x8004, len(picture))):
        iptc = b"\x1c\2\xc8\0\2\0\1\x1c\2\xca" + length + picture + words
        resource = b"Photoshop 3.0\0" + carriers.resource(0x0404, iptc)
        made = Made(carriers.with_segments(carriers.encoded(image), (0xED, resource)))
        assert made.photo.metadata["photoshop"] == carriers.resource(0x0404, words)
        assert "(IPTC)" in made.told("jpg")


def test_a_preview_that_is_cut_off_ends_with_its_note(image, carriers):
    picture = carriers.encoded(image.resize((80, 60)))[:-40]
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x927C] = picture
    exif.get_ifd(0x8825).update(carriers.GPS)
    exif[0x8769], exif[0x8825] = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
    made = Made(carriers.encoded(image, exif=exif.tobytes()))
    found = made.image("jpg").getexif()
    assert found.get_ifd(0x8825)[2] == carriers.GPS[2]
    assert not any(found.get_ifd(0x8769)[0x927C]) and "(EXIF)" in made.told("jpg")


def test_names_in_xmp_may_be_written_otherwise(image, carriers):
    space = 'xmlns:g="http://ns.google.com/photos/1.0/image/"'
    packet = carriers.packet('g:Data="/9j/unmarked"', space).decode()
    for other in (packet.encode("utf-16"), packet.replace("google", "goo&#103;le").encode()):
        made = Made(carriers.encoded(image, xmp=other))
        kept = made.photo.metadata.get("xmp", b"").replace(b"\0", b"")
        assert "XMP" in made.told("jpg") and b"unmarked" not in kept
    deep = carriers.packet('d:x="1"', 'xmlns:d="urn:d"').replace(
        b"/></rdf:RDF>",
        b">"
        + b"<d:a g:b='1' "
        + space.encode()
        + b">"
        + b"<d:a>" * 4000
        + b"</d:a>" * 4001
        + b"</rdf:Description></rdf:RDF>",
    )
    assert "cannot be read" in Made(carriers.encoded(image, xmp=deep)).told("jpg")


def test_many_parts_take_no_longer_than_their_bytes(image, carriers):
    exif = carriers.exif_with_thumbnail(image, note=b"\xff\xd8\xff" * 15000)
    resources = carriers.resource(0x03ED, b"") * 300000
    started = time.perf_counter()
    Made(carriers.encoded(image, exif=exif))
    resources_without_pictures(resources, Carried())
    placing.place({"segments": [(0xE5, b"")] * 300000}, "JPEG")
    assert time.perf_counter() - started < 5


def test_any_orientation_is_settled(image, carriers):
    for order in "<>":
        raw = carriers.exif_with_thumbnail(image, order, 6)
        short = struct.pack(order + "HHIH", 0x0112, 3, 1, 6)
        long = struct.pack(order + "HHII", 0x0112, 4, 1, 6)
        assert short in raw
        raw = raw.replace(short + b"\0\0", long)
        assert Made(carriers.encoded(image, exif=raw)).image("jpg").getexif()[0x0112] == 1


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


def test_damaged_metadata_never_stop_a_photo(image, carriers):
    """Any byte of what is carried may be wrong: the pixels are read, every format is written."""
    generator = np.random.default_rng(0)
    small = image.resize((48, 32))
    exif = carriers.exif_with_thumbnail(small, note=b"x" + carriers.encoded(small))
    resources = carriers.resource(0x0404, b"\x1c\x02P\0\3Ada") + carriers.resource(
        0x040C, bytes(28)
    )
    jpeg = carriers.with_segments(
        carriers.ultra_hdr(small, exif=exif), (0xED, b"Photoshop 3.0\0" + resources)
    )
    places = [n for n in range(6, jpeg.index(b"\xff\xdb") - 4) if 0xFF not in jpeg[n - 4 : n + 1]]
    for _ in range(60):
        data = bytearray(jpeg)
        for place in generator.choice(places, 3):
            data[place] = generator.integers(0, 256)
        made = Made(bytes(data))
        assert made.photo.pixels.shape == (32, 48, 3)
        for ending in ("jpg", "png", "webp", "tif"):
            made.told(ending)
            assert made.image(ending).size == (48, 32)
