"""Networks that others packed: nothing they hold runs, leads outside, or makes this hang."""

import json
import os
import shutil
import subprocess
import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.export import export_again, verify
from tfwm.networks import (
    NetworkFiles,
    load_network,
    network_directory,
    read_keras_model,
    shipped_networks,
    write_manifest,
)
from tfwm.networks.operations import check_saved_model, check_tflite


@pytest.fixture
def copy(packaged, tmp_path):
    return shutil.copytree(packaged, tmp_path / "tiny")


def save(folder, body, start=None):
    """A SavedModel whose `extract` runs `body(image)` and whose embedder does nothing."""
    image = tf.TensorSpec((None, None, None, 1), name="image")

    class Packed(tf.Module):
        @tf.function(input_signature=[image, image, tf.TensorSpec((), name="strength")])
        def embed(self, image, message, strength):
            return {"watermarked": image + 0 * strength * tf.reduce_mean(message)}

        @tf.function(input_signature=[image])
        def extract(self, image):
            return {"logits": tf.nn.avg_pool2d(image, 8, 8, "VALID") + body(image)}

    module = Packed()
    if start is not None:
        module.table = start()
    signatures = {"embed": module.embed, "extract": module.extract}
    tf.saved_model.save(module, str(folder / "1"), signatures=signatures)
    return folder


def touch(path):
    with tf.control_dependencies([tf.io.write_file(str(path), "x")]):
        return tf.constant(0.0)


def table(path):
    path.write_text("a\n")
    line, number = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
    words = tf.lookup.TextFileInitializer(str(path), tf.string, line, tf.int64, number)
    return tf.lookup.StaticVocabularyTable(words, 1)


@pytest.mark.parametrize(
    "what, operation",
    [
        (lambda path: touch(path), "WriteFile"),
        (
            lambda path: 0 * tf.cast(tf.size(tf.io.matching_files(str(path))), tf.float32),
            "Matching",
        ),
        (lambda path: tf.py_function(lambda: path.touch() or 0.0, [], tf.float32), "EagerPyFunc"),
        (lambda path: tf.map_fn(lambda x: x + touch(path), tf.zeros(2))[0], "TensorList"),
        (lambda path: tf.function(lambda: touch(path))(), "WriteFile"),
        (lambda path: 0 * tf.cast(tf.size(tf.io.read_file(str(path))), tf.float32), "ReadFile"),
    ],
)
def test_a_saved_model_only_computes(tmp_path, what, operation):
    folder = save(tmp_path / "net", lambda image: what(tmp_path / "touched"))
    with pytest.raises(ValueError, match="a SavedModel is a program.*add --trust"):
        load_network(folder)
    with pytest.raises(ValueError, match=f"which has the operation {operation}.*also not with"):
        load_network(folder, trust=True)
    assert not (tmp_path / "touched").exists()


def test_what_a_saved_model_runs_at_its_start_is_refused(tmp_path):
    folder = save(tmp_path / "net", lambda image: 0.0, lambda: table(tmp_path / "words.txt"))
    with pytest.raises(ValueError, match="files beside its variables"):
        load_network(folder, trust=True)


def test_a_function_that_takes_the_place_of_another_is_refused(tmp_path):
    from tensorflow.core.protobuf import saved_model_pb2

    path = save(tmp_path / "net", lambda image: 0.0) / "1" / "saved_model.pb"
    check_saved_model(path.read_bytes(), path)
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    function = model.meta_graphs[0].graph_def.library.function[0]
    function.attr["api_implements"].s = b"same"
    with pytest.raises(ValueError, match="function with the attribute api_implements"):
        check_saved_model(model.SerializeToString(), path)
    del function.attr["api_implements"]
    node = model.meta_graphs[0].graph_def.node[0]
    node.attr["_more"].func.name = function.signature.name
    with pytest.raises(ValueError, match="the attribute _more of an operation"):
        check_saved_model(model.SerializeToString(), path)


def test_shipped_networks_pass_the_checks_of_others():
    for name in shipped_networks():
        folder = network_directory(name)
        graph = folder / "1" / "saved_model.pb"
        if graph.is_file():
            check_saved_model(graph.read_bytes(), graph)
        for path in folder.glob("*.tflite"):
            check_tflite(path.read_bytes(), path)


def test_pinned_digests_are_those_of_the_files():
    root = network_directory("photo").parent
    for name, files in shipped_networks().items():
        listed = json.loads((root / name / "manifest.json").read_text())["files"]
        assert listed == {key: entry for key, entry in files.items() if key != "manifest.json"}
        assert NetworkFiles(root / name).shipped and NetworkFiles(root / name).card["name"] == name


def test_a_shipped_network_that_was_changed_is_refused(tmp_path, monkeypatch):
    import tfwm.networks.network_files as network_files

    root = tmp_path / "saved_models"
    folder = shutil.copytree(network_directory("redmark-gt"), root / "redmark-gt")
    card = folder / "card.json"
    card.write_text(card.read_text().replace("paper", "paper", 1).replace("MIT", "XXX"))
    write_manifest(folder)  # as who changes a network on purpose would
    assert load_network(folder).form.name == "tflite"  # elsewhere, it is another's network
    monkeypatch.setattr(network_files, "resource_directory", lambda _: root)
    with pytest.raises(ValueError, match="damaged: card.json has changed.*with which it comes"):
        load_network(folder)
    assert not verify(folder).passed


@pytest.mark.parametrize(
    "name",
    [
        *("../x", "/etc/passwd", "a/../../x", "C:/x", "a\\x", "a\0b", "./x", "\ud800"),
        pytest.param("n" * 5000, id="long"),
    ],
)
def test_names_stay_inside(copy, name):
    files = json.loads((copy / "manifest.json").read_text())
    files["files"][name] = {"size": 1, "sha256": "0" * 64}
    (copy / "manifest.json").write_text(json.dumps(files))
    with pytest.raises(ValueError, match="leads outside") as error:
        load_network(copy)
    assert len(str(error.value)) < 400
    found = verify(copy)
    assert not found.passed and "leads outside" in found.lines()[0]


def test_links_and_special_files(copy, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(copy, target_is_directory=True)
    assert load_network(link).name == "tiny"  # a link to the folder itself is fine
    outside = shutil.move(copy / "tiny.tflite", tmp_path / "elsewhere.tflite")
    (copy / "tiny.tflite").symlink_to(outside)
    with pytest.raises(ValueError, match="leads outside"):
        load_network(copy)
    (copy / "tiny.tflite").unlink()
    if hasattr(os, "mkfifo"):
        (copy / "card.json").unlink()
        os.mkfifo(copy / "card.json")
        with pytest.raises(ValueError, match="Expected a regular file"):
            load_network(copy)


@pytest.mark.parametrize(
    "change, match",
    [
        ({"block": [1, 1]}, "does not fit its network"),
        ({"bits": 46}, "does not fit its network"),
        ({"bits": 10**9}, "from 1 to 1024"),
        ({"channels": 3}, "does not fit its network"),
        ({"block": [32, 32]}, "Expected blocks that fill a patch"),
        ({"patch": [10**6, 10**6]}, "from 1 to 2048"),
        ({"patch": [24, 24], "block": [8, 8]}, "does not fit its network"),
        ({"whole": True, "patch": [64, 64], "block": [64, 64]}, "does not fit its network"),
    ],
)
def test_cards_fit_their_network(copy, change, match):
    card = json.loads((copy / "card.json").read_text())
    card["geometry"].update(change)
    (copy / "card.json").write_text(json.dumps(card))
    write_manifest(copy)
    with pytest.raises(ValueError, match=match) as error:
        load_network(copy)
    assert "\n" not in str(error.value) and not verify(copy).passed
    with pytest.raises(ValueError, match=match):
        export_again(copy, copy.parent / "again")
    assert not (copy.parent / "again").exists()


@pytest.mark.parametrize(
    "text, match",
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"name": NaN}', "no finite number"),
        ('{"name": 1e999}', "no finite number"),
        ('{"name": "a", "name": "b"}', "is there twice"),
        ('{"name": ' + "9" * 5000 + "}", "damaged"),
        ('{"name": "../../x"}', "card lacks kind|damaged"),
        (" " * 2**21, "bytes. Expected 1048576 at most"),
        ("\udcff", "damaged"),
    ],
)
def test_odd_cards(copy, text, match):
    (copy / "card.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    (copy / "manifest.json").unlink()
    with pytest.raises(ValueError, match=match) as error:
        load_network(copy)
    assert len(str(error.value)) < 500


def with_config(copy, change):
    """Changes the config of the embedder of a network that has its Keras files only."""
    for path in copy.glob("*.tflite"):
        path.unlink()
    shutil.rmtree(copy / "1", ignore_errors=True)
    path = copy / "embedder.keras"
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    write_manifest(copy)


def layer(parts, **other):
    config = json.loads(parts["config.json"])
    config["config"]["layers"][1].update(other)
    parts["config.json"] = json.dumps(config)


def wider(parts):
    text = parts["config.json"].decode()
    assert '"filters": 8' in text
    parts["config.json"] = text.replace('"filters": 8', '"filters": 100000')


def weights(parts, content):
    with h5py.File("w.h5", "w") as file:
        file["x"] = content
    with open("w.h5", "rb") as file:
        parts["model.weights.h5"] = file.read()


@pytest.mark.parametrize(
    "change, match",
    [
        (lambda p: layer(p, module="keras.layers", class_name="Lambda"), "has 'Lambda'"),
        (lambda p: layer(p, module="keras.layers", class_name="TFSMLayer"), "has 'TFSMLayer'"),
        (lambda p: layer(p, module="keras.layers", class_name="TextVectorization"), "is not read"),
        (lambda p: layer(p, module="os", class_name="system"), "has 'system' of 'os'"),
        (lambda p: layer(p, module="builtins", class_name="function", config="eval"), "'function'"),
        (lambda p: layer(p, class_name="__lambda__"), "has '__lambda__'"),
        (lambda p: p.update({"assets/x": b"x"}), "holds 'assets/x'"),
        (lambda p: p.update({"config.json": b"[" * 10**5}), "nested too deeply"),
        (wider, "larger than|filters"),
        (lambda p: weights(p, h5py.ExternalLink("/etc/passwd", "x")), "to elsewhere"),
        (lambda p: weights(p, np.dtype("f4")), "has 'x', which holds no numbers"),
        (lambda p: weights(p, h5py.Empty("f4")), "has 'x', which holds no numbers"),
    ],
)
def test_keras_files_only_compute(copy, change, match, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with_config(copy, change)
    with pytest.raises(ValueError, match=match):
        load_network(copy)


def test_layers_that_this_program_registered_are_read(tmp_path):
    @keras.saving.register_keras_serializable(package="mine")
    class Half(keras.layers.Layer):
        def call(self, x):
            return x / 2

    image = keras.Input((4,))
    keras.Model(image, Half()(keras.layers.Dense(3)(image))).save(tmp_path / "a.keras")
    model = read_keras_model(tmp_path / "a.keras")
    assert model(np.zeros((1, 4))).shape == (1, 3)


def test_damaged_tflite_files_are_refused_or_run(packaged):
    content = (packaged / "tiny-int8.tflite").read_bytes()
    random = np.random.default_rng(0)
    for _ in range(200):
        data = bytearray(content)
        for _ in range(random.integers(1, 5)):
            data[random.integers(len(data))] ^= 1 << random.integers(8)
        try:
            check_tflite(bytes(data), "x.tflite")
        except ValueError as error:
            assert "\n" not in str(error)


def test_a_network_without_a_manifest_says_so(copy):
    (copy / "manifest.json").unlink()
    with pytest.warns(UserWarning, match="compared with no checksums"):
        load_network(copy)


@pytest.fixture
def key(tmp_path):
    pytest.importorskip("cryptography")
    if shutil.which("ssh-keygen") is None:
        pytest.skip("needs OpenSSH")
    path = tmp_path / "ada"
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada@example.org", "-f", path]
    subprocess.run(words, check=True)
    return path


def test_a_key_that_cannot_be_read_is_told_before_anything_is_written(packaged, tmp_path):
    (tmp_path / "old").mkdir()
    for key in (tmp_path / "absent", packaged / "card.json"):
        with pytest.raises(ValueError, match="private"):
            export_again(packaged, tmp_path / "old", key)
    assert not list((tmp_path / "old").iterdir())


def test_signatures(packaged, key, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:  # which forms are written is tested elsewhere
        patch.setattr("tfwm.export.package.package_network", lambda *_, **__: None)
        signed = export_again(packaged, shutil.copytree(packaged, tmp_path / "signed"), key)
    report = verify(signed, signer=f"{key}.pub")
    assert report.passed and "signed by ada@example.org" in "\n".join(report.lines())
    assert load_network(signed, runtime="tensorflow").form.name == "keras"
    monkeypatch.setenv("TFWM_SIGNERS", f"{key}.pub")
    trusted = load_network(signed, runtime="tensorflow")
    assert trusted.form.name == "saved_model"  # by its signer
    with open(signed / "manifest.json", "rb") as manifest:
        (tmp_path / "signers").write_text(f"ada {(tmp_path / 'ada.pub').read_text()}")
        check = ["ssh-keygen", "-Y", "verify", "-n", "tfwm", "-I", "ada"]
        check += ["-f", tmp_path / "signers", "-s", signed / "manifest.json.sig"]
        subprocess.run(check, stdin=manifest, check=True, capture_output=True)
    card = signed / "card.json"
    card.write_text(card.read_text().replace("MIT", "XXX"))
    write_manifest(signed)
    with pytest.raises(ValueError, match="signature in manifest.json.sig is not of this"):
        load_network(signed)
    assert not verify(signed, signer=f"{key}.pub").passed
    sign = ["ssh-keygen", "-q", "-Y", "sign", "-n", "tfwm", "-f", key, signed / "manifest.json"]
    (signed / "manifest.json.sig").unlink()
    subprocess.run(sign, check=True, capture_output=True)
    assert "signed by ada" in "\n".join(verify(signed, signer=f"{key}.pub").lines())
