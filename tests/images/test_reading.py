import dataclasses
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms
from skimage import color, data

from tfwm.images import (
    ImageError,
    Photo,
    read_photo,
    told_losses,
    write_photo,
)
from tfwm.images.deep import is_deep

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


def test_colors_below_full_transparency_are_kept(tmp_path, astronaut):
    photo = Photo(astronaut, np.zeros(astronaut.shape[:2], np.uint8))
    for ending in (".png", ".webp", ".tif"):
        back = read_photo(write_photo(photo, tmp_path / f"clear{ending}"))
        np.testing.assert_array_equal(back.pixels, astronaut)


def test_transparent_color_of_a_png_becomes_alpha(tmp_path):
    image = Image.new("RGB", (40, 40), (9, 8, 7))
    image.paste((1, 2, 3), (0, 0, 20, 40))
    image.save(tmp_path / "a.png", transparency=(1, 2, 3))
    photo = read_photo(tmp_path / "a.png")
    assert photo.alpha[0, 0] == 0 and photo.alpha[0, 30] == 255


def test_palette_becomes_color(tmp_path, astronaut):
    image = Image.fromarray(astronaut).quantize(64)
    image.save(tmp_path / "a.gif")
    photo = read_photo(tmp_path / "a.gif")
    np.testing.assert_array_equal(photo.pixels, np.asarray(image.convert("RGB")))
    assert photo.alpha is None and "palette" in photo.notes[0]
    image.save(tmp_path / "b.png", transparency=3)
    photo = read_photo(tmp_path / "b.png")
    np.testing.assert_array_equal(photo.alpha == 0, np.asarray(image) == 3)


def test_16_bit_gray_stays_16_bit(tmp_path, one_line):
    pixels = (np.arange(64 * 96, dtype=np.uint16) * 10).reshape(64, 96)
    for ending in (".png", ".tif"):
        source, target = tmp_path / f"a{ending}", tmp_path / f"b{ending}"
        Image.fromarray(pixels).save(source)
        photo = read_photo(source)
        assert photo.pixels.dtype == np.uint16
        write_photo(photo, target)
        np.testing.assert_array_equal(read_photo(target).pixels[..., 0], pixels)
    write_photo(photo, tmp_path / "a.jpg")
    assert read_photo(tmp_path / "a.jpg").pixels.dtype == np.uint8
    assert "16 bits were rounded" in told_losses(photo, "a.jpg")[0]
    with pytest.raises(ImageError, match="floats") as error:
        write_photo(read_photo(np.zeros((40, 50))), tmp_path / "b.jpg")
    one_line(error)


def png_16_bit_color(height, width):
    def chunk(name, body):
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    row = b"\0" + struct.pack(">HHH", 65535, 32896, 257) * width
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(row * height)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*c) for c in chunks)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_16_bit_color_is_read_upright(tmp_path, orientation):
    tifffile = pytest.importorskip("tifffile")
    samples = np.random.default_rng(0).integers(0, 65536, (40, 50, 3), np.uint16)
    for name, order in (("little", "<"), ("big", ">")):
        tifffile.imwrite(
            tmp_path / f"{name}.tif",
            samples,
            photometric="rgb",
            byteorder=order,
            compression="zlib" if orientation % 2 else None,
            rowsperstrip=16,
            extratags=[(274, 3, 1, orientation, True)],
        )
    eight = Image.fromarray(np.uint8(samples >> 8))
    eight.save(tmp_path / "eight.tif", tiffinfo={274: orientation})
    expected = read_photo(tmp_path / "eight.tif").pixels
    for name in ("little", "big"):
        photo = read_photo(tmp_path / f"{name}.tif")
        assert photo.pixels.dtype == np.uint16 and not photo.notes
        np.testing.assert_array_equal(photo.pixels >> 8, expected)
        assert sorted(photo.pixels.ravel()) == sorted(samples.ravel())
        write_photo(photo, tmp_path / f"{name}.png")
        np.testing.assert_array_equal(read_photo(tmp_path / f"{name}.png").pixels, photo.pixels)


def test_16_bit_color_png(tmp_path):
    (tmp_path / "a.png").write_bytes(png_16_bit_color(40, 50))
    photo = read_photo(tmp_path / "a.png")
    assert (photo.pixels == [65535, 32896, 257]).all() and not photo.notes


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
def test_32_bit_integers_out_of_range_are_refused(value, one_line):
    with pytest.raises(ImageError, match="16 bits") as error:
        read_photo(Image.new("I", (40, 40), value))
    one_line(error)


def test_float_image_is_refused():
    with pytest.raises(ImageError, match="32-bit floats"):
        read_photo(Image.new("F", (40, 40), 0.5))


# Files that cannot be read


def test_missing_empty_folder_and_text(tmp_path, one_line):
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
        one_line(error)


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif", ".gif", ".bmp"])
def test_truncated_at_any_place(tmp_path, astronaut, ending, one_line):
    buffer = io.BytesIO()
    options = {".webp": {"lossless": True}, ".tif": {"compression": "tiff_lzw"}}.get(ending, {})
    Image.fromarray(astronaut).save(buffer, Image.registered_extensions()[ending], **options)
    whole = buffer.getvalue()
    path = tmp_path / f"a{ending}"
    for share in (0.001, 0.01, 0.1, 0.5, 0.9):
        path.write_bytes(whole[: max(int(share * len(whole)), 1)])
        with pytest.raises(ImageError, match=r"is damaged or cut off|is not an image") as error:
            read_photo(path)
        one_line(error)


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


def test_gigantic(tmp_path, one_line):
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
        one_line(error)


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
    with pytest.raises(ImageError, match="a path, bytes, a binary file object, a PIL image"):
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
def test_array_that_is_no_photo(array, one_line):
    with pytest.raises(ImageError, match="Received") as error:
        read_photo(array)
    one_line(error)


def test_source_is_a_link_to_itself(tmp_path, astronaut):
    source = tmp_path / "a.png"
    write_photo(Photo(astronaut), source)
    (tmp_path / "link.png").symlink_to(source)
    with pytest.raises(ImageError, match="exists"):
        write_photo(dataclasses.replace(read_photo(source)), tmp_path / "link.png")


def test_gray_photo_from_skimage_reads_like_pillow(tmp_path):
    gray = (color.rgb2gray(data.coffee()) * 255).astype(np.uint8)
    np.testing.assert_array_equal(read_photo(gray).pixels[..., 0], gray)


@pytest.mark.parametrize("levels, deep", [(255, False), (65535, True)])
def test_ppm_of_more_than_8_bits_is_told(levels, deep):
    kind = ">u2" if deep else "u1"
    samples = np.full((48, 64, 3), levels // 3).astype(kind).tobytes()
    photo = read_photo(b"P6\n64 48\n%d\n" % levels + samples)
    assert photo.pixels.dtype == np.uint8 and abs(int(photo.pixels[0, 0, 0]) - 85) <= 1
    assert photo.notes == ["16-bit color was read as 8-bit"] * deep


@pytest.mark.parametrize("kind, deep", [(np.uint8, False), (np.uint16, True)])
def test_depth_of_jpeg_2000(kind, deep):
    buffer = io.BytesIO()
    Image.fromarray(np.full((48, 64), 200, kind)).save(buffer, "JPEG2000")
    with Image.open(buffer) as image:
        assert is_deep(image) == deep
    assert read_photo(buffer.getvalue()).pixels.dtype == kind
