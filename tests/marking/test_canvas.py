import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm.images import Photo, luminance
from tfwm.marking import WORKING_PIXELS, Canvas, natural_scale
from tfwm.marking import canvas as module
from tfwm.marking.canvas import add_residual


@pytest.mark.parametrize("size", [(64, 64), (512, 768), (321, 481)])
def test_small_photos_are_marked_at_their_size(size):
    assert natural_scale(*size) == 1.0


@pytest.mark.parametrize("size", [(1080, 1920), (6000, 4000), (100, 60000)])
def test_large_photos_are_marked_at_one_size(size):
    scale = natural_scale(*size)
    assert size[0] * size[1] * scale**2 == pytest.approx(WORKING_PIXELS)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_luminance_at_its_own_size(dtype, channels):
    scale = {np.uint8: 1, np.uint16: 257, np.float32: 1 / 255}[dtype]
    pixels = (data.astronaut()[:70, :90, :channels] * np.float64(scale)).astype(dtype)
    plane = Canvas(Photo(pixels)).scaled(1.0)[..., 0]
    # Pillow rounds the luminance of 8 bits.
    np.testing.assert_allclose(plane, luminance(pixels), atol=0.6 / 255)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_colors_at_their_own_size(dtype):
    top = 1 if dtype is np.float32 else np.iinfo(dtype).max
    pixels = (data.astronaut()[:70, :90] * (top / 255)).astype(dtype)
    planes = Canvas(Photo(pixels), 3).scaled(1.0)
    np.testing.assert_allclose(planes, pixels / np.float32(top), atol=1e-6)
    gray = Canvas(Photo(pixels[..., :1]), 3).scaled(1.0)
    np.testing.assert_array_equal(gray, np.repeat(planes[..., :1], 3, axis=-1))


def test_each_color_is_scaled_like_luminance():
    pixels = data.astronaut()
    planes = Canvas(Photo(pixels), 3).scaled(0.37, window=101)
    assert planes.shape == (101, 101, 3)
    for channel in range(3):
        single = Canvas(Photo(pixels[..., channel : channel + 1])).scaled(0.37, window=101)
        np.testing.assert_array_equal(planes[..., channel], single[..., 0])


def test_scaled_pixels_cover_whole_areas():
    """A ramp stays a ramp: pixel centers lie where they should."""
    ramp = np.broadcast_to(np.linspace(0.1, 0.9, 1000, dtype=np.float32), (800, 1000))
    scale = 0.37
    plane = Canvas(Photo(ramp[..., None].copy())).scaled(scale)[..., 0]
    assert plane.shape == (296, 370)
    centers = (np.arange(370) + 0.5) / scale - 0.5
    expected = 0.1 + 0.8 * centers / 999
    np.testing.assert_allclose(plane[100, 5:-5], expected[5:-5], atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_residual_comes_back_at_its_place(channels):
    pixels = np.full((900, 1300, 3), 120, np.uint8)
    scale = natural_scale(900, 1300)
    before = Canvas(Photo(pixels), channels).scaled(scale)
    rng = np.random.default_rng(0)
    size = before.shape[1::-1]
    small = rng.normal(0, 8 / 255, (channels, 30, 40)).astype(np.float32)
    residual = np.dstack([Image.fromarray(x).resize(size, Image.BICUBIC) for x in small])
    marked = add_residual(pixels, residual, scale)
    after = Canvas(Photo(marked), channels).scaled(scale)
    change = after - before
    assert np.corrcoef(change.ravel(), residual.ravel())[0, 1] > 0.99
    assert change.std() == pytest.approx(residual.std(), rel=0.05)


@pytest.mark.parametrize("channels", [1, 3])
def test_bands_change_nothing(monkeypatch, channels):
    pixels = data.coffee()
    residual = np.random.default_rng(0).normal(0, 0.02, (200, 300, channels)).astype(np.float32)
    whole = add_residual(pixels, residual, 0.5)
    monkeypatch.setattr(module, "BAND_PIXELS", 600 * 37)
    banded = add_residual(pixels, residual, 0.5)
    assert (whole != pixels).mean() > 0.5
    assert np.abs(whole.astype(int) - banded).max() <= 1
    assert (whole == banded).mean() > 0.999


def test_what_the_residual_does_not_cover_stays():
    pixels = data.coffee()
    residual = np.full((392, 592, 1), 3 / 255, np.float32)
    marked = add_residual(pixels, residual, 1.0)
    changed = (marked != pixels).any(axis=-1)
    assert not changed[392:].any() and not changed[:, 592:].any()
    assert changed[:392, :592].mean() > 0.9
