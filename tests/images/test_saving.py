import copy
import io
import pickle

import numpy as np
import pytest
from PIL import Image, ImageCms

from tfwm.images import Photo, PhotoImage, decode_photo, encode_photo, read_photo

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"


@pytest.fixture
def marked(astronaut):
    exif = Image.Exif()
    exif[0x8298] = "(c) me"
    metadata = {"exif": exif.tobytes(), "icc_profile": PROFILE, "xmp": XMP, "dpi": (300, 300)}
    return PhotoImage.of(Photo(astronaut, metadata={**metadata, "text": {"Author": "Ada"}}))


def check(image, ending):
    assert image.getexif()[0x8298] == "(c) me" and image.info["icc_profile"] == PROFILE
    assert decode_photo(encode_photo(read_photo(image), f"a.{ending}")).metadata["xmp"] == XMP


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif", "avif"])
def test_save_keeps_metadata_by_default(marked, astronaut, tmp_path, ending):
    copies = [marked, marked.copy(), copy.copy(marked), copy.deepcopy(marked)]
    copies += [pickle.loads(pickle.dumps(marked)), marked.resize((150, 100)), marked.convert("L")]
    for image in copies:
        assert isinstance(image, Image.Image) and isinstance(image, PhotoImage)
        image.save(tmp_path / f"a.{ending}")
        check(Image.open(tmp_path / f"a.{ending}"), ending)
    buffer = io.BytesIO()
    marked.save(buffer, {"jpg": "jpeg", "tif": "tiff"}.get(ending, ending))
    check(Image.open(buffer), ending)
    if ending != "png":
        assert Image.open(buffer).getexif()[0x013B] == "Ada"
    if ending in ("png", "tif", "webp"):
        np.testing.assert_array_equal(Image.open(buffer), astronaut)


def test_what_is_passed_to_save_goes_first(marked, astronaut, tmp_path):
    marked.save(tmp_path / "a.jpg", exif=b"", quality=60)
    assert not Image.open(tmp_path / "a.jpg").getexif()
    Image.fromarray(astronaut).save(tmp_path / "b.jpg", quality=60)
    np.testing.assert_array_equal(
        Image.open(tmp_path / "a.jpg"), np.asarray(Image.open(tmp_path / "b.jpg"))
    )
    del marked.info["exif"], marked.info["text"]
    marked.save(tmp_path / "c.jpg")
    assert not Image.open(tmp_path / "c.jpg").getexif()
    Image.fromarray(astronaut).save(tmp_path / "d.jpg", quality=95, subsampling=0)
    np.testing.assert_array_equal(
        Image.open(tmp_path / "c.jpg"), np.asarray(Image.open(tmp_path / "d.jpg"))
    )


def test_changed_pixels_are_saved(marked, tmp_path):
    marked.paste((255, 0, 0), (0, 0, 20, 20))
    marked.save(tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").getpixel((3, 3)) == (255, 0, 0)


def test_other_formats_and_errors_are_pillows(marked, tmp_path):
    marked.save(tmp_path / "a.bmp")
    marked.convert("P").save(tmp_path / "a.gif")
    assert Image.open(tmp_path / "a.gif").size == marked.size
    marked.convert("P").save(tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").mode == "P"
    with pytest.raises(OSError, match="RGBA"):
        marked.convert("RGBA").save(tmp_path / "b.jpg")
    with pytest.raises(FileNotFoundError):
        marked.save(tmp_path / "none" / "a.png")
    with pytest.raises(ValueError, match="extension"):
        marked.save(tmp_path / "a.xyz")
    assert not (tmp_path / "b.jpg").exists() and not (tmp_path / "a.xyz").exists()


def test_16_bit_color_is_saved_with_16_bits_while_it_is_unchanged(tmp_path):
    samples = np.random.default_rng(0).integers(0, 65536, (50, 70, 3), np.uint16)
    image = PhotoImage.of(Photo(samples))
    assert image.mode == "RGB"
    for made in (image, pickle.loads(pickle.dumps(image)), image.copy()):
        made.save(tmp_path / "a.png")
        np.testing.assert_array_equal(read_photo(tmp_path / "a.png").pixels, samples)
    image.putpixel((0, 0), (1, 2, 3))
    image.save(tmp_path / "b.png")
    assert read_photo(tmp_path / "b.png").pixels.dtype == np.uint8
