"""The forms of a network (Keras, SavedModel, TFLite): files, signatures, and how each is opened."""

import dataclasses
import warnings
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import tfwm.models  # noqa: F401  registers the layers that the models are made of
from tfwm.checks import nearest, one_line
from tfwm.networks.card import KINDS, kind_of
from tfwm.networks.places import how_to_get, is_partial
from tfwm.startup import check_fork

TFLITE_FORMATS = ("float32", "float16", "int8")
FORMS = ("keras", "saved_model", *(f"tflite {name}" for name in TFLITE_FORMATS))


@dataclasses.dataclass(eq=False)
class Form:
    """One form of a network, opened.

    Args:
        name: `"keras"`, `"saved_model"` or `"tflite"`.
        functions: dict of signature names and functions from arrays, given by name, to a dict.
        sizes: dict of the input names of the first signature and their last dimension.
        runtime: what runs them, kept alive with them.

    Call it with a signature's name and its inputs by name: `form("extract", image=image)`. It
    returns a dict of arrays.
    """

    name: str
    functions: dict[str, Callable]
    sizes: dict[str, int]
    runtime: object = None

    def __call__(self, signature, **inputs):
        check_fork()
        return {key: np.asarray(x) for key, x in self.functions[signature](**inputs).items()}


def tflite_name(name, number_format):
    """Returns the name of a TFLite file: `<name>.tflite`, or `<name>-<number format>.tflite`."""
    return f"{name}.tflite" if number_format == "float32" else f"{name}-{number_format}.tflite"


def form_files(name, folder, card):
    """Returns the paths that a form, one of `FORMS`, consists of, whether they are there or not."""
    folder = Path(folder)
    if name == "keras":
        return [folder / file for file in kind_of(card).keras_files]
    if name == "saved_model":
        return [newest_version(folder) / "saved_model.pb"]
    name, number_format = card.get("name", folder.name), name.removeprefix("tflite ")
    return [folder / tflite_name(name, number_format)]


def newest_version(folder):
    """Returns the folder of the newest SavedModel, `folder/1` if there is none."""
    versions = [p for p in folder.iterdir() if p.name.isdecimal() and p.is_dir()]
    return max(versions, key=lambda p: int(p.name), default=folder / "1")


def available_form(folder, card):
    """Returns the name of the form that is taken from a network's folder.

    The SavedModel if there is one, else the most exact TFLite file, else the Keras files.
    """
    newest = newest_version(folder)
    if newest.is_dir() and not (newest / "saved_model.pb").is_file():
        raise FileNotFoundError(f"The network {newest} is incomplete: saved_model.pb is missing.")
    for name in (*FORMS[1:], FORMS[0]):
        if all(path.is_file() for path in form_files(name, folder, card)):
            return name
    if is_partial(folder):
        name = Path(folder).name
        raise FileNotFoundError(f"The network {name} is not here. {how_to_get(name)}")
    raise FileNotFoundError(
        f"There is no network in {folder}: expected a SavedModel in {folder / '1'}, a TFLite file "
        f"or {' and '.join(kind_of(card).keras_files)}."
    )


def find_keras_models(folder):
    """Returns the folder that holds the models: `folder`, or the one of its folders that does.

    Args:
        folder: folder of a run, or of an exported network.

    Example:

    >>> find_keras_models("runs/redmark-mt")  # doctest: +SKIP
    PosixPath('runs/redmark-mt/redmark-mt')
    """
    folder = Path(folder)
    files = {file for kind in KINDS.values() for file in kind.keras_files}
    if any((folder / name).is_file() for name in files):
        return folder
    found = sorted(path.parent for path in folder.glob("*/extractor.keras"))
    if len(found) > 1:
        raise ValueError(f"Several networks are in {folder}: name one, such as {found[0]}.")
    return found[0] if found else folder


def read_keras_models(folder, kind="message"):
    """Reads the two Keras models of a network.

    Args:
        folder: the folder that holds them, see `find_keras_models`.
        kind: `"message"` and `"barrier"` have an embedder and an extractor, `"keyed"` a host and
            an extractor.

    Returns:
        Tuple of two `keras.Model`. Raises `FileNotFoundError` if one is missing, `ValueError` if
        one is damaged.

    Example:

    >>> from tfwm.networks import network_directory
    >>> embedder, extractor = read_keras_models(network_directory("redmark-mt"))
    """
    return tuple(read_keras_model(Path(folder) / name) for name in KINDS[kind].keras_files)


def read_keras_model(path):
    """Reads one Keras model, see `read_keras_models`."""
    check_fork()
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no {path.name} in {path.parent}: expected the folder of a finished run or "
            "of an exported network."
        )
    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:  # a damaged archive fails in many ways
        raise ValueError(f"{path} is damaged or not a model of tfwm: {one_line(error)}") from error


def open_form(name, folder, card, num_threads=1):
    """Opens one form of a network of any kind.

    Args:
        name: one of `FORMS`.
        folder: the network's folder.
        card: its card.
        num_threads: threads for a TFLite file.

    Returns:
        `Form`. Raises `ValueError` or `FileNotFoundError`, in one line, if it cannot be read.

    Example:

    >>> folder = network_directory("keyed-colorize")  # doctest: +SKIP
    >>> form = open_form("saved_model", folder, read_card(folder))  # doctest: +SKIP
    >>> colored = form("run", image=gray)["output"]  # doctest: +SKIP
    """
    nearest("form", name, FORMS)
    return open_files(form_files(name, folder, card), kind_of(card), num_threads)


def open_files(files, kind, num_threads=1):
    """Opens the form that `form_files` names, of a network of a `Kind`; returns a `Form`."""
    check_fork()
    (first, *rest) = files
    if rest:
        return open_keras(*read_keras_models(first.parent, kind.name), kind.name)
    if first.suffix == ".tflite":
        return _open_tflite(first, kind, num_threads)
    return _open_saved_model(first.parent, kind)


def open_keras(first, second, kind="message"):
    """Opens two Keras models as the signatures of a kind; they may go on changing."""
    endpoints = make_endpoints(first, second, kind)
    functions = {key: _of_arrays(x.get_concrete_function()) for key, x in endpoints.items()}
    sizes = {tensor.name: tensor.shape[-1] for tensor in first.inputs}
    return Form("keras", functions, sizes, (first, second))


def _open_saved_model(path, kind):
    try:
        model = tf.saved_model.load(str(path))
    except Exception as error:  # a damaged file fails inside TensorFlow in many ways
        raise ValueError(
            f"The network {path} cannot be read, it is incomplete or damaged: {one_line(error)}"
        ) from error
    signatures = model.signatures
    if set(kind.signatures) - set(signatures):
        raise ValueError(
            f"Expected a SavedModel with the signatures {' and '.join(kind.signatures)}. "
            f"Received: {path} with {sorted(signatures)}"
        )
    functions = {name: _of_arrays(signatures[name]) for name in kind.signatures}
    specs = signatures[kind.signatures[0]].structured_input_signature[1]
    sizes = {name: spec.shape[-1] for name, spec in specs.items() if spec.shape.rank}
    return Form("saved_model", functions, sizes, model)


def _open_tflite(path, kind, num_threads):
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no TFLite file {path}.")
    try:
        with warnings.catch_warnings():  # TensorFlow's own interpreter calls itself outdated
            warnings.filterwarnings("ignore", r"\s*Warning: tf.lite.Interpreter is deprecated")
            interpreter = interpreter_class()(model_path=str(path), num_threads=num_threads)
        functions = {key: interpreter.get_signature_runner(key) for key in kind.signatures}
    except (ValueError, RuntimeError) as error:
        raise ValueError(
            f"{path} is not a TFLite file with the signatures {' and '.join(kind.signatures)}: "
            f"{one_line(error)}"
        ) from error
    details = functions[kind.signatures[0]].get_input_details()
    sizes = {key: int(x["shape"][-1]) for key, x in details.items() if len(x["shape"])}
    return Form("tflite", functions, sizes, interpreter)


def _of_arrays(function):
    return lambda **inputs: function(**{key: tf.constant(x) for key, x in inputs.items()})


def interpreter_class():
    """Returns the interpreter of TFLite files that is installed."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        return tf.lite.Interpreter
    return Interpreter


def make_endpoints(first, second, kind="message"):
    """Returns the signatures of a network of any kind, `{name: tf.function}`.

    Args:
        first: the embedder of a message network or of a barrier; the host of a keyed network.
        second: its extractor.
        kind: `"message"`, `"barrier"` or `"keyed"`.

    Returns:
        For a keyed network, `run(image) -> {"output"}` and
        `extract(image, key) -> {"watermark"}`. For the others,
        `embed(image, message, strength) -> {"watermarked"}`, the image plus the residual times
        the float32 scalar `strength`, and `extract(image) -> {"logits"}`. Images that come out
        are clipped to [0, 1].
    """

    def embed(image, message, strength):
        per_image = tf.fill(tf.shape(image)[:1], strength)
        inputs = {"image": image, "message": message, "strength": per_image}
        watermarked = tf.cast(first(inputs, training=False), tf.float32)
        return {"watermarked": tf.clip_by_value(watermarked, 0.0, 1.0)}

    def extract(image):
        return {"logits": tf.cast(second(image, training=False), tf.float32)}

    def extract_with_key(image, key):
        read = second({"image": image, "key": key}, training=False)
        return {"watermark": tf.cast(read, tf.float32)}

    if kind == "keyed":
        inputs = {name: second.input[name] for name in ("image", "key")}
        return {"run": make_run_endpoint(first), "extract": _endpoint(extract_with_key, inputs)}
    inputs = {tensor.name: tensor for tensor in first.inputs}
    if sorted(inputs) != ["image", "message", "strength"]:
        raise ValueError(
            "Expected an embedder with the inputs image, message and strength. "
            f"Received: a model with the inputs {list(inputs)}"
        )
    image, message = {"image": inputs["image"]}, {"message": inputs["message"]}
    strength = tf.TensorSpec((), tf.float32, name="strength")
    return {
        "embed": _endpoint(embed, image | message, strength),
        "extract": _endpoint(extract, image),
    }


def make_run_endpoint(host):
    """Returns the signature `run(image) -> {"output"}` of a host alone."""
    if len(host.inputs) != 1 or len(host.outputs) != 1:
        raise ValueError(
            "Expected a host with one input and one output. "
            f"Received: {len(host.inputs)} and {len(host.outputs)}"
        )

    def run(image):
        output = tf.cast(host(image, training=False), tf.float32)
        return {"output": tf.clip_by_value(output, 0.0, 1.0)}

    return _endpoint(run, {"image": host.inputs[0]})


def _endpoint(function, inputs, *specs):
    """A function with a signature: float32, and a batch and sides as free as those of a model."""
    free = [tf.TensorSpec((None, *x.shape[1:]), tf.float32, name=k) for k, x in inputs.items()]
    return tf.function(function, input_signature=[*free, *specs])
