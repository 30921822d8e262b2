"""Writing a watermarked network: the host that does a task and marks, and the mark's extractor.

Other than the networks of `tfwm.export.package`, it has no embedder: the signatures are
`run(image) -> {"output"}` and `extract(image, key) -> {"watermark"}`. The key is an input, and
stored nowhere.
"""

from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from skimage import data

import tfwm.models  # noqa: F401  registers the layers that the models are made of
from tfwm.export.golden import GOLDEN
from tfwm.export.package import open_package
from tfwm.export.tflite import tflite_name, write_tflites
from tfwm.export.verify import VerifyReport
from tfwm.networks.card import CARD, read_card
from tfwm.networks.manifest import MANIFEST, changed_files, read_manifest
from tfwm.networks.tflite_network import interpreter_class

HOST, EXTRACTOR = "host.keras", "extractor.keras"
SIGNATURES = ("run", "extract")
# Largest difference (RMS, of pixels in [0, 1]) to the golden tensors.
TOLERANCES = {
    "keras": 1e-3,
    "saved_model": 1e-3,
    "tflite float32": 1e-3,
    "tflite float16": 1e-2,
    "tflite int8": 0.1,
}


def package_keyed(host, extractor, directory, card, files=None, key=None):
    """Writes a watermarked network in every form, with card and checksums, and verifies it.

    The folder holds `1/` (SavedModel), `<name>.tflite`, `<name>-float16.tflite`,
    `<name>-int8.tflite`, `host.keras`, `extractor.keras`, `card.json`, `golden.npz` and
    `manifest.json`. It appears whole, and only if the golden tensors come out alike in all
    forms; an older folder of that name is replaced.

    Args:
        host: `keras.Model` from an image to an image, both in [0, 1].
        extractor: `keras.Model` from `{"image", "key"}` to the watermark.
        directory: folder to write.
        card: dict, see `tfwm.export.make_card`; the files are called after its `name`.
        files: dict of more files to add, name to bytes.
        key: the owner's, with which all forms must read alike as well; it is not stored. With
            the golden tensors' random key a trained extractor gives plain gray.

    Returns:
        `pathlib.Path` of the folder.
    """
    with open_package(directory, card, files, partial(verify_keyed, key=key)) as draft:
        archive = keras.export.ExportArchive()
        endpoints = make_keyed_endpoints(host, extractor)
        for signature, function in endpoints.items():
            archive.add_endpoint(signature, function)
        archive.write_out(str(draft / "1"), verbose=False)
        write_tflites(draft, card["name"], SIGNATURES)
        host.save(draft / HOST)
        extractor.save(draft / EXTRACTOR)
        np.savez_compressed(draft / GOLDEN, **_make_golden(host, extractor, endpoints))
    return Path(directory)


def make_keyed_endpoints(host, extractor):
    """Returns the signatures of a watermarked network, `{"run": ..., "extract": ...}`.

    `run(image)` returns `{"output"}`, clipped to [0, 1]; `extract(image, key)` returns
    `{"watermark"}`; the batch is free, and with most hosts so are height and width of `run`.
    """
    inputs = {
        name: tf.TensorSpec((None, *extractor.input[name].shape[1:]), tf.float32, name=name)
        for name in ("image", "key")
    }

    def extract(image, key):
        read = extractor({"image": image, "key": key}, training=False)
        return {"watermark": tf.cast(read, tf.float32)}

    return {
        "run": make_run_endpoint(host),
        "extract": tf.function(extract, input_signature=[inputs["image"], inputs["key"]]),
    }


def make_run_endpoint(host):
    """Returns the signature `run(image) -> {"output"}` of a host alone."""
    if len(host.inputs) != 1 or len(host.outputs) != 1:
        raise ValueError(
            "Expected a host with one input and one output. "
            f"Received: {len(host.inputs)} and {len(host.outputs)}"
        )
    image = tf.TensorSpec((None, *host.inputs[0].shape[1:]), tf.float32, name="image")

    def run(image):
        output = tf.cast(host(image, training=False), tf.float32)
        return {"output": tf.clip_by_value(output, 0.0, 1.0)}

    return tf.function(run, input_signature=[image])


def read_keyed_model(folder, name):
    """Reads `host.keras` or `extractor.keras` of a network's folder."""
    path = Path(folder) / name
    if not path.is_file():
        raise FileNotFoundError(f"There is no {name} in {folder}: expected a watermarked network.")
    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:  # a damaged archive fails in many ways
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise ValueError(f"{path} is damaged or not a model of tfwm: {reason}") from error


def keyed_runtime(folder, kind):
    """Opens one form of a watermarked network.

    Args:
        folder: its folder.
        kind: `"keras"`, `"saved_model"`, `"tflite float32"`, `"tflite float16"`, `"tflite int8"`.

    Returns:
        dict of functions of float32 arrays by name, as the signatures: `run(image=...)` and
        `extract(image=..., key=...)`, which return dicts.
    """
    folder = Path(folder)
    if kind == "keras":
        models = [read_keyed_model(folder, name) for name in (HOST, EXTRACTOR)]
        return make_keyed_endpoints(*models)
    if kind == "saved_model":
        loaded = tf.saved_model.load(str(folder / "1"))

        def call(name, inputs):
            return loaded.signatures[name](**{k: tf.constant(v) for k, v in inputs.items()})

        return {name: lambda name=name, **inputs: call(name, inputs) for name in SIGNATURES}
    path = folder / tflite_name(read_card(folder)["name"], kind.removeprefix("tflite "))
    interpreter = interpreter_class()(model_path=str(path))
    return {name: interpreter.get_signature_runner(name) for name in SIGNATURES}


def verify_keyed(folder, key=None):
    """Checks a watermarked network as `tfwm.export.verify` does others; returns its report.

    Args:
        folder: its folder.
        key: the owner's, with which all forms must read as the Keras models do, or `None`.
    """
    folder = Path(folder)
    report = VerifyReport(folder.name, str(folder))
    try:
        report.name = read_card(folder)["name"]
        listed, problems = read_manifest(folder)["files"], changed_files(folder)
        with np.load(folder / GOLDEN) as file:
            golden = dict(file)
    except (OSError, ValueError) as error:
        report.add("files", False, str(error).splitlines()[0])
        return report
    for problem in problems:
        report.add("files", False, problem)
    if not problems:
        report.add("files", True, f"{len(listed)} files have their size and SHA-256")
    report.add("card", True, f"{CARD} can be read, {MANIFEST} as well")
    for kind, limit in TOLERANCES.items():
        _replay(report, folder, kind, golden, key, limit)
    return report


def _replay(report, folder, kind, golden, key, limit):
    try:
        runtime = keyed_runtime(folder, kind)
        run, extract = runtime["run"], runtime["extract"]
        found = {"output": run(image=np.float32(golden["image"] / 255))["output"]}
        for name, bits in (("watermark", golden["key"]), ("watermark with the key", key)):
            if bits is not None:
                bits = np.broadcast_to(bits, golden["key"].shape).astype(np.float32)
                found[name] = extract(image=golden["output"], key=bits)["watermark"]
        # No file tells what the key reads: there the first form, the Keras models, is golden.
        errors = {
            name: _rms(value, golden.setdefault(name, np.asarray(value)))
            for name, value in found.items()
        }
    except Exception as error:  # whatever a damaged file raises belongs into the report
        lines = str(error).strip().splitlines() or [type(error).__name__]
        report.add(kind, False, f"cannot be run: {lines[0][:200]}")
        return
    detail = ", ".join(f"{name} differs by {error:.1e}" for name, error in errors.items())
    report.add(kind, all(e <= limit for e in errors.values()), f"{detail} (limit {limit:g})")


def _make_golden(host, extractor, endpoints, seed=0):
    """Crops of a photo, what the host makes of them, and what a random key reads."""
    shape = tuple(extractor.input["image"].shape[1:])
    # The host's input may be smaller than its output, by a whole factor.
    trial = endpoints["run"](tf.zeros((1, *_input_shape(host, *shape[:2]))))["output"]
    factor = max(trial.shape[1] // shape[0], 1)
    height, width, channels = _input_shape(host, *(side // factor for side in shape[:2]))
    photo = data.camera()[..., None] if channels == 1 else data.astronaut()
    image = np.stack([_crop(photo, *corner, height, width) for corner in ((0, 100), (60, 180))])
    output = endpoints["run"](tf.constant(np.float32(image / 255)))["output"]
    if tuple(output.shape[1:]) != shape:
        raise ValueError(
            f"Expected a host whose outputs are {shape}, as the extractor's images are. "
            f"Received: outputs of {tuple(output.shape[1:])}"
        )
    bits = extractor.input["key"].shape[-1]
    # Not the owner's key.
    key = np.random.default_rng(seed).integers(0, 2, (len(image), bits)).astype(np.uint8)
    read = endpoints["extract"](output, tf.constant(np.float32(key)))["watermark"]
    return {"image": image, "output": output.numpy(), "key": key, "watermark": read.numpy()}


def _input_shape(host, rows, columns):
    """A host's input, with the given sides where its own are free."""
    _, height, width, channels = host.inputs[0].shape
    return height or rows, width or columns, channels


def _crop(photo, top, left, height, width):
    """A part of a photo, which goes on from its start where it is too small."""
    rows = np.arange(top, top + height) % photo.shape[0]
    return photo[rows][:, np.arange(left, left + width) % photo.shape[1]]


def _rms(found, expected):
    return float(np.sqrt(np.mean(np.square(np.asarray(found, np.float64) - expected))))
