import io
import tracemalloc

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm import watermarker as module
from tfwm.export.base import Network
from tfwm.images import ImageError, Photo, luminance, read_photo, write_photo
from tfwm.watermarker import Watermarker

CHECKS = (np.indices((8, 8)) // 2).sum(axis=0) % 2 * 2 - 1


class CheckerNetwork(Network):
    """A block network without training: each bit is the sign of a 2x2 checkerboard."""

    def __init__(self):
        super().__init__("checker")
        self.largest = 0

    def _embed(self, image, message, strength):
        self.largest = max(self.largest, image.size)
        grid = (2 * message[0, ..., 0] - 1) * strength * 8 / 255
        return (image + np.kron(grid, CHECKS)[None, ..., None]).clip(0, 1)

    def _extract(self, image):
        _, height, width, _ = image.shape
        blocks = image.reshape(height // 8, 8, width // 8, 8)
        return (np.einsum("iajb,ab->ij", blocks, CHECKS) * 8)[None, ..., None].astype(np.float32)


@pytest.fixture(scope="module")
def watermarker():
    return Watermarker(CheckerNetwork())


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


def test_border_stays_as_it_is(watermarker, astronaut):
    marked = watermarker.embed(astronaut, MESSAGE)
    changed = (marked != astronaut).any(axis=-1)
    assert astronaut.shape[:2] == (301, 361)
    assert not changed[288:].any() and not changed[:, 352:].any()
    assert changed[:288, :352].mean() > 0.9


def test_only_luminance_is_marked(watermarker, astronaut):
    pixels = astronaut // 2 + 60
    marked = watermarker.embed(pixels, MESSAGE).astype(int)
    difference = marked - pixels
    assert (difference == difference[..., :1]).all() and np.abs(difference).max() <= 8


def test_odd_sizes_down_to_one_patch(watermarker):
    rng = np.random.default_rng(0)
    for height, width in [(32, 32), (33, 63), (95, 32), (64, 1000), (511, 257)]:
        cover = np.resize(data.coffee(), (height, width, 3))
        bits = rng.integers(0, 2, 4)
        marked = watermarker.embed(cover, bits=bits, strength=3)
        np.testing.assert_array_equal(watermarker.extract(marked, 4).bits, bits)


@pytest.mark.parametrize("size", [(1, 1), (31, 400), (400, 31)])
def test_too_small(watermarker, size):
    for call in (
        lambda image: watermarker.embed(image, bits="01"),
        lambda image: watermarker.extract(image),
        lambda image: watermarker.capacity(image),
    ):
        with pytest.raises(ImageError, match=f"{size[0]} x {size[1]} pixels.*at least 32 x 32"):
            call(Image.new("RGB", size))


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


# Messages and bits


def test_result_of_a_message(watermarker, astronaut):
    result = watermarker.extract(watermarker.embed(astronaut, "Grüße"))
    assert result.message == "Grüße" and result.checksum_ok is True
    assert len(result.bits) == len(result.bit_confidence) == 8 * (7 + 4)
    assert result.copies == 36 * 44 // 88
    assert result.confidence == pytest.approx(result.bit_confidence.mean())
    values = result.to_dict()
    assert values["message"] == "Grüße" and set(values["bits"]) == {"0", "1"}


def test_result_of_an_unmarked_photo(watermarker, astronaut):
    result = watermarker.extract(astronaut)
    assert result.message is None and result.checksum_ok is False and result.confidence is None
    assert result.to_dict()["bit_confidence"] is None
    bits = watermarker.extract(astronaut, 50)
    assert len(bits.bits) == 50 and bits.checksum_ok is None


def test_confidence_falls_with_damage(watermarker, astronaut):
    marked = watermarker.embed(astronaut, bits="0110" * 8)
    noisy = marked + np.random.default_rng(0).normal(0, 40, marked.shape)
    noisy = noisy.clip(0, 255).astype(np.uint8)
    clean, damaged = watermarker.extract(marked, 32), watermarker.extract(noisy, 32)
    assert damaged.confidence < clean.confidence
    wrong = damaged.bits != clean.bits
    assert wrong.mean() < 0.5


def test_strength_scales_the_change(watermarker, astronaut):
    pixels = astronaut // 2 + 60
    changes = [
        np.abs(watermarker.embed(pixels, MESSAGE, strength=s).astype(float) - pixels).mean()
        for s in (0.5, 1.0)
    ]
    assert changes[1] == pytest.approx(2 * changes[0], rel=0.01)


def test_capacity_is_what_fits(watermarker, astronaut):
    room = watermarker.capacity(astronaut)
    assert room == 36 * 44 // 4 // 8 - 4
    assert watermarker.extract(watermarker.embed(astronaut, "x" * room)).message == "x" * room
    with pytest.raises(ImageError, match=f"takes {room + 1} bytes, {room} fit") as error:
        watermarker.embed(astronaut, "x" * (room + 1))
    assert "\n" not in str(error.value)
    with pytest.raises(ImageError, match="takes 1 bytes, 0 fit"):
        watermarker.embed(np.zeros((64, 64), np.uint8), "x")
    assert watermarker.capacity(np.zeros((4096, 4096), np.uint8)) == 255


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"message": "a", "bits": "01"},
        {"message": ""},
        {"bits": ""},
        {"bits": "012"},
        {"bits": [0, 1, 0.5]},
        {"bits": "0" * (36 * 44 + 1)},
        {"message": "a", "strength": 0},
        {"message": "a", "strength": float("nan")},
        {"message": "a", "strength": "strong"},
    ],
)
def test_what_cannot_be_embedded(watermarker, astronaut, arguments):
    with pytest.raises(ValueError, match="Expected") as error:
        watermarker.embed(astronaut, **arguments)
    assert "\n" not in str(error.value) and len(str(error.value)) < 250


@pytest.mark.parametrize("length", [0, -1, 36 * 44 + 1])
def test_bits_length_must_fit(watermarker, astronaut, length):
    with pytest.raises(ImageError, match="1 to 1584 bits"):
        watermarker.extract(astronaut, length)


# Large photos


def test_bands_change_nothing(astronaut, monkeypatch):
    whole = Watermarker(CheckerNetwork())
    expected = whole.embed(astronaut, MESSAGE)
    monkeypatch.setattr(module, "BAND_PIXELS", 352 * 64)
    banded = Watermarker(CheckerNetwork())
    np.testing.assert_array_equal(banded.embed(astronaut, MESSAGE), expected)
    assert whole.network.largest == 288 * 352 and banded.network.largest == 64 * 352
    assert banded.extract(expected).message == MESSAGE
    np.testing.assert_array_equal(
        banded.extract(expected).bit_confidence, whole.extract(expected).bit_confidence
    )


def test_memory_is_bounded_by_the_photo():
    cover = np.resize(data.coffee(), (4000, 6000, 3))
    watermarker = Watermarker(CheckerNetwork())
    tracemalloc.start()
    marked = watermarker.embed(cover, MESSAGE)
    embed_peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    start = tracemalloc.get_traced_memory()[0]
    assert watermarker.extract(marked).message == MESSAGE
    extract_peak = tracemalloc.get_traced_memory()[1] - start
    tracemalloc.stop()
    assert embed_peak < cover.nbytes + 120e6  # the marked copy and one band in floats
    assert extract_peak < 120e6
    assert watermarker.network.largest <= module.BAND_PIXELS


# A network that was trained


@pytest.fixture(scope="module")
def official(shared, tmp_path_factory):
    from tfwm.export import convert_redmark

    folder = tmp_path_factory.mktemp("official") / "mt"
    convert_redmark(shared / "anchors/redmark/MT-Net.h5", folder)
    return module.load(folder)


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
        assert official.extract(path).checksum_ok is False


def test_trained_mark_survives_resaving_by_others(official, shared):
    path = sorted((shared / "data/bsds500/test").glob("*.jpg"))[5]
    marked = official.embed(path, "id 4711")
    buffer = io.BytesIO()
    marked.save(buffer, "JPEG", quality=75)  # 4:2:0, as most programs save
    assert official.extract(Image.open(buffer)).message == "id 4711"
