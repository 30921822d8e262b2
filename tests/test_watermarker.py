import io
import tracemalloc
import uuid

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm import watermarker as module
from tfwm.images import ImageError, Photo, luminance, read_photo, write_photo
from tfwm.marking import WORKING_PIXELS


@pytest.fixture(scope="module")
def astronaut():
    return data.astronaut()[:301, 60:421]


MESSAGE = "(c) Ada Lovelace"


@pytest.mark.parametrize(
    "mode", ["L", "LA", "RGB", "RGBA", "P", "CMYK", "1", "I;16", "RGBX", "YCbCr"]
)
def test_every_mode_of_pillow(watermarker, astronaut, mode):
    image = Image.fromarray(astronaut)
    if mode in ("LA", "RGBA"):
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    image = image.convert(mode) if mode != "I;16" else image
    marked = watermarker.embed(image, MESSAGE)
    assert marked.size == image.size
    kept = mode in ("L", "LA", "RGB", "RGBA", "I;16")
    assert marked.mode == (mode if kept else {"1": "L"}.get(mode, "RGB"))
    if mode != "1":  # dithered, a checkerboard itself
        assert watermarker.extract(marked).message == MESSAGE
    if mode in ("LA", "RGBA"):
        np.testing.assert_array_equal(marked.getchannel("A"), image.getchannel("A"))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4])
def test_every_kind_of_array(watermarker, astronaut, dtype, channels):
    scale = {np.uint8: 1, np.uint16: 257, np.float32: 1 / 255}[dtype]
    array = (np.dstack([astronaut, astronaut[..., :1]]) * np.float64(scale)).astype(dtype)
    array = array[..., 0] if channels is None else array[..., :channels]
    before = array.copy()
    marked = watermarker.embed(array, MESSAGE)
    assert marked.dtype == dtype and marked.shape == array.shape
    np.testing.assert_array_equal(array, before)
    if channels in (2, 4):
        np.testing.assert_array_equal(marked[..., -1], array[..., -1])
    assert watermarker.extract(marked).message == MESSAGE


def test_path_and_photo(watermarker, astronaut, tmp_path):
    Image.fromarray(astronaut).save(tmp_path / "a.png")
    assert isinstance(watermarker.embed(tmp_path / "a.png", MESSAGE), Image.Image)
    photo = watermarker.embed(read_photo(tmp_path / "a.png"), MESSAGE)
    assert isinstance(photo, Photo)
    assert watermarker.extract(str(write_photo(photo, tmp_path / "b.png"))).message == MESSAGE


def test_only_luminance_is_marked(watermarker, astronaut):
    pixels = astronaut // 2 + 60
    marked = watermarker.embed(pixels, MESSAGE).astype(int)
    difference = marked - pixels
    assert (difference == difference[..., :1]).all() and np.abs(difference).max() <= 8


@pytest.mark.parametrize("size", [(128, 160), (95, 300), (301, 257), (1500, 1100)])
def test_odd_and_large_sizes(watermarker, size):
    cover = np.asarray(Image.fromarray(data.coffee()).resize(size[::-1]))
    marked = watermarker.embed(cover, b"ada", strength=2)
    assert marked.shape == cover.shape
    assert watermarker.extract(marked, search="none").message == b"ada"


@pytest.mark.parametrize("size", [(1, 1), (7, 400), (400, 7)])
def test_too_small(watermarker, size):
    with pytest.raises(ImageError, match=f"{size[0]} x {size[1]} pixels.*at least 8 x 8"):
        watermarker.embed(Image.new("RGB", size), "x")
    found = watermarker.extract(Image.new("RGB", size))
    assert found.decision == "absent" and "too small" in found.reason


@pytest.mark.parametrize("quality", [95, 75])
def test_through_jpeg(watermarker, astronaut, tmp_path, quality):
    photo = watermarker.embed(read_photo(astronaut), MESSAGE)
    write_photo(photo, tmp_path / "a.jpg", quality=quality)
    assert watermarker.extract(tmp_path / "a.jpg").message == MESSAGE


def test_turned_photo_is_marked_upright(watermarker, astronaut, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(astronaut).save(tmp_path / "a.png", exif=exif)
    photo = watermarker.embed(read_photo(tmp_path / "a.png"), MESSAGE)
    write_photo(photo, tmp_path / "b.png")
    assert photo.pixels.shape == (361, 301, 3)
    assert watermarker.extract(tmp_path / "b.png").message == MESSAGE


def test_metadata_is_in_the_info_of_the_image(watermarker, astronaut, tmp_path):
    Image.fromarray(astronaut).save(tmp_path / "a.png", icc_profile=b"profile", dpi=(72, 72))
    marked = watermarker.embed(tmp_path / "a.png", MESSAGE)
    assert marked.info["icc_profile"] == b"profile"


# Messages and evidence


@pytest.mark.parametrize(
    "message", ["Grüße", b"\x00\xff", 0, 2**64 - 1, uuid.UUID(int=2**127 + 5), "x" * 40]
)
def test_every_kind_of_message_comes_back(watermarker, astronaut, message):
    found = watermarker.extract(watermarker.embed(astronaut, message, strength=2), search="none")
    assert found.message == message and type(found.message) is type(message)
    assert found.decision == "present" and found.p_value < 1e-6
    assert len(found.bit_confidence) % 8 == 0 and (found.bit_confidence >= 0.5).all()
    assert found.margin > 1


def test_result_as_plain_values(watermarker, astronaut):
    marked = watermarker.embed(astronaut, b"\x01\xab", key="k")
    values = watermarker.extract(marked, key="k").to_dict()
    assert values["message"] == "01ab" and values["kind"] == "bytes"
    assert values["decision"] == "present" and values["corrected_errors"] >= 0
    assert values["alignment"]["scale"] == 1.0 and len(values["bit_confidence"]) == 16


def test_without_the_key_there_is_nothing(watermarker, astronaut):
    marked = watermarker.embed(astronaut, MESSAGE, key="secret")
    for key in (None, "Secret", b"other"):
        found = watermarker.extract(marked, key=key, search="none")
        assert found.decision == "absent" and found.message is None and found.p_value > 1e-3
        assert found.to_dict()["bit_confidence"] is None


def test_false_positive_rate_moves_the_decision(watermarker, astronaut):
    # Of the public key, as other marks that are too faint to be read are not called present.
    marked = watermarker.embed(astronaut, MESSAGE, strength=0.3)
    noise = np.random.default_rng(0).normal(0, 60, marked.shape)
    noisy = (marked + noise).clip(0, 255).astype(np.uint8)
    found = watermarker.extract(noisy, search="none")
    assert 0 < found.p_value < 1
    higher, lower = min(found.p_value * 1.01, 0.99), found.p_value * 0.99
    decisions = [
        watermarker.extract(noisy, search="none", false_positive_rate=rate).decision
        for rate in (higher, lower)
    ]
    assert decisions[0] == "present" and decisions[1] in ("uncertain", "absent")


def test_p_values_of_wrong_keys_are_uniform(watermarker, astronaut):
    from scipy.stats import kstest

    votes = watermarker.read_votes(watermarker.embed(astronaut, MESSAGE, key="k"))
    codecs = [watermarker.codec(f"wrong {n}") for n in range(80)]
    values = [codec.p_value(codec.pilot_score(votes)) for codec in codecs]
    assert kstest(values, "uniform").pvalue > 0.01 and min(values) > 1e-4


def test_strength_scales_the_change(watermarker, astronaut):
    pixels = astronaut // 2 + 60
    changes = [
        np.abs(watermarker.embed(pixels, MESSAGE, strength=s).astype(float) - pixels).mean()
        for s in (0.5, 1.0)
    ]
    assert changes[1] == pytest.approx(2 * changes[0], rel=0.01)


@pytest.mark.parametrize("psnr", [36.0, 42.0])
def test_wanted_psnr(watermarker, psnr):
    cover = np.asarray(Image.fromarray(data.astronaut()).resize((1200, 900)))
    marked = watermarker.embed(cover, MESSAGE, psnr=psnr)
    error = np.mean((marked.astype(float) - cover) ** 2)
    assert psnr <= 10 * np.log10(255**2 / error) < psnr + 0.3


def test_check_says_what_fits(watermarker, astronaut):
    good = watermarker.check(astronaut, MESSAGE, key="k", strength=3)
    assert good.fits and good.margin > 1 and good.p_value < 1e-6
    flat = watermarker.check(np.zeros((300, 300, 3), np.uint8), MESSAGE, key="k", strength=0.01)
    assert not flat.fits and "not one pixel" in flat.reason
    small = watermarker.check(astronaut[:64, :64], "x" * 40, key="k")
    assert not small.fits and "too small" in small.reason
    names = {"fits", "reason", "strength", "psnr", "p_value", "margin", "smooth", "notes"}
    assert set(small.to_dict()) == names


@pytest.mark.parametrize(
    "arguments",
    [
        {"message": ""},
        {"message": -1},
        {"message": 1.5},
        {"message": "x" * 100},
        {"message": "a", "key": ""},
        {"message": "a", "strength": 0},
        {"message": "a", "strength": float("nan")},
        {"message": "a", "strength": "strong"},
        {"message": "a", "psnr": 5},
    ],
)
def test_what_cannot_be_embedded(watermarker, astronaut, arguments):
    with pytest.raises(ValueError) as error:
        watermarker.embed(astronaut, **arguments)
    assert "\n" not in str(error.value) and len(str(error.value)) < 250


@pytest.mark.parametrize("arguments", [{"search": "far"}, {"false_positive_rate": 0}])
def test_what_cannot_be_asked(watermarker, astronaut, arguments):
    with pytest.raises(ValueError, match="Expected"):
        watermarker.extract(astronaut, **arguments)


# Large photos


def test_memory_is_bounded_by_the_photo(watermarker):
    cover = np.resize(data.coffee(), (4000, 6000, 3))
    tracemalloc.start()
    marked = watermarker.embed(cover, MESSAGE)
    embed_peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    start = tracemalloc.get_traced_memory()[0]
    assert watermarker.extract(marked, search="none").decision
    extract_peak = tracemalloc.get_traced_memory()[1] - start
    tracemalloc.stop()
    assert embed_peak < cover.nbytes + 150e6  # the marked copy and bands in floats
    assert extract_peak < 120e6
    assert watermarker.network.largest <= WORKING_PIXELS


# A network that was trained


@pytest.fixture(scope="module")
def official(official_mt):
    return module.load(official_mt)


@pytest.mark.parametrize("ending, quality", [(".png", None), (".jpg", None), (".jpg", 60)])
def test_authors_network_on_real_photos(official, shared, tmp_path, ending, quality):
    text = "(c) 2026 Ada Lovelace"
    for number, path in enumerate(sorted((shared / "data/bsds500/test").glob("*.jpg"))[:40:8]):
        cover = read_photo(path)
        marked = official.embed(cover, text)
        error = luminance(marked.pixels) - luminance(cover.pixels)
        assert 34 < -10 * np.log10(np.mean(error**2)) < 42
        target = write_photo(marked, tmp_path / f"{number}{ending}", quality)
        assert official.extract(target).message == text
        assert official.extract(path, search="none").decision == "absent"


def test_trained_mark_survives_resaving_by_others(official, shared):
    path = sorted((shared / "data/bsds500/test").glob("*.jpg"))[5]
    marked = official.embed(path, "id 4711")
    buffer = io.BytesIO()
    marked.save(buffer, "JPEG", quality=75)  # 4:2:0, as most programs save
    assert official.extract(Image.open(buffer)).message == "id 4711"
