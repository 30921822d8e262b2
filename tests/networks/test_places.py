"""Networks that an install lacks as a whole or in some forms."""

import errno
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

import tfwm.networks.places as places
from tfwm.export import verify
from tfwm.networks import list_networks, load_network, network_directory


@pytest.fixture
def wheel(packaged, monkeypatch, tmp_path):
    """What an installed wheel may hold of a network: its Keras files only."""
    root = tmp_path / "_saved_models"
    kept = shutil.copytree(packaged, root / "tiny")
    shutil.rmtree(kept / "1")
    for path in kept.glob("*.tflite"):
        path.unlink()
    monkeypatch.setattr(places, "resource_directory", lambda name: root)
    monkeypatch.delenv("TFWM_NETWORKS", raising=False)
    return kept


def test_loads_from_the_form_that_is_there(wheel, packaged, image):
    network = load_network("tiny")
    assert network.form.name == "keras" and network.name == "tiny"
    expected = load_network(packaged).extract(image)
    np.testing.assert_allclose(network.extract(image), expected, atol=1e-4)
    shutil.copy(packaged / "tiny-int8.tflite", wheel)
    assert load_network("tiny").form.name == "tflite"


def test_lacking_forms_are_no_damage_of_an_install(wheel):
    report = verify("tiny")
    assert report.passed, report.lines()
    assert [c.name for c in report.checks if c.detail == "not in this install"] == [
        "saved_model",
        "tflite float32",
        "tflite float16",
        "tflite int8",
    ]
    (wheel / "embedder.keras").unlink()
    assert not verify("tiny").passed


def test_a_network_that_the_install_lacks(wheel):
    for path in wheel.glob("*.keras"):
        path.unlink()
    assert list(list_networks()) == ["tiny"]
    with pytest.raises(FileNotFoundError, match="tiny is not here.*saved_models/tiny, not with"):
        load_network("tiny")


def test_search_path_of_the_environment(wheel, packaged, monkeypatch, tmp_path):
    mine = shutil.copytree(packaged, tmp_path / "mine" / "tiny")
    shutil.copytree(packaged, tmp_path / "mine" / "other")
    monkeypatch.setenv("TFWM_NETWORKS", os.fspath(tmp_path / "mine"))
    assert list(list_networks()) == ["other", "tiny"] and network_directory("tiny") == mine
    monkeypatch.setenv("TFWM_NETWORKS", os.fspath(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="folders of networks in TFWM_NETWORKS.*nowhere"):
        list_networks()


def test_folders_of_networks_that_may_not_be_read(monkeypatch, tmp_path):
    monkeypatch.setenv("TFWM_NETWORKS", "a" * 5000)  # of which the system does not tell whether
    with pytest.raises(ValueError, match="folders of networks in TFWM_NETWORKS.*, no folder"):
        list_networks()

    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))

    monkeypatch.setenv("TFWM_NETWORKS", os.fspath(tmp_path))
    monkeypatch.setattr(places.Path, "iterdir", refuse)
    with pytest.raises(ValueError, match=f"in TFWM_NETWORKS .*{tmp_path} .Permission denied"):
        list_networks()


def test_cards_are_listed_without_tensorflow():
    code = "import sys, tfwm.networks as n; n.list_networks(); print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_load_network_opens_embedders_only(keyed_folder):
    with pytest.raises(ValueError, match="keyed, a keyed host, which .* and tfwm.load take"):
        load_network(keyed_folder)


def test_load_opens_each_kind(packaged, keyed_folder, monkeypatch):
    import tfwm

    monkeypatch.setattr(places, "resource_directory", lambda name: packaged.parent)
    assert tfwm.load("tiny").network.name == "tiny"
    assert repr(tfwm.load(keyed_folder)) == "KeyedNetwork('keyed')"


@pytest.mark.parametrize(
    "name, shown",
    [("barrier-xray", "Barrier('barrier-xray')"), ("keyed-colorize", "KeyedNetwork")],
)
def test_load_opens_shipped_networks(name, shown):
    import tfwm

    assert repr(tfwm.load(name)).startswith(shown)
    with pytest.raises(ValueError, match="which `tfwm (barrier|keyed)` and tfwm.load take"):
        tfwm.watermarker.load(name)
