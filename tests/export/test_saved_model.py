import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.export import export_saved_model, write_tflite
from tfwm.models.redmark import build_extractor
from tfwm.networks import KerasNetwork, load_network

FRESH_PROCESS = """
import json, sys
import numpy as np, tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
specs = {
    name: {
        "inputs": {k: [v.shape.as_list(), v.dtype.name] for k, v in f.structured_input_signature[1].items()},
        "outputs": {k: [v.shape.as_list(), v.dtype.name] for k, v in f.structured_outputs.items()},
    }
    for name, f in model.signatures.items()
}
inputs = {k: tf.constant(v) for k, v in np.load(sys.argv[2]).items()}
watermarked = model.signatures["embed"](**inputs)["watermarked"]
logits = model.signatures["extract"](image=watermarked)["logits"]
np.savez(sys.argv[3], watermarked=watermarked, logits=logits)
print(json.dumps({"specs": specs, "imported": "tfwm" in sys.modules}))
"""  # noqa: E501


def test_fresh_process_without_tfwm(models, card, packaged, image, message, tmp_path):
    np.savez(tmp_path / "in.npz", image=image, message=message, strength=np.float32([0.7, 0.7]))
    command = [sys.executable, "-c", FRESH_PROCESS, packaged / "1"]
    command += [tmp_path / "in.npz", tmp_path / "out.npz"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    assert not told["imported"]
    specs = told["specs"]
    image_spec = [[None, None, None, 1], "float32"]
    assert specs["embed"] == {
        "inputs": {"image": image_spec, "message": image_spec, "strength": [[None], "float32"]},
        "outputs": {"watermarked": image_spec},
    }
    assert specs["extract"] == {"inputs": {"image": image_spec}, "outputs": {"logits": image_spec}}
    with np.load(tmp_path / "out.npz") as out:
        network = KerasNetwork(*models, card=card)
        watermarked = network.embed(image, message, 0.7)
        np.testing.assert_allclose(out["watermarked"], watermarked, atol=1e-5)
        np.testing.assert_allclose(out["logits"], network.extract(watermarked), atol=1e-4)


def test_any_size_and_batch(packaged, models):
    signature = tf.saved_model.load(packaged / "1").signatures["embed"]
    embedder, _ = models
    for batch, height, width in ((1, 16, 16), (3, 64, 32)):
        inputs = {
            "image": tf.random.stateless_uniform((batch, height, width, 1), (1, 2)),
            "message": tf.ones((batch, height // 8, width // 8, 1)),
        }
        out = signature(**inputs, strength=tf.fill([batch], 0.5))["watermarked"]
        expected = embedder({**inputs, "strength": tf.fill([batch], 0.5)})
        np.testing.assert_allclose(out, tf.clip_by_value(expected, 0, 1), atol=1e-5)


def test_strength_scales_the_residual(packaged, message):
    network = load_network(packaged)
    image = np.full((2, 32, 48, 1), 0.5, np.float32)
    half, whole = (network.embed(image, message, strength) for strength in (0.1, 0.2))
    np.testing.assert_allclose(2 * (half - image), whole - image, atol=1e-6)
    np.testing.assert_array_equal(network.embed(image, message, 0.0), image)


def test_each_image_has_a_strength_of_its_own(packaged, image, message):
    for file in ("1", "tiny.tflite"):
        network = load_network(packaged / file, trust=True)
        assert len(network.form.inputs["embed"]["strength"]) == 1
        both = network.embed(image, message, [0.5, 2.0])
        for n, strength in enumerate((0.5, 2.0)):
            single = network.embed(image[n : n + 1], message[n : n + 1], strength)
            np.testing.assert_allclose(both[n], single[0], atol=1e-6)


def test_a_form_that_takes_one_strength_goes_on_working(image, message):
    network = load_network("redmark-mt")  # packed when one number served all images
    assert network.form.inputs["embed"]["strength"] == ()
    image, message = image[:, :32, :32], message[:, :4, :4]
    both = network.embed(image, message, [0.5, 2.0])
    for n, strength in enumerate((0.5, 2.0)):
        single = network.embed(image[n : n + 1], message[n : n + 1], strength)
        np.testing.assert_array_equal(both[n], single[0])
    np.testing.assert_array_equal(
        network.embed(image, message, [0.7, 0.7]), network.embed(image, message, 0.7)
    )


def test_watermarked_stays_in_range(packaged, message):
    image = np.zeros((2, 32, 48, 1), np.float32)
    watermarked = load_network(packaged).embed(image, message, 50.0)
    assert watermarked.min() == 0 and watermarked.max() == 1


def test_replaces_an_older_version(models, tmp_path):
    path = export_saved_model(*models, tmp_path / "net")
    (path / "left-over").write_text("old")
    assert export_saved_model(*models, tmp_path / "net") == path
    assert not (path / "left-over").exists()
    assert [p.name for p in (tmp_path / "net").iterdir()] == ["1"]


def test_other_models_are_refused(tmp_path):
    wrong = keras.Sequential([keras.Input((8,), name="x"), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="image, message and strength"):
        export_saved_model(wrong, build_extractor((16, 16), width=8), tmp_path / "net")
    assert not (tmp_path / "net").exists()


def test_full_disk_leaves_nothing(models, packaged, tmp_path):
    """A limit on the size of files makes writing fail as a full disk does."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    works = (
        lambda: export_saved_model(*models, tmp_path / "new" / "net"),
        lambda: write_tflite(packaged / "1", tmp_path / "net.tflite"),
    )
    for work in works:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
        try:
            with pytest.raises(OSError, match=r": File too large\. Nothing was changed\.$"):
                work()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())
