import shutil
import sys
import warnings

import numpy as np
import pytest

import tfwm.networks.forms as forms
import tfwm.networks.places as places
from tfwm.export import export_saved_model
from tfwm.networks import KerasNetwork, list_networks, load_network


@pytest.fixture
def shipped(packaged, monkeypatch):
    monkeypatch.setattr(places, "resource_directory", lambda name: packaged.parent)


def test_by_name_folder_version_and_file(shipped, packaged, card):
    for where in ("tiny", packaged, packaged / "1", str(packaged)):
        network = load_network(where, trust=True, runtime="tensorflow")
        assert network.form.name == "saved_model"
        assert (network.name, network.card, network.patch_shape) == ("tiny", card, (16, 16))
    assert load_network(packaged / "tiny-int8.tflite", 2).form.name == "tflite"


def test_list(shipped, card):
    assert list_networks() == {"tiny": card}


def test_without_shipped_networks(monkeypatch, tmp_path):
    monkeypatch.setattr(places, "resource_directory", lambda name: tmp_path)
    assert list_networks() == {}
    with pytest.raises(ValueError, match="Unknown network 'tiny'"):
        load_network("tiny")


def test_unknown_name_tells_the_nearest(shipped):
    with pytest.raises(ValueError, match="Unknown network 'tinny'; did you mean 'tiny'?"):
        load_network("tinny")


def test_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no network at"):
        load_network(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match="expected a SavedModel in"):
        load_network(tmp_path)
    (tmp_path / "1").mkdir()
    with pytest.raises(FileNotFoundError, match="saved_model.pb is missing"):
        load_network(tmp_path)
    (tmp_path / "x.txt").write_text("x")
    with pytest.raises(ValueError, match="Expected a network's folder"):
        load_network(tmp_path / "x.txt")


@pytest.mark.parametrize("file", ["saved_model.pb", "variables/variables.data-00000-of-00001"])
def test_damaged_without_manifest(models, tmp_path, file):
    path = export_saved_model(*models, tmp_path / "net") / file
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match="incomplete or damaged") as error:
        load_network(tmp_path / "net", trust=True)
    assert "\n" not in str(error.value)


def test_highest_version_is_taken(packaged, tmp_path):
    for version in ("1", "2", "10"):
        shutil.copytree(packaged / "1", tmp_path / "net" / version)
    network = load_network(tmp_path / "net", trust=True)
    assert network.name == "net" and network.patch_shape == (32, 32)
    assert forms.newest_version(tmp_path / "net").name == "10"


def test_kinds_agree(models, card, packaged, image, message):
    reference = KerasNetwork(*models, card=card)
    watermarked = reference.embed(image, message)
    assert watermarked.dtype == np.float32
    assert 0.001 < np.abs(watermarked - image).max()
    for where in (packaged, packaged / "tiny.tflite"):
        network = load_network(where)
        np.testing.assert_allclose(network.embed(image, message), watermarked, atol=1e-5)
        logits = network.extract(image.astype(np.float64))
        np.testing.assert_allclose(logits, reference.extract(image), atol=1e-4)
        assert logits.shape == message.shape


def test_keras_network_knows_its_geometry(models):
    network = KerasNetwork(*models)
    assert (network.patch_shape, network.block_shape) == ((16, 16), (8, 8))
    assert network.message_shape(32, 48) == (4, 6, 1)


def test_keras_network_follows_training(models, card, image):
    network = KerasNetwork(*models, card=card)
    before = network.extract(image)
    kernel = models[1].get_layer("dec_output").kernel
    kernel.assign(2 * kernel)
    np.testing.assert_allclose(network.extract(image), 2 * before, rtol=1e-4, atol=1e-6)
    kernel.assign(kernel / 2)


@pytest.mark.parametrize(
    ("shape", "dtype", "match"),
    [
        ((1, 32, 40, 1), "float32", "multiple of 16"),
        ((32, 48, 1), "float32", r"Expected images \(batch, height, width, 1\)"),
        ((1, 32, 48, 3), "float32", r"Received: image of shape \(1, 32, 48, 3\)"),
        ((1, 0, 48, 1), "float32", "Received: image of shape"),
        ((1, 32, 48, 1), "uint8", "divide 8-bit values by 255"),
    ],
)
def test_wrong_images(packaged, shape, dtype, match):
    with pytest.raises(ValueError, match=match):
        load_network(packaged).extract(np.zeros(shape, dtype))


def test_wrong_message_and_strength(packaged, image, message):
    network = load_network(packaged)
    with pytest.raises(ValueError, match=r"Expected a message of shape \(2, 4, 6, 1\)"):
        network.embed(image, message[:, :2])
    with pytest.raises(ValueError, match="or one for each of 2 images"):
        network.embed(image, message, [1.0, 2.0, 3.0])


def test_changed_card_is_noticed(packaged, tmp_path):
    folder = shutil.copytree(packaged, tmp_path / "net")
    card = folder / "card.json"
    card.write_text(card.read_text().replace("Random weights", "Another text"))
    for where in (folder, folder / "1", folder / "tiny.tflite"):
        with pytest.raises(ValueError, match=r"is damaged: card\.json has"):
            load_network(where)


def test_tensorflows_own_interpreter_gives_no_warning(packaged, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network = load_network(packaged / "tiny-int8.tflite")
    assert "tensorflow" in type(network.form.runtime).__module__
