import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from tfwm.images import (
    read_photo,
    write_photo,
)


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif"])
def test_orientation_is_applied_once(tmp_path, astronaut, orientation, ending):
    image = Image.fromarray(astronaut)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "Camera maker"
    options = {"lossless": True} if ending == ".webp" else {}
    image.save(tmp_path / f"a{ending}", exif=exif, **options)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / f"a{ending}")))
    photo = read_photo(tmp_path / f"a{ending}")
    np.testing.assert_array_equal(photo.pixels, expected)
    write_photo(photo, tmp_path / "b.png")
    saved = Image.open(tmp_path / "b.png")
    np.testing.assert_array_equal(ImageOps.exif_transpose(saved), expected)
    assert saved.getexif()[0x010F] == "Camera maker"
    assert saved.getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("source", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("target", [".jpg", ".png", ".webp", ".tif"])
def test_metadata_goes_along(tmp_path, astronaut, source, target):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010F] = "Camera maker"
    exif.get_ifd(0x8769)[0x9003] = "2026:01:02 03:04:05"
    exif.get_ifd(0x8825)[1] = "N"
    image = Image.fromarray(astronaut)
    image.save(tmp_path / f"a{source}", icc_profile=profile, exif=exif.tobytes(), dpi=(300, 300))
    write_photo(read_photo(tmp_path / f"a{source}"), tmp_path / f"b{target}")
    saved = Image.open(tmp_path / f"b{target}")
    assert saved.info["icc_profile"] == profile
    assert saved.getexif()[0x010F] == "Camera maker"
    assert saved.getexif().get_ifd(0x8769)[0x9003] == "2026:01:02 03:04:05"
    assert saved.getexif().get_ifd(0x8825)[1] == "N"
    assert 0x0111 not in saved.getexif() or target == ".tif"  # strip offsets are TIFF's own
    if source != ".webp" and target != ".webp":
        assert saved.info["dpi"] == pytest.approx((300, 300), abs=0.5)
    assert saved.size == image.size


def test_exif_that_was_not_touched_is_kept_byte_by_byte(tmp_path, astronaut):
    exif = Image.Exif()
    exif[0x010F] = "Camera maker"
    raw = exif.tobytes() + b"\0trailing maker data"
    Image.fromarray(astronaut).save(tmp_path / "a.jpg", exif=raw)
    write_photo(read_photo(tmp_path / "a.jpg"), tmp_path / "b.jpg")
    assert Image.open(tmp_path / "b.jpg").info["exif"] == raw


def test_damaged_exif_does_not_stop_a_photo(tmp_path, astronaut):
    Image.fromarray(astronaut).save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff12")
    photo = read_photo(tmp_path / "a.jpg")
    assert photo.pixels.shape == astronaut.shape
    write_photo(photo, tmp_path / "b.png")


def test_png_text_and_jpeg_xmp_go_along(tmp_path, astronaut):
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    text.add_text("Author", "Ada Lovelace")
    Image.fromarray(astronaut).save(tmp_path / "a.png", pnginfo=text)
    write_photo(read_photo(tmp_path / "a.png"), tmp_path / "b.png")
    assert Image.open(tmp_path / "b.png").text["Author"] == "Ada Lovelace"
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    Image.fromarray(astronaut).save(tmp_path / "a.jpg", xmp=xmp)
    for ending in (".jpg", ".webp", ".png"):
        write_photo(read_photo(tmp_path / "a.jpg"), tmp_path / f"c{ending}")
        assert read_photo(tmp_path / f"c{ending}").metadata["xmp"] == xmp
