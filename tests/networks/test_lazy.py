import pickle

import numpy as np
import pytest

from tfwm.networks import LazyNetwork, lazy_network, load_network
from tfwm.watermarker import Watermarker


def test_the_card_tells_all_before_it_is_opened(packaged):
    lazy, network = LazyNetwork(packaged), load_network(packaged)
    for name in ("name", "kind", "patch_shape", "block_shape", "channels", "bits", "whole", "card"):
        assert getattr(lazy, name) == getattr(network, name), name
    assert not lazy.is_open
    image = np.full((1, 32, 48, 1), 0.5, np.float32)
    np.testing.assert_array_equal(lazy.extract(image), network.extract(image))
    assert lazy.is_open and lazy.open() is lazy


def test_it_goes_to_other_processes(packaged):
    lazy = LazyNetwork(packaged).open()
    again = pickle.loads(pickle.dumps(lazy))
    assert again.name == lazy.name and not again.is_open


def test_a_damaged_network_is_told_at_its_first_use(packaged, tmp_path):
    import shutil

    shutil.copytree(packaged, tmp_path / "tiny")
    with open(tmp_path / "tiny" / "tiny.tflite", "ab") as file:
        file.write(b"x")
    lazy = LazyNetwork(tmp_path / "tiny")
    for _ in range(2):
        with pytest.raises(ValueError, match="is damaged"):
            lazy.extract(np.full((1, 32, 48, 1), 0.5, np.float32))


def test_what_is_no_network(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no network in"):
        lazy_network(tmp_path)
    (tmp_path / "run" / "mine").mkdir(parents=True)
    (tmp_path / "run" / "mine" / "card.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match="folder of a run: name the network in it, .*mine"):
        lazy_network(tmp_path / "run")
    for wrong in (None, "", 7, b"photo", []):
        with pytest.raises(ValueError, match="Expected a network's name"):
            lazy_network(wrong)


def test_watermarker_takes_a_name_or_says_what_is_wrong(packaged):
    assert Watermarker(packaged).network.name == "tiny"
    assert Watermarker(str(packaged)).open().network.is_open
    for wrong, words in [
        ("nosuch", "Unknown network"),
        (None, "Expected a network's name"),
        (7, "Expected a network, its name or its path. Received: an object of type int"),
        ("barrier-derain", "a barrier network"),
    ]:
        with pytest.raises(ValueError, match=words):
            Watermarker(wrong)
