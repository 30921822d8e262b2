"""Animations from and to disk."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm.images import (
    Animation,
    DamagedError,
    ImageError,
    Photo,
    count_pixels,
    decode_any,
    encode_photo,
    psnr,
    read_any,
    read_photo,
    write_photo,
)
from tfwm.images import reading as reading_module
from tfwm.images.containers import PNG_START, png_chunk

DURATIONS = [100, 40, 250, 70]
FORMATS = {"GIF": ".gif", "WEBP": ".webp", "PNG": ".png"}


@pytest.fixture(scope="module")
def frames():
    cat = data.chelsea()
    return [Image.fromarray(cat[i : i + 120, 3 * i : 3 * i + 160]) for i in (0, 20, 40, 60)]


def animated(frames, name, **options):
    buffer = io.BytesIO()
    options = {"lossless": True, **options} if name == "WEBP" else options
    save = {"save_all": True, "append_images": frames[1:], "duration": DURATIONS, **options}
    frames[0].save(buffer, name, **save)
    return buffer.getvalue()


def timing(encoded):
    image = Image.open(io.BytesIO(encoded))
    durations = []
    for number in range(image.n_frames):
        image.seek(number)
        image.load()
        durations.append(image.info["duration"])
    return durations, image.info.get("loop")


@pytest.mark.parametrize("name", FORMATS)
def test_frames_there_and_back(frames, name):
    encoded = animated(frames, name, loop=0)
    animation = read_any(encoded)
    assert isinstance(animation, Animation) and animation.file_format == name
    assert animation.durations == DURATIONS and animation.plays == 0
    for frame, image in zip(animation.frames, frames, strict=True):
        quality = psnr(frame.pixels, np.asarray(image))
        assert quality > (30 if name == "GIF" else 90), quality
    for target, ending in FORMATS.items():
        back = decode_any(encode_photo(animation, f"a{ending}"))
        assert (back.file_format, back.durations, back.plays) == (target, DURATIONS, 0)
        for frame, other in zip(back.frames, animation.frames, strict=True):
            quality = psnr(frame.pixels, other.pixels)
            assert quality > (33 if target == "GIF" else 90), quality


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("loop", [None, 0, 1, 3])
def test_loops_mean_the_same_in_all_formats(frames, name, loop):
    """A GIF counts how often it is repeated, the others how often it is played."""
    plays = {"GIF": {None: 1, 0: 0, 1: 2, 3: 4}}.get(name, {None: 0, 0: 0, 1: 1, 3: 3})[loop]
    encoded = animated(frames, name, **({} if loop is None else {"loop": loop}))
    animation = read_any(encoded)
    assert animation.plays == plays
    assert timing(encode_photo(animation, f"a{FORMATS[name]}")) == timing(encoded)
    for ending in FORMATS.values():
        assert decode_any(encode_photo(animation, f"a{ending}")).plays == plays


def test_transparency(frames):
    clear = []
    for number, frame in enumerate(frames):
        alpha = np.full((120, 160), 255, np.uint8)
        alpha[:, : 20 * number] = 0
        clear.append(frame.convert("RGBA"))
        clear[-1].putalpha(Image.fromarray(alpha))
    for name in ("WEBP", "PNG"):
        options = {"exact": True} if name == "WEBP" else {"blend": 0}
        animation = read_any(animated(clear, name, loop=0, **options))
        for ending in FORMATS.values():
            back = decode_any(encode_photo(animation, f"a{ending}"))
            for frame, image in zip(back.frames, clear, strict=True):
                alpha = 255 if frame.alpha is None else frame.alpha
                np.testing.assert_array_equal(
                    np.broadcast_to(alpha, (120, 160)), np.asarray(image)[..., 3]
                )
    half = Photo(np.asarray(frames[0]), np.full((120, 160), 99, np.uint8), name="half")
    with pytest.raises(ImageError, match="GIF holds no half-transparent pixels, half has some"):
        encode_photo(half, "a.gif")


def test_one_frame_is_a_photo(tmp_path, frames):
    frames[0].save(tmp_path / "a.gif")
    photo = read_any(tmp_path / "a.gif")
    assert isinstance(photo, Photo)
    back = read_photo(write_photo(photo, tmp_path / "b.gif"))
    assert psnr(photo.pixels, back.pixels) > 35
    assert read_any(photo) is photo


def test_still_picture_before_an_animation(frames):
    """APNG: a program that shows no animations shows the first picture, which is none of them."""
    encoded = animated(
        [frames[3], *frames[:3]], "PNG", default_image=True, duration=DURATIONS[:3], loop=0
    )
    animation = read_any(encoded)
    assert animation.still_first and len(animation.frames) == 4
    back = encode_photo(animation, "a.png")
    assert Image.open(io.BytesIO(back)).info["default_image"]
    assert decode_any(back).durations[1:] == DURATIONS[:3]
    assert len(decode_any(encode_photo(animation, "a.webp")).frames) == 3


def test_metadata_of_animations(frames):
    exif = Image.Exif()
    exif[0x8298] = "(c) Ada Lovelace"
    encoded = animated(frames, "WEBP", exif=exif.tobytes(), xmp=b"<x:xmpmeta/>")
    for ending in (".webp", ".png"):
        metadata = decode_any(encode_photo(read_any(encoded), f"a{ending}")).metadata
        found = Image.Exif()
        found.load(metadata["exif"])
        assert found[0x8298] == "(c) Ada Lovelace" and metadata["xmp"] == b"<x:xmpmeta/>"


def test_what_cannot_be_read_or_written(frames, monkeypatch, one_line):
    animation = read_any(animated(frames, "GIF"))
    for ending in (".jpg", ".tif"):
        with pytest.raises(ImageError, match="4 frames, .* holds one: save as .webp") as error:
            encode_photo(animation, f"a{ending}")
        one_line(error)
    with pytest.raises(ImageError, match="4 frames or pages: expected a single photo"):
        read_photo(animated(frames, "GIF"))
    with pytest.raises(ImageError, match="4 frames or pages"):
        read_any(animated([frame.copy() for frame in frames], "TIFF"))
    assert count_pixels(animated(frames, "GIF")) == 4 * 120 * 160
    monkeypatch.setattr(reading_module, "MAX_PIXELS", 3 * 120 * 160)
    with pytest.raises(ImageError, match="too large: 4 frames of 160 x 120") as error:
        read_any(animated(frames, "GIF"))
    one_line(error)


@pytest.mark.parametrize("name", [*FORMATS, "AVIF"])
def test_cut_animations_are_one_line_or_what_is_there(frames, name):
    whole = animated(frames, name)
    for share in (0.2, 0.5, 0.9, 0.99):
        cut = whole[: int(share * len(whole))]
        with pytest.raises(ImageError, match=r"damaged or cut off|is not an image"):
            read_any(cut)
        try:
            found = read_any(cut, damaged=True)
        except DamagedError as error:
            assert "nothing of it can be read" in str(error)
            continue
        assert 0 < found.rows_read < 1 or "only the first frame" in found.notes[0]
        if name == "GIF" and share > 0.5:
            assert isinstance(found, Animation) and "its first frames were read" in found.notes[0]


@pytest.mark.parametrize("colors", [1, 3])
def test_sixteen_bits_become_eight_and_are_told(colors, tmp_path):
    levels = np.linspace(0, 65535, 2 * 32 * 48 * colors).astype(">u2").reshape(2, 32, -1)
    path = tmp_path / "deep.png"
    path.write_bytes(_deep_animation(levels, colors))
    animation = read_any(path)
    assert animation.notes == ["16-bit color was read as 8-bit"]
    assert [frame.pixels.dtype for frame in animation.frames] == [np.uint8] * 2
    seen = np.stack([frame.pixels.reshape(32, -1) for frame in animation.frames])
    assert np.abs(seen - levels / 257).max() <= 1  # Pillow takes the upper byte of colors
    assert len(decode_any(encode_photo(animation, "a.webp")).frames) == 2


def _deep_animation(frames, colors):
    """The bytes of an APNG of two frames of 48 x 32 pixels with 16 bits."""

    def rows(frame):
        return zlib.compress(b"".join(b"\0" + row.tobytes() for row in frame))

    def control(number):
        return png_chunk(b"fcTL", struct.pack(">5I2H2B", number, 48, 32, 0, 0, 1, 10, 0, 0))

    head = struct.pack(">2I5B", 48, 32, 16, {1: 0, 3: 2}[colors], 0, 0, 0)
    chunks = [png_chunk(b"IHDR", head), png_chunk(b"acTL", struct.pack(">2I", 2, 0))]
    chunks += [control(0), png_chunk(b"IDAT", rows(frames[0])), control(1)]
    chunks += [png_chunk(b"fdAT", struct.pack(">I", 2) + rows(frames[1])), png_chunk(b"IEND", b"")]
    return PNG_START + b"".join(chunks)
