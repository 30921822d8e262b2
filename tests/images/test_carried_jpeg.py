"""What a JPEG carries is kept, renewed, or dropped and told: rows of docs/metadata.md."""

import io
import re
import struct

import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

XMP_SPACE = 'xmlns:xmp="http://ns.adobe.com/xap/1.0/"'


def test_resolution(image, make):
    """Resolution (JFIF, pHYs, TIFF)."""
    for source in ("JPEG", "PNG", "TIFF"):
        made = make.Made(make.encoded(image, source, dpi=(300, 300)))
        for ending in ("jpg", "png", "tif"):
            assert made.image(ending).info["dpi"] == pytest.approx((300, 300), abs=0.5)
        for ending in ("webp", "avif"):
            assert made.image(ending).getexif()[0x011A] == pytest.approx(300, abs=0.5)


def test_jfif_thumbnails(image, make):
    """Thumbnails of JFIF and JFXX."""
    plain = make.encoded(image)
    jfif = plain[:18] + b"\2\2" + bytes(12) + plain[20:]
    jfif = jfif[:4] + struct.pack(">H", 28) + jfif[6:]
    for data in (
        jfif,
        make.with_segments(plain, (0xE0, b"JFXX\0\x10" + make.encoded(image))),
    ):
        made = make.Made(data)
        assert "JFIF" in made.told("jpg") and made.saved("jpg").count(b"\xff\xd8\xff") == 1


def test_exif(image, make):
    """EXIF."""
    raw = make.exif_with_thumbnail(image, note=b"offsets inside")
    made = make.Made(make.encoded(image, exif=raw))
    for ending in ("jpg", "png", "webp", "tif", "avif"):
        found = made.image(ending).getexif()
        assert found[0x010F].strip("\0") == "Maker", ending
        assert found.get_ifd(0x8769)[0x927C] == b"offsets inside", ending


def test_orientation(image, make):
    """EXIF: orientation."""
    for order in "<>":
        for number in range(1, 9):
            raw = make.exif_with_thumbnail(image, order, number)
            made = make.Made(make.encoded(image, exif=raw))
            upright = made.image("jpg")
            assert upright.size == ((300, 200) if number < 5 else (200, 300))
            found = upright.getexif()
            assert found[0x0112] == 1
            sides = [found.get_ifd(0x8769)[tag] for tag in (0xA002, 0xA003)]
            assert sides == list(upright.size)


def test_exif_thumbnail(image, make):
    """EXIF: thumbnail."""
    for order in "<>":
        for behind in (b"", b"more of the maker's"):
            raw = make.exif_with_thumbnail(image, order, behind=behind)
            made = make.Made(make.encoded(image, exif=raw))
            assert "(EXIF)" in made.told("jpg")
            for ending in ("jpg", "png", "webp", "tif", "avif"):
                data = made.saved(ending)
                assert data.count(b"\xff\xd8\xff") == (ending == "jpg"), ending
                assert not Image.open(io.BytesIO(data)).getexif().get_ifd(1)
            assert made.photo.metadata["exif"].endswith(behind)


def test_maker_previews(image, make):
    """EXIF: previews in makers' notes."""
    note = b"MAKER" + make.encoded(image.resize((80, 60))) + b"END"
    made = make.Made(make.encoded(image, exif=make.exif_with_thumbnail(image, note=note)))
    assert "(EXIF)" in made.told("jpg")
    kept = made.image("jpg").getexif().get_ifd(0x8769)[0x927C]
    assert len(kept) == len(note) and kept[:5] == b"MAKER" and kept[-3:] == b"END"
    assert not any(kept[5:-3])


def test_large_exif(image, make):
    """EXIF larger than 64 kB."""
    exif = Image.Exif()
    exif[0x010E] = "x" * 70000
    made = make.Made(make.encoded(image, "PNG", exif=exif))
    assert "64 kB" in made.told("jpg") and not made.image("jpg").getexif()
    assert "64 kB" not in made.told("png") and len(made.image("png").getexif()[0x010E]) == 70000


def test_xmp(image, make):
    """XMP."""
    packet = make.packet('xmp:CreatorTool="Ada"', XMP_SPACE)
    for source in ("JPEG", "WEBP", "PNG"):
        options = {"xmp": packet}
        if source == "PNG":
            text = PngInfo()
            text.add_itxt("XML:com.adobe.xmp", packet.decode())
            options = {"pnginfo": text}
        made = make.Made(make.encoded(image, source, **options))
        for ending in ("jpg", "png", "webp", "tif", "avif"):
            assert made.again(ending).metadata["xmp"] == packet, (source, ending)


def test_xmp_pictures(image, make):
    """XMP: thumbnails and pictures."""
    packet = make.packet('xmp:Rating="3"', XMP_SPACE).replace(
        b"/></rdf:RDF>",
        b'><xmp:Thumbnails><rdf:Alt><rdf:li xmlns:g="http://ns.adobe.com/xap/1.0/g/img/" '
        b'g:image="/9j/unmarked"/></rdf:Alt></xmp:Thumbnails></rdf:Description></rdf:RDF>',
    )
    made = make.Made(make.encoded(image, xmp=packet))
    assert "(XMP)" in made.told("png")
    kept = made.again("jpg").metadata["xmp"]
    assert b"unmarked" not in kept and b'Rating="3"' in kept


def test_extended_xmp(image, make):
    """Extended XMP."""
    start = b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 32 + bytes(8)
    note = 'xmlns:n="http://ns.adobe.com/xmp/note/" xmlns:d="urn:d"'
    main = make.packet(f'n:HasExtendedXMP="{"A" * 32}" d:x="1"', note)
    for body, kept in ((b"<history/>", True), (b"http://ns.google.com/photos/1.0/image/", False)):
        made = make.Made(make.with_segments(make.encoded(image, xmp=main), (0xE1, start + body)))
        data = made.saved("jpg")
        assert (body in data) == kept == (b"HasExtendedXMP" in data)
        assert ("extended XMP" in made.told("jpg")) != kept
        assert "APP1" in made.told("png") or not kept


def test_color_profile(image, make):
    """Color profile (ICC)."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for source in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"):
        made = make.Made(make.encoded(image, source, icc_profile=profile))
        for ending in ("jpg", "png", "webp", "tif", "avif"):
            assert made.image(ending).info["icc_profile"] == profile


def test_iptc(image, make):
    """IPTC and Photoshop's data (APP13, TIFF tags)."""
    iptc = b"\x1c\x02\x50\x00\x03Ada"
    resources = make.resource(0x0404, iptc) + make.resource(0x03ED, bytes(16))
    jpeg = make.with_segments(make.encoded(image), (0xED, b"Photoshop 3.0\0" + resources))
    tiff = make.encoded(image, "TIFF", tiffinfo={34377: resources})
    for source in (jpeg, tiff, make.encoded(image, "TIFF", tiffinfo={33723: iptc})):
        made = make.Made(source)
        for ending in ("jpg", "tif", "png"):
            assert iptc in made.again(ending).metadata["photoshop"], ending
        for ending in ("webp", "avif"):
            assert "IPTC" in made.told(ending)
        assert made.told("jpg") == ""


def test_photoshop_thumbnails(image, make):
    """Photoshop's thumbnails (APP13)."""
    resources = make.resource(0x040C, bytes(28) + make.encoded(image)) + make.resource(0x0404, b"i")
    made = make.Made(
        make.with_segments(make.encoded(image), (0xED, b"Photoshop 3.0\0" + resources))
    )
    assert "(Photoshop)" in made.told("jpg")
    assert made.saved("jpg").count(b"\xff\xd8\xff") == 1
    assert made.photo.metadata["photoshop"] == make.resource(0x0404, b"i")


def test_comments(image, make):
    """JPEG and GIF comments."""
    data = make.with_segments(make.encoded(image), (0xFE, b"first"), (0xFE, b"second"))
    for made in (
        make.Made(data),
        make.Made(make.encoded(image.quantize(), "GIF", comment=b"first\nsecond")),
    ):
        assert made.image("jpg").info["comment"] == b"first\nsecond"
        assert made.image("png").text["Comment"] == "first\nsecond"
        for ending in ("webp", "tif", "avif"):
            comment = made.image(ending).getexif().get_ifd(0x8769)[0x9286]
            assert comment == b"UNICODE\0" + "first\nsecond".encode("utf-16-be")


def test_adobe(image, make):
    """Adobe's mark of colors (APP14)."""
    made = make.Made(make.encoded(image.convert("CMYK")))
    assert b"Adobe" not in made.saved("jpg") and made.image("jpg").mode == "RGB"


def test_other_segments(image, make):
    """Other application data (APP3 to APP15)."""
    plain = make.encoded(image)
    made = make.Made(make.with_segments(plain, (0xEC, b"Ducky\0data"), (0xE6, b"GoPro\0data")))
    assert b"Ducky\0data" in made.saved("jpg") and b"GoPro\0data" in made.saved("jpg")
    assert "(APP12, APP6)" in made.told("png")
    made = make.Made(make.with_segments(plain, (0xE3, b"Meta\0" + make.encoded(image))))
    assert "APP3" in made.told("jpg") and made.saved("jpg").count(b"\xff\xd8\xff") == 1


def test_gain_map(image, make):
    """HDR gain map (Ultra HDR, ISO 21496-1, Apple)."""
    data = make.ultra_hdr(image)
    gain = data[data.rindex(b"\xff\xd8\xff") :]
    made = make.Made(data)
    assert made.told("jpg") == ""
    for saved in (data, made.saved("jpg")):
        written = Image.open(io.BytesIO(saved))
        first, second = written._getmp()[0xB002]
        assert saved[first["Size"] :] == gain and second["Size"] == len(gain)
        assert written.info["mpoffset"] + second["DataOffset"] == first["Size"]
        assert b"urn:iso:std:iso:ts:21496:-1" in saved[: first["Size"]]
        assert int(re.search(rb'Item:Length="(\d+)"', saved)[1]) == len(gain)
    turned = make.ultra_hdr(image, exif=make.exif_with_thumbnail(image, orientation=6))
    for lost, ending in ((made, "png"), (made, "webp"), (make.Made(turned), "jpg")):
        assert "gain map" in lost.told(ending)
        saved = lost.saved(ending)
        assert b"hdrgm" not in saved and b"GainMap" not in saved and b"21496" not in saved
        assert b"Ada" in saved


def test_further_pictures(image, make):
    """Other pictures behind the first (MPF)."""
    frames = [image, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    made = make.Made(make.encoded(frames[0], "MPO", save_all=True, append_images=frames[1:]))
    assert "1 further picture" in made.told("jpg")
    assert made.image("jpg").format == "JPEG" and b"MPF" not in made.saved("jpg")


def test_motion_photo(image, make):
    """Video of a motion photo."""
    space = 'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" xmlns:d="urn:d"'
    xmp = make.packet('GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1" d:kept="1"', space)
    made = make.Made(make.encoded(image, xmp=xmp) + b"\0\0\0\x18ftypmp42" + bytes(range(200)))
    assert "motion photo" in made.told("jpg")
    saved = made.saved("jpg")
    assert b"MotionPhoto" not in saved and b"kept" in saved and b"ftyp" not in saved


def test_trailing(image, make):
    """Data behind the end of the picture."""
    for source in ("JPEG", "PNG", "WEBP"):
        made = make.Made(make.encoded(image, source) + b"PK a zip archive")
        assert "behind the end" in made.told("png"), source
        assert b"zip archive" not in made.saved("jpg")


def test_credentials(image, make):
    """Content Credentials (C2PA)."""
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
        made = make.Made(data)
        for ending in ("jpg", "png", "tif"):
            assert "sign the marked file again" in made.told(ending)
            saved = made.saved(ending)
            assert b"c2pa" not in saved and b"cred" not in saved
            assert (b"kept" in data) == (b"kept" in saved)
