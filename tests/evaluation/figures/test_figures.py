import re
import warnings

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm.evaluation import Protocol, load_suite
from tfwm.evaluation.figures import FIGURES
from tfwm.evaluation.figures.mbrs import footprint, normalized
from tfwm.evaluation.figures.redmark import diffusion_pattern, spectral_energy, zigzag
from tfwm.images.pictures import amplify


@pytest.mark.parametrize("name", [n for n, f in FIGURES.items() if f.takes == "networks"])
def test_each_figure_is_drawn(name, make_network, tmp_path):
    networks = {"my-mt": make_network(), "other": make_network()}
    path = FIGURES[name](networks, [data.camera()[:256, :320]], tmp_path)
    assert path == tmp_path / f"{name}.png"
    picture = np.asarray(Image.open(path).convert("L"))
    assert min(picture.shape) > 400 and picture.std() > 5


@pytest.mark.parametrize("name", ["mbrs-table3", "mbrs-fig4", "mbrs-fig6"])
def test_figures_of_colour_networks(name, make_colour_network, tmp_path):
    networks = {"mbrs-128": make_colour_network(), "tiles": make_colour_network(bits=30)}
    photos = [data.astronaut()[:100], data.astronaut()[:200, :200]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the first is too small
        path = FIGURES[name](networks, photos, tmp_path / "a.png")
    picture = np.asarray(Image.open(path).convert("L"))
    assert min(picture.shape) > 400 and picture.std() > 5
    if name != "mbrs-table3":
        with pytest.raises(ValueError, match="at least 128 x 128"):
            FIGURES[name](networks, photos[:1], tmp_path)


@pytest.mark.parametrize("name", ["stegastamp-fig1", "stegastamp-fig2", "stegastamp-fig3"])
def test_figures_at_one_quality(name, make_network, tmp_path):
    photos = [data.camera()[:128, :128]]
    texts = [
        FIGURES[name]({"a": make_network()}, photos, tmp_path / "a.svg", match).read_text()
        for match in ("psnr=30", "psnr=50")
    ]
    assert texts[0] != texts[1]
    if name == "stegastamp-fig2":
        clear, drowned = (sum(map(float, re.findall(r"mean ([\d.]+) %", text))) for text in texts)
        assert clear > drowned > 0


def test_footprint_of_a_bit(make_colour_network):
    cover = np.full((128, 128, 3), 128, np.uint8)
    one = footprint(Protocol(load_suite("mbrs"), make_colour_network()), cover)
    expected = np.zeros((128, 128, 3))
    expected[64:80, 64:80, 1] = 16 / 255
    np.testing.assert_allclose(one, expected, atol=1e-6)
    spread = footprint(Protocol(load_suite("mbrs"), make_colour_network(bits=30)), cover)
    # Bit 15 lies in the cells 15 and 45 of 64.
    cells = spread[..., 1].reshape(8, 16, 8, 16).mean((1, 3)).ravel()
    np.testing.assert_allclose(cells[[15, 45]], 16 / 255, atol=1e-6)
    assert (cells > 1e-6).sum() == 2


def test_normalized():
    assert normalized(np.array([[2.0, 3.0, 6.0]])).tolist() == [[0, 64, 255]]
    assert normalized(np.full((2, 2), 3.0)).max() == 0


def test_output_may_be_a_file(network, tmp_path):
    path = FIGURES["redmark-fig10"]([network], None, tmp_path / "deep" / "a.svg")
    assert path.read_text().startswith("<?xml")


def test_diffusion_pattern_is_the_bit_s_own_change(network):
    pattern = diffusion_pattern(network, 1, 2)
    assert pattern.shape == (32, 32)
    expected = np.zeros((32, 32))
    expected[8:16, 16:24] = 16
    np.testing.assert_allclose(pattern, expected, atol=1e-3)
    energy = spectral_energy(pattern)
    assert energy[0] == pytest.approx(16 * 8, abs=0.01) and energy[1:].max() < 0.01


def test_spectral_energy_of_a_cosine():
    x = np.cos(np.pi * (2 * np.arange(8) + 1) * 3 / 16)
    energy = spectral_energy(np.tile(x, (32, 4)))
    at = zigzag(8, 8).index((0, 3))
    assert np.argmax(energy) == at
    assert energy[at] == pytest.approx(16 * np.sqrt(8) * np.sqrt(4))


def test_zigzag_is_jpeg_s():
    expected = [0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5]
    assert [8 * y + x for y, x in zigzag(8, 8)][:16] == expected
    assert len(set(zigzag(8, 8))) == 64


def test_amplify_clips():
    cover, marked = np.uint8([[10, 200]]), np.uint8([[7, 255]])
    np.testing.assert_array_equal(amplify(cover, marked), [[30, 255]])


def test_formats_that_cannot_be_drawn(network, tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.png, \.svg or \.pdf"):
        FIGURES["redmark-fig10"]([network], None, tmp_path / "a.jpg")
    assert not list(tmp_path.iterdir())
