"""Networks for colours and with several bits in a block, in every form."""

import numpy as np
import pytest

from tfwm.export import (
    export_saved_model,
    make_golden,
    read_golden,
    replay_golden,
    verify,
    write_tflite,
)
from tfwm.models.redmark import build_embedder, build_extractor
from tfwm.networks import KerasNetwork, Network, load_network, tflite_name

KINDS = {"colour": ((16, 16), 1), "tile": ((128, 128), 30)}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def network(kind, colour_network, tile_network):
    return {"colour": colour_network, "tile": tile_network}[kind]


def cover_and_message(network, sample_photos):
    cover = sample_photos(network.patch_shape, 256, channels=3)[2]
    shape = (1, *network.message_shape(*cover.shape[1:3]))
    return cover, np.random.default_rng(0).integers(0, 2, shape).astype(np.float32)


def test_geometry_is_read_off_the_models(network, kind):
    block, bits = KINDS[kind]
    assert network.card == {}
    assert network.patch_shape == network.block_shape == block
    assert (network.channels, network.bits) == (3, bits)
    assert network.message_shape(256, 384) == (256 // block[0], 384 // block[1], bits)


def test_geometry_is_that_of_the_card():
    geometry = {"patch": [64, 32], "block": [64, 32], "channels": 3, "bits": 7}
    network = Network("x", {"geometry": geometry})
    assert (network.channels, network.bits) == (3, 7)
    assert network.message_shape(128, 128) == (2, 4, 7)
    assert (Network("x").channels, Network("x").bits) == (1, 1)


def test_wrong_shapes(network, sample_photos):
    with pytest.raises(ValueError, match=r"\(batch, height, width, 3\).*\(1, 128, 128, 1\)"):
        network.extract(np.zeros((1, 128, 128, 1), np.float32))
    cover, message = cover_and_message(network, sample_photos)
    with pytest.raises(ValueError, match="Expected a message of shape"):
        network.embed(cover, message[..., :0])


def test_bits_come_back(network, sample_photos):
    cover, message = cover_and_message(network, sample_photos)
    logits = network.extract(network.embed(cover, message, 2.0))
    assert logits.shape == message.shape
    assert np.mean((logits > 0) != message) < 0.1


@pytest.mark.parametrize("form", ["saved_model", "float32", "float16", "int8"])
def test_forms_agree(colour_packages, network, kind, form, compare_networks, sample_photos):
    where = "1" if form == "saved_model" else tflite_name(kind, form)
    loaded = load_network(colour_packages / kind / where, trust=True)
    assert (loaded.channels, loaded.bits) == (network.channels, network.bits)
    difference = compare_networks(loaded, network, sample_photos((128, 128), 256, channels=3)[2:])
    assert difference["watermarked_rms"] < 1 and difference["bits_changed"] < 0.02
    if form in ("saved_model", "float32"):
        assert difference["watermarked_max"] < 0.01 and difference["logits_max"] < 1e-3


def test_packages_pass(colour_packages, kind):
    report = verify(colour_packages / kind)
    assert report.passed, report.lines()
    assert (colour_packages / kind / "golden.npz").stat().st_size < 600_000


def test_golden_photo_has_colours(colour_packages, network, kind):
    golden = read_golden(colour_packages / kind)
    expected = {"colour": (2, 32, 48, 3), "tile": (1, 128, 256, 3)}[kind]
    assert golden["cover"].shape == expected
    assert np.ptp(golden["cover"].astype(int), axis=-1).max() > 50
    assert max(replay_golden(network, golden).values()) < 1e-4


def test_golden_of_huge_patches():
    class Huge(Network):
        def _embed(self, image, message, strength):
            return image

        def _extract(self, image):
            return np.zeros((len(image), *self.message_shape(*image.shape[1:3])), np.float32)

    huge = Huge("huge", {"geometry": {"patch": (512, 512), "block": (512, 512), "bits": 9}})
    golden = make_golden(huge)
    assert golden["cover"].shape == (1, 512, 1024, 1)
    assert golden["message"].shape == (1, 1, 2, 9)


def test_without_a_card(pattern_models, tmp_path):
    models = pattern_models(128, 30, 32)
    path = export_saved_model(*models, tmp_path / "net")
    file = write_tflite(path, tmp_path / "net.tflite")
    for network in (load_network(tmp_path / "net", trust=True), load_network(file)):
        assert network.patch_shape == network.block_shape == (128, 128)
        assert (network.channels, network.bits) == (3, 30)


def test_without_a_card_and_with_unusual_patches(tmp_path):
    models = [build(patch_shape=(40, 40), width=8) for build in (build_embedder, build_extractor)]
    assert KerasNetwork(*models).patch_shape == (40, 40)
    assert KerasNetwork(*models).block_shape == (8, 8)
    export_saved_model(*models, tmp_path / "net")
    with pytest.raises(ValueError, match="no card.*384 x 384 pixels") as error:
        load_network(tmp_path / "net", trust=True)
    assert "\n" not in str(error.value)
