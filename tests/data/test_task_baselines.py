import numpy as np
import pytest
from PIL import Image

from tfwm.data.tasks.baselines import baseline_rows, gain_share, plain_ways


@pytest.fixture
def color(photo):
    image = np.repeat(photo, 3, -1) if photo.shape[-1] == 1 else photo
    return image[:, :64, :64].astype("float32")


def test_a_tinted_photo_is_one_tint_exactly(color):
    gray = color.mean(-1, keepdims=True)
    tinted = np.concatenate([0.5 * gray + 0.1, 0.8 * gray, gray], -1)
    rows = {row["way"]: row for row in baseline_rows(gray, tinted, (gray, tinted))}
    assert list(rows) == ["gray", "one tint"]
    assert rows["one tint"]["psnr"] > 50 > rows["gray"]["psnr"]
    # On other photos it stays what it was fitted to.
    tint = plain_ways(gray, tinted, (gray, tinted))["one tint"]
    np.testing.assert_allclose(
        tint(np.full((1, 8, 8, 1), 0.5))[0, 0, 0], [0.35, 0.4, 0.5], atol=1e-4
    )


def test_enlarging_is_pillows(color):
    small = color[:, ::4, ::4]
    pixels = np.uint8(np.round(small[0] * 255))
    expected = np.asarray(Image.fromarray(pixels).resize((64, 64), Image.BICUBIC))
    large = plain_ways(small, color)["bicubic"](small)
    np.testing.assert_array_equal(np.uint8(np.round(large[0] * 255)), expected)
    (row,) = baseline_rows(small, color)
    assert row["way"] == "bicubic" and row["images"] == len(color)


def test_what_is_given_already(color):
    (row,) = baseline_rows(color, color)
    assert row["way"] == "input" and row["psnr"] >= 99


def test_a_share_of_nothing_is_no_share():
    assert gain_share(23.0, 23.5, 22.5) == 0.5
    assert gain_share(22.0, 23.5, 22.5) < 0
    assert gain_share(22.4, 22.5, 22.5) is None


def test_a_tint_of_millions_of_pixels():
    # More than float32 can count.
    gray = np.random.default_rng(0).random((4, 1000, 1000, 1), dtype=np.float32)
    tint = plain_ways(gray, np.repeat(gray, 3, -1), (gray, np.float32(0.5) * gray))["one tint"]
    assert tint(np.full((1, 1, 1, 1), 0.8)).item() == pytest.approx(0.4, abs=1e-4)


def test_color_inputs_of_gray_outputs():
    color = np.random.default_rng(0).random((2, 16, 16, 3), "float32")
    gray = color @ np.float32([0.299, 0.587, 0.114])[:, None]
    ways = plain_ways(color, 0.5 * gray, (color, 0.5 * gray))
    assert list(ways) == ["gray", "one tint"]
    np.testing.assert_allclose(ways["gray"](color), gray, atol=1e-6)
    np.testing.assert_allclose(ways["one tint"](color), 0.5 * gray, atol=1e-5)
    assert baseline_rows(color, gray)[0]["psnr"] > 40
