import numpy as np
import pytest
from PIL import Image

from tfwm.images import (
    add_colors,
    add_luminance,
    luminance,
)


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


@pytest.mark.parametrize("color", [(250, 20, 20), (255, 128, 0), (0, 90, 255), (3, 250, 4)])
@pytest.mark.parametrize("levels", [-4, 4])
def test_saturated_colors_take_the_change(color, levels):
    pixels = np.full((1, 1, 3), color, np.uint8)
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


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_colors_move_by_themselves(astronaut, dtype):
    top = 1 if dtype is np.float32 else np.iinfo(dtype).max
    pixels = (astronaut * (top / 255)).astype(dtype)
    change = np.random.default_rng(0).integers(-20, 21, pixels.shape) / 255
    marked = add_colors(pixels, change)
    expected = np.clip(pixels / top + change, 0, 1)
    assert marked.dtype == dtype
    np.testing.assert_allclose(marked / top, expected, atol=0.51 / 255 if top == 255 else 1e-5)


def test_gray_takes_the_luminance_of_colors():
    change = np.array([[[10, 20, -30]]]) / 255
    pixels = np.full((1, 1, 1), 100, np.uint8)
    expected = round(100 + 0.299 * 10 + 0.587 * 20 - 0.114 * 30)
    assert add_colors(pixels, change).tolist() == [[[expected]]]
