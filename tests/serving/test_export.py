"""Networks for TensorFlow Serving: version folders, configuration, warm-up, a bare process."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfwm.images import read_photo
from tfwm.payload import encode_slots
from tfwm.serving.export import BATCHING, MODELS, WARM_UP, batching_config, models_config
from tfwm.serving.signatures import SIGNATURES
from tfwm.watermarker import load

BARE = """
import json, sys
import numpy as np, tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
inputs = {k: tf.constant(v.tolist() if v.dtype == object else v)
          for k, v in np.load(sys.argv[2], allow_pickle=True).items()}
marked = model.signatures["embed_bytes"](**inputs)
read = model.signatures["extract_bytes"](image_bytes=marked["image_bytes"])
single = [model.signatures["embed_bytes"](**{k: v[n:n + 1] for k, v in inputs.items()})
          for n in range(len(inputs["image_bytes"]))]
alike = [bool(one["image_bytes"][0] == marked["image_bytes"][n]) for n, one in enumerate(single)]
specs = {name: [{k: [v.shape.as_list(), v.dtype.name] for k, v in part.items()}
                for part in (f.structured_input_signature[1], f.structured_outputs)]
         for name, f in model.signatures.items()}
np.savez(sys.argv[3], files=marked["image_bytes"].numpy(), votes=read["votes"].numpy(),
         psnr=marked["psnr"].numpy(), error=marked["error"].numpy())
print(json.dumps({"specs": specs, "alike": alike,
                  "tfwm": any(name.startswith("tfwm") for name in sys.modules)}))
"""


def test_configuration_names_all_networks(tmp_path):
    text_format = pytest.importorskip("google.protobuf.text_format")
    server = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")
    for name in ("photo/1", "photo/2", "mine/1"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "saved_model.pb").touch()
    (tmp_path / "other").mkdir()
    text = models_config(tmp_path, "/models/")
    config = text_format.Parse(text, server.ModelServerConfig())
    found = [(entry.name, entry.base_path) for entry in config.model_config_list.config]
    assert found == [("mine", "/models/mine"), ("photo", "/models/photo")]
    assert "max_batch_size { value: 8 }" in batching_config()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    from tfwm.cli import main

    folder = tmp_path_factory.mktemp("served")
    for _ in range(2):
        assert main(["export", "redmark-mt", str(folder), "--forms", "serving"]) in (0, None)
    return folder


@pytest.fixture
def inputs(photos):
    codec = load("redmark-mt").codec("secret")
    files = [*photos, b"nothing"]
    arrays = {
        "image_bytes": np.array([*files, b""], object)[:-1],
        "message": np.tile(encode_slots(codec, "Ada"), (len(files), 1)).astype(np.float32),
        "strength": np.float32([1, 1.5, 1, 1, 1]),
        "format": np.array([b"png", b"png", b"png", b"keep", b"png"], object),
        "quality": np.int32([95, 95, 95, 90, 95]),
    }
    return arrays


@pytest.mark.slow
def test_bare_process_marks_as_python_does(served, inputs, tmp_path):
    np.savez(tmp_path / "in.npz", **inputs)
    version = served / "redmark-mt" / "2"
    command = [sys.executable, "-c", BARE, version, tmp_path / "in.npz", tmp_path / "out.npz"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert not told["tfwm"] and all(told["alike"])
    known = {"slots": 1024, "channels": 1, "bits": 1}
    for name, signature in SIGNATURES.items():
        for found, tensors in zip(
            told["specs"][name], (signature.inputs, signature.outputs), strict=True
        ):
            assert {key: tuple(shape) for key, (shape, _) in found.items()} == {
                tensor.name: tensor.sides(**known) for tensor in tensors
            }
    watermarker = load("redmark-mt")
    codec = watermarker.codec("secret")
    with np.load(tmp_path / "out.npz", allow_pickle=True) as out:
        assert [bool(line) for line in out["error"]] == [False] * 4 + [True]
        assert np.isnan(out["votes"][4]).all() and out["files"][4] == b""
        assert Image.open(io.BytesIO(out["files"][3])).format == "JPEG"
        for n in range(4):
            assert codec.decode(out["votes"][n]).message == "Ada"
            marked = watermarker.prepare(inputs["image_bytes"][n], "Ada", key="secret", bound=False)
            marked = marked.apply(float(inputs["strength"][n]))
            copy = read_photo(out["files"][n])
            if n < 3:
                # Runtimes differ in the last bits of what a network gives: a level flips rarely.
                off = np.abs(copy.pixels.astype(int) - marked.pixels)
                assert off.max() <= 1 and (off > 0).mean() < 1e-4
            assert out["psnr"][n] == pytest.approx(
                10
                * np.log10(
                    255**2
                    / np.mean(
                        (marked.pixels.astype(float) - read_photo(inputs["image_bytes"][n]).pixels)
                        ** 2
                    )
                ),
                abs=0.01,
            )


@pytest.mark.slow
def test_saved_model_cli(served, inputs, tmp_path):
    np.save(tmp_path / "files.npy", inputs["image_bytes"], allow_pickle=True)
    tool = Path(sys.executable).parent / "saved_model_cli"
    command = [tool, "run", "--dir", served / "redmark-mt" / "1", "--tag_set", "serve"]
    command += ["--signature_def", "extract_bytes", "--outdir", tmp_path]
    command += ["--inputs", f"image_bytes={tmp_path / 'files.npy'}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    votes = np.load(tmp_path / "votes.npy")
    expected = load("redmark-mt").read_votes(inputs["image_bytes"][1])
    np.testing.assert_allclose(votes[1], expected, rtol=1e-3, atol=1e-2)


@pytest.mark.slow
def test_folder_is_what_tensorflow_serving_wants(served):
    logs = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    import tensorflow as tf

    assert sorted(path.name for path in served.iterdir()) == sorted(
        [BATCHING, MODELS, "redmark-mt"]
    )
    assert sorted(p.name for p in (served / "redmark-mt").iterdir()) == ["1", "2"]
    model = tf.saved_model.load(served / "redmark-mt" / "1")
    count = 0
    for record in tf.data.TFRecordDataset(str(served / "redmark-mt" / "1" / WARM_UP)):
        request = logs.PredictionLog.FromString(record.numpy()).predict_log.request
        assert request.model_spec.name == "redmark-mt"
        run = model.signatures[request.model_spec.signature_name]
        inputs = {key: tf.constant(tf.make_ndarray(x)) for key, x in request.inputs.items()}
        assert not any(run(**inputs)["error"].numpy())
        count += 1
    assert count == 4
