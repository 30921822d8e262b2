import numpy as np
import pytest
from skimage import data
from skimage.metrics import peak_signal_noise_ratio

from tfwm.evaluation import BitSuite, Protocol
from tfwm.evaluation.bits.tune import mean_quality, tune_channels, tune_strength
from tfwm.images import psnr, ssim


def suite(**arguments):
    return BitSuite("s", "S", [], **arguments)


class Identity:
    name = "identity"

    def embed(self, image, message, strength=1.0):
        return image

    def extract(self, image):
        n, height, width, _ = image.shape
        return np.zeros((n, height // 8, width // 8, 1))


@pytest.mark.parametrize("rounding", ["truncate", "round"])
def test_unmarked_image_stays(rounding):
    cover = np.arange(256, dtype=np.uint8).reshape(8, 32).repeat(4, 0)
    protocol = Protocol(suite(rounding=rounding), Identity())
    marked = protocol.embed(cover, np.zeros((2, 1, 4, 4)), 1.0)
    np.testing.assert_array_equal(marked, [cover, cover])


@pytest.mark.parametrize("rounding", ["truncate", "round"])
def test_unmarked_colour_image_stays(rounding):
    cover = data.astronaut()[:256, :256]
    protocol = Protocol(suite(bits=30, color=True, rounding=rounding), Identity())
    marked = protocol.embed(cover, np.zeros((1, 3, 32, 32)), 1.0)
    np.testing.assert_array_equal(marked[0], cover)


def test_truncation_and_rounding(network):
    cover = np.full((32, 32), 100, np.uint8)
    ones = np.ones((1, 1, 4, 4))
    for rounding, expected in (("truncate", 103), ("round", 104)):
        marked = Protocol(suite(rounding=rounding), network).embed(cover, ones, 0.475)
        assert (marked == expected).all(), rounding  # 100 + 3.8


def test_clipping(network):
    cover = np.full((32, 32), 250, np.uint8)
    marked = Protocol(suite(), network).embed(cover, np.ones((1, 1, 4, 4)), 4.0)
    assert (marked == 255).all()


def test_covers_are_cut_to_whole_patches(network):
    protocol = Protocol(suite(), network)
    image = np.arange(481 * 321, dtype=np.uint32).astype(np.uint8).reshape(321, 481)
    np.testing.assert_array_equal(protocol.cover(image), image[:320, :480])
    assert protocol.cover(image[:40, :70]) is None  # two patches for a redundancy of four
    centre = Protocol(suite(bits=30, size=[128, 128]), network)
    np.testing.assert_array_equal(centre.cover(image), image[96:224, 176:304])
    assert centre.cover(image[:100]) is None


def test_each_block_is_read_where_it_was_written(network):
    protocol = Protocol(suite(), network)
    planes = np.random.default_rng(0).integers(0, 2, (5, 1, 8, 12))
    marked = protocol.embed(np.full((64, 96), 128, np.uint8), planes, 1.0)
    np.testing.assert_array_equal(protocol.read(list(marked)) > 0, planes > 0)


def test_colour_marks_three_planes(network):
    protocol = Protocol(suite(bits=30, color=True), network)
    planes = np.random.default_rng(0).integers(0, 2, (2, 3, 4, 4))
    cover = np.full((32, 32, 3), 128, np.uint8)
    marked = protocol.embed(cover, planes, (1.0, 0.75, 0.5))
    assert marked.shape == (2, 32, 32, 3)
    np.testing.assert_array_equal(protocol.read(list(marked)) > 0, planes > 0)
    measured = protocol.plane_psnr(cover, planes, (1.0, 0.75, 0.5))
    expected = [20 * np.log10(255 / (8 * s)) for s in (1.0, 0.75, 0.5)]
    np.testing.assert_allclose(measured, expected, atol=1e-3)


@pytest.mark.parametrize("bits", [1, 30])
def test_network_of_rgb_marks_rgb(make_colour_network, bits):
    network = make_colour_network(bits=bits)
    protocol = Protocol(suite(color=True, redundancy=1), network)
    cover = np.full((128, 256, 3), 128, np.uint8)
    cover[..., 2] = 7
    placement = protocol.placement("paper", cover)
    assert placement.num_bits == (8 * 16 if bits == 1 else 2 * 30)
    sent = np.random.default_rng(0).integers(0, 2, (3, placement.num_bits))
    planes = placement.spread_out(sent)
    marked = protocol.embed(cover, planes, 1.0)
    np.testing.assert_array_equal(marked[..., [0, 2]], cover[None, ..., [0, 2]].repeat(3, 0))
    assert set(np.unique(marked[..., 1])) == {120, 136}
    np.testing.assert_array_equal(placement.vote(protocol.read(list(marked))), sent)
    # One channel of three changes by 8.
    assert psnr(cover, marked[0]) == pytest.approx(20 * np.log10(255 / 8) + 10 * np.log10(3))


def test_bits_of_a_block_are_planes(make_colour_network):
    protocol = Protocol(suite(color=True, redundancy=1), make_colour_network(bits=30))
    planes = np.zeros((1, 30, 1, 2), int)
    planes[0, 5, 0, 1] = 1
    marked = protocol.embed(np.full((128, 256, 3), 128, np.uint8), planes, 1.0)[0, ..., 1]
    cells = marked.reshape(8, 16, 2, 8, 16)[:, 0, :, :, 0].transpose(1, 0, 2).reshape(2, 64)
    assert np.argwhere(cells == 136).tolist() == [[1, 5], [1, 35]]


@pytest.mark.parametrize("rounding", ["truncate", "round"])
def test_unmarked_rgb_image_stays(rounding):
    class ColourIdentity(Identity):
        channels = 3

    cover = data.astronaut()[:256, :256]
    protocol = Protocol(suite(color=True, rounding=rounding), ColourIdentity())
    np.testing.assert_array_equal(protocol.embed(cover, np.zeros((1, 1, 32, 32)), 1.0)[0], cover)


def test_networks_that_do_not_fit_the_suite(make_colour_network, network):
    colour = make_colour_network(bits=30)
    with pytest.raises(ValueError, match="color images, marked at one strength"):
        Protocol(suite(), colour)
    with pytest.raises(ValueError, match="at one strength"):
        Protocol(suite(color=True, bits=30, channel_psnr=[33, 39, 39]), colour)
    with pytest.raises(ValueError, match="whole patches of 128 x 128"):
        Protocol(suite(color=True, size=400), colour)
    with pytest.raises(ValueError, match="Expected color images"):
        Protocol(suite(color=True), colour).cover(np.zeros((128, 128), np.uint8))
    with pytest.raises(ValueError, match="Expected gray images"):
        Protocol(suite(), network).cover(np.zeros((128, 128, 3), np.uint8))


def test_random_crop(make_colour_network):
    image = data.astronaut()[:140, :200]
    protocol = Protocol(suite(color=True, redundancy=1, size=128, crop="random"),
                        make_colour_network())  # fmt: skip
    covers = [protocol.cover(image, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(covers[0], covers[1])
    assert (covers[0] != covers[2]).any()
    windows = np.lib.stride_tricks.sliding_window_view(image, (128, 128), (0, 1))
    for cover in covers:
        assert (windows == np.moveaxis(cover, -1, 0)).all((2, 3, 4)).any()
    np.testing.assert_array_equal(protocol.cover(image), image[6:134, 36:164])
    exact = image[:128, :128]
    np.testing.assert_array_equal(protocol.cover(exact, np.random.default_rng(0)), exact)
    assert protocol.cover(image[:127], np.random.default_rng(0)) is None


def test_quality_against_scikit_image():
    cover = data.camera()
    other = np.clip(cover + np.random.default_rng(0).normal(0, 9, cover.shape), 0, 255)
    other = other.astype(np.uint8)
    assert psnr(cover, other) == pytest.approx(peak_signal_noise_ratio(cover, other), abs=1e-9)
    assert psnr(cover, cover) == 100.0
    # Uniform 9 x 9 window, closed form for constant images a and b.
    a, b = np.full((16, 16), 100, np.uint8), np.full((16, 16), 110, np.uint8)
    c1 = (0.01 * 255) ** 2
    assert ssim(a, b) == pytest.approx((2 * 100 * 110 + c1) / (100**2 + 110**2 + c1), abs=1e-6)


def test_tuning(network, shaded_network):
    covers = [np.full((64, 512), 128, np.uint8)]
    protocol = Protocol(suite(rounding="round"), shaded_network)
    for metric, target in (("psnr", 36.0), ("ssim", 0.9)):
        strength = tune_strength(protocol, covers, metric, target)
        measured = mean_quality(protocol, covers, metric, strength)
        assert measured == pytest.approx(target, abs=0.06 if metric == "psnr" else 0.01)
    colour = Protocol(suite(bits=30, color=True), network)
    targets = [33.5, 39.0, 39.0]
    tuned = tune_channels(colour, [np.full((64, 64, 3), 128, np.uint8)], targets)
    expected = [255 / 8 / 10 ** (t / 20) for t in targets]
    np.testing.assert_allclose(tuned, expected, rtol=1e-3)
    with pytest.raises(ValueError, match="psnr=3"):
        tune_strength(protocol, covers, "psnr", 3)
    with pytest.raises(ValueError, match="lpips"):
        tune_strength(protocol, covers, "lpips", 0.1)


def test_wrong_logits_shape(network):
    class Short(Identity):
        def extract(self, image):
            return np.zeros((len(image), 30))

    with pytest.raises(ValueError, match="one for each bit of each block"):
        Protocol(suite(), Short()).read([np.zeros((64, 64), np.uint8)])
