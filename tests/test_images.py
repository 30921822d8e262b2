import dataclasses
import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps
from skimage import color, data

from tfwm.images import (
    ImageError,
    Photo,
    add_luminance,
    check_output,
    luminance,
    read_photo,
    write_photo,
)


@pytest.fixture(scope="module")
def astronaut():
    return data.astronaut()[:200, :300]


def damaged(error):
    """A one-line message that says what to do."""
    text = str(error.value)
    assert "\n" not in text and len(text) < 250
    return text


# Luminance


def test_luminance_is_the_y_of_pillow(astronaut):
    expected = np.asarray(Image.fromarray(astronaut).convert("YCbCr"))[..., 0]
    np.testing.assert_allclose(luminance(astronaut) * 255, expected, atol=1.01)


def test_luminance_of_gray_is_gray():
    pixels = np.arange(0, 65536, 257, dtype=np.uint16).reshape(16, 16, 1)
    np.testing.assert_allclose(luminance(pixels), pixels[..., 0] / 65535, atol=1e-7)


def test_change_inside_the_range_leaves_chroma_alone(astronaut):
    pixels = (astronaut // 2 + 60).astype(np.uint8)
    change = np.random.default_rng(0).integers(-20, 21, pixels.shape[:2]) / 255
    marked = add_luminance(pixels, change)
    difference = marked.astype(int) - pixels
    assert (difference == difference[..., :1]).all()
    np.testing.assert_allclose(difference[..., 0] / 255, change, atol=1e-6)


@pytest.mark.parametrize("colour", [(250, 20, 20), (255, 128, 0), (0, 90, 255), (3, 250, 4)])
@pytest.mark.parametrize("levels", [-4, 4])
def test_saturated_colours_take_the_change(colour, levels):
    pixels = np.full((1, 1, 3), colour, np.uint8)
    marked = add_luminance(pixels, np.array([[levels / 255]]))
    moved = (luminance(marked) - luminance(pixels))[0, 0] * 255
    assert moved == pytest.approx(levels, abs=1.0)
    assert np.abs(marked.astype(int) - pixels).max() <= 2 * abs(levels)


def test_taking_over_helps_more_than_clipping():
    pixels = np.full((1, 1, 3), (255, 40, 40), np.uint8)
    change = np.array([[8 / 255]])
    clipped = np.clip(pixels + 8, 0, 255).astype(np.uint8)
    clipped[0, 0, 0] = 255
    marked = add_luminance(pixels, change)
    wanted = luminance(pixels) + change
    assert np.abs(luminance(marked) - wanted) < np.abs(luminance(clipped) - wanted)


def test_white_and_black_do_not_wrap():
    pixels = np.array([[[255, 255, 255], [0, 0, 0]]], np.uint8)
    marked = add_luminance(pixels, np.array([[0.1, -0.1]]))
    np.testing.assert_array_equal(marked, pixels)


def test_types_are_kept(astronaut):
    for pixels in (astronaut, astronaut.astype(np.uint16) * 257, astronaut / 255):
        marked = add_luminance(pixels, np.full(pixels.shape[:2], 3 / 255))
        assert marked.dtype == pixels.dtype
        assert np.median(luminance(marked) - luminance(pixels)) == pytest.approx(3 / 255, abs=1e-4)


# Modes


def test_gray(tmp_path, astronaut):
    Image.fromarray(astronaut).convert("L").save(tmp_path / "a.png")
    assert read_photo(tmp_path / "a.png").pixels.shape == (200, 300, 1)


def test_alpha_is_kept(tmp_path, astronaut):
    image = Image.fromarray(astronaut)
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    for mode in ("RGBA", "LA"):
        for ending in (".png", ".webp", ".tif"):
            source, target = tmp_path / f"{mode}.png", tmp_path / f"{mode}-out{ending}"
            image.convert(mode).save(source)
            write_photo(read_photo(source), target)
            np.testing.assert_array_equal(
                Image.open(target).getchannel("A"), image.getchannel("A"), err_msg=ending
            )


def test_colours_below_full_transparency_are_kept(tmp_path, astronaut):
    photo = Photo(astronaut, np.zeros(astronaut.shape[:2], np.uint8))
    for ending in (".png", ".webp", ".tif"):
        back = read_photo(write_photo(photo, tmp_path / f"clear{ending}"))
        np.testing.assert_array_equal(back.pixels, astronaut)


def test_transparent_colour_of_a_png_becomes_alpha(tmp_path):
    image = Image.new("RGB", (40, 40), (9, 8, 7))
    image.paste((1, 2, 3), (0, 0, 20, 40))
    image.save(tmp_path / "a.png", transparency=(1, 2, 3))
    photo = read_photo(tmp_path / "a.png")
    assert photo.alpha[0, 0] == 0 and photo.alpha[0, 30] == 255


def test_palette_becomes_colour(tmp_path, astronaut):
    image = Image.fromarray(astronaut).quantize(64)
    image.save(tmp_path / "a.gif")
    photo = read_photo(tmp_path / "a.gif")
    np.testing.assert_array_equal(photo.pixels, np.asarray(image.convert("RGB")))
    assert photo.alpha is None and "palette" in photo.notes[0]
    image.save(tmp_path / "b.png", transparency=3)
    photo = read_photo(tmp_path / "b.png")
    np.testing.assert_array_equal(photo.alpha == 0, np.asarray(image) == 3)


def test_16_bit_gray_stays_16_bit(tmp_path):
    pixels = (np.arange(64 * 96, dtype=np.uint16) * 10).reshape(64, 96)
    for ending in (".png", ".tif"):
        source, target = tmp_path / f"a{ending}", tmp_path / f"b{ending}"
        Image.fromarray(pixels).save(source)
        photo = read_photo(source)
        assert photo.pixels.dtype == np.uint16
        write_photo(photo, target)
        np.testing.assert_array_equal(read_photo(target).pixels[..., 0], pixels)
    with pytest.raises(ImageError, match="holds 8 bits") as error:
        write_photo(photo, tmp_path / "a.jpg")
    damaged(error)


def png_16_bit_colour(height, width):
    def chunk(name, body):
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    row = b"\0" + struct.pack(">HHH", 65535, 32896, 257) * width
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(row * height)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*c) for c in chunks)


def test_16_bit_colour_is_read_as_8_bit_and_said_so(tmp_path):
    (tmp_path / "a.png").write_bytes(png_16_bit_colour(40, 50))
    photo = read_photo(tmp_path / "a.png")
    assert photo.pixels[0, 0].tolist() == [255, 128, 1]
    assert "16-bit" in photo.notes[0]


def test_cmyk_becomes_srgb(tmp_path, astronaut):
    Image.fromarray(astronaut).convert("CMYK").save(tmp_path / "a.jpg", quality=100, subsampling=0)
    photo = read_photo(tmp_path / "a.jpg")
    assert photo.pixels.shape == astronaut.shape and "CMYK" in photo.notes[0]
    assert np.abs(photo.pixels.astype(int) - astronaut).mean() < 3


def test_cmyk_profile_that_is_none_does_not_go_along(tmp_path, astronaut):
    image = Image.fromarray(astronaut).convert("CMYK")
    image.save(tmp_path / "a.tif", icc_profile=b"no profile at all")
    assert "icc_profile" not in read_photo(tmp_path / "a.tif").metadata


def test_black_and_white_becomes_gray(astronaut):
    photo = read_photo(Image.fromarray(astronaut).convert("1"))
    assert sorted(np.unique(photo.pixels)) == [0, 255] and photo.notes


def test_lab_becomes_srgb(astronaut):
    lab = ImageCms.applyTransform(
        Image.fromarray(astronaut),
        ImageCms.buildTransform(
            ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
        ),
    )
    photo = read_photo(lab)
    assert np.abs(photo.pixels.astype(int) - astronaut).mean() < 3


@pytest.mark.parametrize("value", [-5, 70000])
def test_32_bit_integers_out_of_range_are_refused(value):
    with pytest.raises(ImageError, match="16 bits") as error:
        read_photo(Image.new("I", (40, 40), value))
    damaged(error)


def test_float_image_is_refused():
    with pytest.raises(ImageError, match="32-bit floats"):
        read_photo(Image.new("F", (40, 40), 0.5))


# Metadata


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


# Files that cannot be read


def test_missing_empty_folder_and_text(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("This is no photo. " * 50)
    (tmp_path / "script.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    for name, words in [
        ("nothing.jpg", "does not exist"),
        ("empty.jpg", "is empty"),
        (".", "is a folder"),
        ("text.jpg", "is not an image"),
        ("script.eps", "is not an image"),
    ]:
        with pytest.raises(ImageError, match=words) as error:
            read_photo(tmp_path / name)
        damaged(error)


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif", ".gif", ".bmp"])
def test_truncated_at_any_place(tmp_path, astronaut, ending):
    buffer = io.BytesIO()
    options = {".webp": {"lossless": True}, ".tif": {"compression": "tiff_lzw"}}.get(ending, {})
    Image.fromarray(astronaut).save(buffer, Image.registered_extensions()[ending], **options)
    whole = buffer.getvalue()
    path = tmp_path / f"a{ending}"
    for share in (0.001, 0.01, 0.1, 0.5, 0.9):
        path.write_bytes(whole[: max(int(share * len(whole)), 1)])
        with pytest.raises(ImageError, match=r"is damaged or cut off|is not an image") as error:
            read_photo(path)
        damaged(error)


def test_flipped_bytes_give_a_photo_or_one_line(tmp_path, astronaut):
    rng = np.random.default_rng(0)
    for ending in (".jpg", ".png", ".tif", ".webp"):
        buffer = io.BytesIO()
        Image.fromarray(astronaut[:64, :64]).save(buffer, Image.registered_extensions()[ending])
        whole = np.frombuffer(buffer.getvalue(), np.uint8)
        for _ in range(40):
            bad = whole.copy()
            bad[rng.integers(0, min(len(bad), 700), 6)] = rng.integers(0, 256, 6)
            (tmp_path / "a").write_bytes(bad.tobytes())
            try:
                assert read_photo(tmp_path / "a").pixels.ndim == 3
            except ImageError as error:
                assert "\n" not in str(error)


def test_gigantic(tmp_path):
    # A header that promises 30000 x 30000 and 11000 x 9000 pixels; below and above the size
    # that Pillow itself refuses.
    for width, height in ((30000, 30000), (11000, 9000)):
        header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
        chunk = b"IHDR" + header
        png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
        png += struct.pack(">I", zlib.crc32(chunk)) + struct.pack(">I", 0) + b"IDAT"
        (tmp_path / "a.png").write_bytes(png + struct.pack(">I", zlib.crc32(b"IDAT")))
        with pytest.raises(ImageError, match="too large") as error:
            read_photo(tmp_path / "a.png")
        damaged(error)


def test_animation_is_refused(tmp_path, astronaut):
    frames = [Image.fromarray(astronaut), Image.fromarray(255 - astronaut)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(ImageError, match="2 frames"):
        read_photo(tmp_path / "a.gif")


def test_first_picture_of_an_mpo_is_read(tmp_path, astronaut):
    frames = [Image.fromarray(astronaut), Image.fromarray(255 - astronaut)]
    frames[0].save(tmp_path / "a.mpo", save_all=True, append_images=frames[1:], quality=95)
    photo = read_photo(tmp_path / "a.mpo")
    assert np.abs(photo.pixels.astype(int) - astronaut).mean() < 5


def test_wrong_type():
    with pytest.raises(ImageError, match="a path, a PIL image or a NumPy array"):
        read_photo(3)


# Arrays


@pytest.mark.parametrize("shape", [(40, 50), (40, 50, 1), (40, 50, 2), (40, 50, 3), (40, 50, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_array_there_and_back(shape, dtype):
    array = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    back = read_photo(array).to_array(array)
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 40, 50, 3), np.uint8),
        np.zeros((40, 50, 7), np.uint8),
        np.zeros((0, 50), np.uint8),
        np.zeros((40, 50), np.int64),
        np.full((40, 50), 200.0),
        np.full((40, 50), np.nan),
    ],
)
def test_array_that_is_no_photo(array):
    with pytest.raises(ImageError, match="Received") as error:
        read_photo(array)
    damaged(error)


# Writing


def test_jpeg_is_saved_at_95_without_subsampling(tmp_path, astronaut):
    write_photo(Photo(astronaut), tmp_path / "a.jpg")
    Image.fromarray(astronaut).save(tmp_path / "b.jpg", quality=95, subsampling=0)
    np.testing.assert_array_equal(
        np.asarray(Image.open(tmp_path / "a.jpg")), np.asarray(Image.open(tmp_path / "b.jpg"))
    )
    write_photo(Photo(astronaut), tmp_path / "c.jpg", quality=50)
    assert os.path.getsize(tmp_path / "c.jpg") < os.path.getsize(tmp_path / "a.jpg") / 2


@pytest.mark.parametrize("ending", [".png", ".webp", ".tif", ".tiff"])
def test_lossless(tmp_path, astronaut, ending):
    write_photo(Photo(astronaut), tmp_path / f"a{ending}")
    np.testing.assert_array_equal(Image.open(tmp_path / f"a{ending}"), astronaut)


def test_opaque_alpha_may_become_jpeg_but_transparency_not(tmp_path, astronaut):
    alpha = np.full(astronaut.shape[:2], 255, np.uint8)
    write_photo(Photo(astronaut, alpha), tmp_path / "a.jpg")
    alpha = alpha.copy()
    alpha[0, 0] = 254
    with pytest.raises(ImageError, match="no transparency") as error:
        write_photo(Photo(astronaut, alpha), tmp_path / "b.jpg")
    damaged(error)
    assert not (tmp_path / "b.jpg").exists()


def test_what_cannot_be_written_is_said_first(tmp_path, astronaut):
    (tmp_path / "there.png").write_bytes(b"mine")
    (tmp_path / "folder.png").mkdir()
    for name, quality, words in [
        ("there.png", None, "exists"),
        ("folder.png", None, "not an ordinary file"),
        ("no-folder/a.png", None, "does not exist"),
        ("a.xyz", None, "no ending that is known"),
        ("a", None, "no ending that is known"),
        ("a.png", 80, "JPEG and AVIF only"),
        ("a.jpg", 0, "1 to 100"),
    ]:
        for call in (check_output, lambda *args: write_photo(Photo(astronaut), *args)):
            with pytest.raises(ImageError, match=words) as error:
                call(tmp_path / name, quality)
            damaged(error)
    assert (tmp_path / "there.png").read_bytes() == b"mine"
    write_photo(Photo(astronaut), tmp_path / "there.png", overwrite=True)
    np.testing.assert_array_equal(Image.open(tmp_path / "there.png"), astronaut)


def test_too_long_for_the_format(tmp_path):
    photo = Photo(np.zeros((1, 17000, 1), np.uint8), name="strip")
    with pytest.raises(ImageError, match="cannot be saved as WEBP") as error:
        write_photo(photo, tmp_path / "a.webp")
    damaged(error)
    assert list(tmp_path.iterdir()) == []


def test_new_file_has_ordinary_permissions(tmp_path, astronaut):
    mask = os.umask(0o022)
    try:
        write_photo(Photo(astronaut), tmp_path / "a.png")
    finally:
        os.umask(mask)
    assert (tmp_path / "a.png").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("moment", ["write", "fsync", "replace"])
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_failure_while_writing_leaves_all_as_it_was(
    tmp_path, monkeypatch, astronaut, moment, failure
):
    target = tmp_path / "a.png"
    target.write_bytes(b"older")

    def fail(*args):
        raise failure

    if moment == "write":
        real_open = type(target).open

        def half(self, *args, **kwargs):
            file = real_open(self, *args, **kwargs)

            class Full:
                def __enter__(self):
                    return self

                def __exit__(self, *args):
                    file.close()

                def write(self, content):
                    file.write(content[: len(content) // 2])
                    fail()

            return Full()

        monkeypatch.setattr(type(target), "open", half)
    else:
        monkeypatch.setattr(os, moment, fail)
    expected = ImageError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as error:
        write_photo(Photo(astronaut), target, overwrite=True)
    if expected is ImageError:
        assert "No space left" in damaged(error)
    monkeypatch.undo()
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    assert target.read_bytes() == b"older"


def test_source_is_a_link_to_itself(tmp_path, astronaut):
    source = tmp_path / "a.png"
    write_photo(Photo(astronaut), source)
    (tmp_path / "link.png").symlink_to(source)
    with pytest.raises(ImageError, match="exists"):
        write_photo(dataclasses.replace(read_photo(source)), tmp_path / "link.png")


def test_gray_photo_from_skimage_reads_like_pillow(tmp_path):
    gray = (color.rgb2gray(data.coffee()) * 255).astype(np.uint8)
    np.testing.assert_array_equal(read_photo(gray).pixels[..., 0], gray)
