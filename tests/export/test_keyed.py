import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.export import (
    export_again,
    export_saved_model,
    package_network,
    verify,
    write_tflite,
)
from tfwm.keys import read_key_file
from tfwm.models import keyed, translators
from tfwm.networks import NetworkFiles, make_run_endpoint, open_form, write_manifest
from tfwm.protection import KeyedReader, load_keyed

FORMS = ["keras", "saved_model", "tflite float32", "tflite float16", "tflite int8"]
SECRET = "demonstration secret, not for use"


@pytest.fixture(scope="module")
def models():
    """A real host that enlarges and the real extractor, untrained."""
    keras.utils.set_random_seed(0)
    host = translators.build_super_resolver(2, width=4, blocks=1)
    return host, keyed.build_extractor(32, 16, width=4)


@pytest.fixture(scope="module")
def packaged(models, keyed_reader, tmp_path_factory):
    host, extractor = models
    card = {**keyed_reader.card, "name": "tiny"}
    mark = np.random.default_rng(0).random((16, 16, 1))
    reader = KeyedReader(extractor, mark, np.ones(16), "tiny", card)
    return reader.package(host, tmp_path_factory.mktemp("networks") / "tiny", SECRET)


def test_whole_package(packaged, models):
    report = verify(packaged)
    assert report.passed and report.name == "tiny"
    assert [c.name for c in report.checks] == ["files", "card", "golden tensors", *FORMS]
    names = {p.name for p in packaged.iterdir()}
    assert {"host.keras", "extractor.keras", "watermark.png", "tiny-int8.tflite"} <= names
    # This one is for demonstrations.
    network = load_keyed(packaged)
    reader = network.reader(read_key_file(packaged / "demonstration.secret"))
    assert (reader.key == network.reader(SECRET).key).all()
    assert reader.watermark.shape == (16, 16, 1)
    images = np.random.default_rng(0).random((1, 16, 16, 3)).astype("float32")
    np.testing.assert_allclose(network.host(images), models[0](images), atol=1e-6)


def test_every_form_runs_other_sizes(packaged, models):
    image = np.random.default_rng(1).random((2, 24, 20, 3)).astype("float32")
    expected = np.clip(models[0](image), 0, 1)
    files = NetworkFiles(packaged, trust=True)
    for name in FORMS:
        found = open_form(name, files, files.card)("run", image=image)["output"]
        np.testing.assert_allclose(found, expected, atol=0.1 if "int8" in name else 1e-2)


def test_signatures_without_tfwm(packaged, models):
    signatures = tf.saved_model.load(packaged / "1").signatures
    seen = tf.random.uniform((1, 32, 32, 3))
    key = tf.ones((1, 16))
    found = signatures["extract"](image=seen, key=key)["watermark"]
    np.testing.assert_allclose(found, models[1]({"image": seen, "key": key}), atol=1e-5)


@pytest.fixture(scope="module")
def made_by_hand(keyed_models, keyed_reader, tmp_path_factory):
    """Folder of the host and extractor made by hand, in every form; not to be changed."""
    return keyed_reader.package(keyed_models()[0], tmp_path_factory.mktemp("by-hand") / "keyed")


def test_the_key_is_nowhere(keyed_models, made_by_hand):
    """The extractor's forms take any key, and the golden one is not the owner's."""
    folder, key = made_by_hand, keyed_models()[3]
    with np.load(folder / "golden.npz") as golden:
        assert not (golden["key"] == key).all(axis=1).any()
    assert not list(folder.glob("*.secret"))
    assert set(json.loads((folder / "card.json").read_text())) >= {"name", "limits"}


def test_forms_must_read_alike_with_the_key(keyed_models, made_by_hand, tmp_path):
    folder = shutil.copytree(made_by_hand, tmp_path / "keyed")
    host, _, _, key = keyed_models()
    report = verify(folder, key)
    assert report.passed and "watermark with the key differs" in report.checks[-1].detail
    other = export_saved_model(host, keyed_models("qr:other")[1], tmp_path / "other", kind="keyed")
    write_tflite(other, folder / "keyed.tflite", signatures=("run", "extract"))
    assert {c.name for c in verify(folder).checks if not c.passed} == {"files", "tflite float32"}
    write_manifest(folder)
    # All that the golden tensors' random key shows of either is plain gray.
    for given, expected in ((None, set()), (key, {"tflite float32"})):
        assert {c.name for c in verify(folder, given).checks if not c.passed} == expected


def test_damage_is_told(packaged, tmp_path):
    copy = shutil.copytree(packaged, tmp_path / "tiny")
    content = bytearray((copy / "tiny.tflite").read_bytes())
    content[-100] ^= 1
    (copy / "tiny.tflite").write_bytes(content)
    failed = [c for c in verify(copy).checks if not c.passed]
    assert failed[0].detail.startswith("tiny.tflite has changed")
    (copy / "golden.npz").unlink()
    assert not verify(copy).passed
    (copy / "host.keras").write_bytes(b"bad")
    with pytest.raises(ValueError, match="is damaged: host.keras has 3 bytes"):
        load_keyed(copy)(np.zeros((1, 8, 8, 3)))


def test_host_and_extractor_must_fit(models, keyed_reader, tmp_path):
    host = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 3)])
    with pytest.raises(ValueError, match=r"Expected a host whose outputs are \(32, 32, 3\)"):
        package_network(host, models[1], tmp_path / "bad", keyed_reader.card)
    assert not (tmp_path / "bad").exists()
    image = keras.Input((8, 8, 3))
    with pytest.raises(ValueError, match="one input and one output"):
        make_run_endpoint(keras.Model(image, [image + 1, image + 2]))


def test_exported_again_from_the_keras_files(packaged, tmp_path, monkeypatch):
    copy = shutil.copytree(packaged, tmp_path / "copy")
    shutil.rmtree(copy / "1")
    # To write these takes seconds, and the whole package is verified with them.
    monkeypatch.setattr(
        "tfwm.export.package.write_tflite",
        lambda saved_model, file, *_: shutil.copy(packaged / file.name, file),
    )
    again = export_again(copy, tmp_path / "again" / "tiny")
    assert verify(again).passed and (again / "demonstration.secret").is_file()
    expected = {p.relative_to(packaged) for p in packaged.rglob("*") if p.is_file()}
    assert {p.relative_to(again) for p in again.rglob("*") if p.is_file()} == expected
    (copy / "card.json").unlink()
    path = export_again(copy, tmp_path / "bare")
    assert {"run", "extract"} <= set(tf.saved_model.load(path).signatures)
