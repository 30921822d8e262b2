"""Wrong types and numbers out of range end in one line, wherever they are given."""

import uuid
import warnings

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm import corners, images, keys, networks, payload
from tfwm.checks import need
from tfwm.images import Photo

WRONG = [
    *("", "x", b"", b"x", "\ud800", "a\0b", "x" * 500, None, True, 0, 1, -1, 1e30, 10**400),
    *(float("nan"), float("inf"), 1e-30, [], [1], {}, (), object(), 3 + 4j, range(3), Photo),
    *(np.float32(1), np.int64(3), np.array([1, 2]), np.array(["a"]), uuid.UUID(int=1), lambda: 0),
]
PHOTO = data.chelsea()
CODEC = payload.Codec(1024)
QUAD = [(0, 0), (300, 0), (300, 200), (0, 200)]
FUNCTIONS = {
    "embed photo": lambda w, v: w.embed(v, "hi"),
    "embed message": lambda w, v: w.embed(PHOTO, v),
    "embed key": lambda w, v: w.embed(PHOTO, "hi", key=v),
    "embed strength": lambda w, v: w.embed(PHOTO, "hi", strength=v),
    "embed psnr": lambda w, v: w.embed(PHOTO, "hi", psnr=v),
    "extract photo": lambda w, v: w.extract(v, search="none"),
    "extract key": lambda w, v: w.extract(PHOTO, key=v, search="none"),
    "extract corners": lambda w, v: w.extract(PHOTO, corners=v, search="none"),
    "extract search": lambda w, v: w.extract(PHOTO, search=v) if v not in ("",) else None,
    "extract rate": lambda w, v: w.extract(PHOTO, false_positive_rate=v, search="none"),
    "check message": lambda w, v: w.check(PHOTO, v),
    "check strength": lambda w, v: w.check(PHOTO, "hi", strength=v),
    "file source": lambda w, v: w.embed_file(v, "o.png", "hi", overwrite=True),
    "file margin": lambda w, v: w.embed_file("a.png", "o.png", "hi", overwrite=True, margin=v),
    "file quality": lambda w, v: w.embed_file("a.png", "o.jpg", "hi", overwrite=True, quality=v),
    "file strength": lambda w, v: w.embed_file("a.png", "o.png", "h", overwrite=True, strength=v),
    "codec": lambda w, v: w.codec(v),
    "directory": lambda w, v: networks.network_directory(v) if v != "x" * 500 else None,
    "check card": lambda w, v: networks.check_card(v),
    "read photo": lambda w, v: images.read_photo(v),
    "to photos": lambda w, v: images.to_photos(v),
    "photos' range": lambda w, v: images.to_photos(PHOTO, range=v),
    "photos' channels": lambda w, v: images.to_photos(PHOTO, channels=v),
    "psnr cover": lambda w, v: images.psnr(v, PHOTO),
    "psnr marked": lambda w, v: images.psnr(PHOTO, v),
    "ssim": lambda w, v: images.ssim(PHOTO, v),
    "to_uint8": lambda w, v: images.to_uint8(v),
    "to_float": lambda w, v: images.to_float(v),
    "luminance": lambda w, v: images.luminance(v),
    "amplify": lambda w, v: images.amplify(PHOTO, v),
    "key": lambda w, v: keys.Key(v),
    "derive_key": lambda w, v: keys.derive_key(v),
    "derive_key bits": lambda w, v: keys.derive_key("0123456789abcdef", v),
    "slots": lambda w, v: payload.Codec(v),
    "codec's key": lambda w, v: payload.Codec(1024, v),
    "encode": lambda w, v: CODEC.encode(v),
    "decode": lambda w, v: CODEC.decode(v),
    "kind": lambda w, v: payload.to_bytes("a", v),
    "corners": lambda w, v: corners.rectify(Photo(PHOTO), v),
    "size": lambda w, v: corners.rectify(Photo(PHOTO), QUAD, v),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_one_line(name, checker, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(PHOTO).save("a.png")
    for value in WRONG:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                FUNCTIONS[name](checker, value)
            except (ValueError, TypeError, OSError) as error:
                text = str(error)
                assert 10 < len(text) < 800 and "\n" not in text, (value, text)


@pytest.mark.parametrize(
    "strength", [0, -1, 1e30, 257, 1e308, 10**400, True, "1", None, np.nan, np.inf, [1], 1 + 0j]
)
def test_strength(checker, strength):
    with pytest.raises(ValueError, match="Expected a strength above 0, up to 256"):
        checker.embed(PHOTO, "hi", strength=strength)


@pytest.mark.parametrize("strength", [1, 2.0, np.float32(1.5), np.int16(2), 256])
def test_strengths_of_all_types_of_numbers(checker, strength):
    assert checker.embed(PHOTO, "hi", strength=strength).shape == PHOTO.shape


@pytest.mark.parametrize("rate", [0, 1, "x", None, True, -1, np.nan, 10**400])
def test_false_positive_rate(checker, rate):
    with pytest.raises(ValueError, match="Expected a false-positive rate between 0 and 1"):
        checker.extract(PHOTO, false_positive_rate=rate)


def test_a_mark_that_cannot_be_read_is_told(checker):
    photo = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    with pytest.warns(UserWarning, match="the message does not read back"):
        checker.embed(photo, bytes(range(64)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checker.embed(photo, 7)


def test_a_library_that_does_not_start_is_told_in_one_line(tmp_path, monkeypatch):
    (tmp_path / "unfit.py").write_text("raise RuntimeError('gencode 7.35.1\\nruntime 6.33.6')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        ImportError, match=r"unfit is installed .*pip install 'tfwm\[serve\]'"
    ) as told:
        need("unfit", "serve")
    assert str(told.value).endswith("It says: gencode 7.35.1")
