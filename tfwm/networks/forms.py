"""The forms of a network (Keras, SavedModel, TFLite), each opened as functions of arrays."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from tfwm.checks import nearest, one_line
from tfwm.networks.endpoints import make_endpoints
from tfwm.networks.keras_files import read_keras_models
from tfwm.networks.kinds import kind_of
from tfwm.networks.places import how_to_get, is_partial

TFLITE_FORMATS = ("float32", "float16", "int8")
FORMS = ("keras", "saved_model", *(f"tflite {name}" for name in TFLITE_FORMATS))


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

    def __init__(self, name, functions, sizes, runtime=None):
        self.name = name
        self.functions = functions
        self.sizes = sizes
        self.runtime = runtime

    def __call__(self, signature, **inputs):
        return {key: np.asarray(x) for key, x in self.functions[signature](**inputs).items()}


def tflite_name(name, number_format):
    """Returns the name of a TFLite file: `<name>.tflite`, or `<name>-<number format>.tflite`."""
    return f"{name}.tflite" if number_format == "float32" else f"{name}-{number_format}.tflite"


def form_files(name, folder, card):
    """Returns the paths that a form consists of, whether they are there or not.

    Args:
        name: one of `FORMS`.
        folder: the network's folder.
        card: its card.
    """
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
    (first, *rest) = files
    if rest:
        return open_keras(*read_keras_models(first.parent, kind.name), kind.name)
    if first.suffix == ".tflite":
        return _open_tflite(first, kind, num_threads)
    return _open_saved_model(first.parent, kind)


def open_keras(first, second, kind="message"):
    """Opens two Keras models as the signatures of a kind; they may go on changing."""
    endpoints = {
        name: function.get_concrete_function()
        for name, function in make_endpoints(first, second, kind).items()
    }

    def call(function, inputs):
        return function(**{name: tf.constant(value) for name, value in inputs.items()})

    functions = {k: lambda f=f, **inputs: call(f, inputs) for k, f in endpoints.items()}
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

    def call(name, inputs):
        return signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})

    functions = {name: lambda name=name, **x: call(name, x) for name in kind.signatures}
    specs = signatures[kind.signatures[0]].structured_input_signature[1]
    sizes = {name: spec.shape[-1] for name, spec in specs.items() if spec.shape.rank}
    return Form("saved_model", functions, sizes, model)


def _open_tflite(path, kind, num_threads):
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no TFLite file {path}.")
    try:
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


def interpreter_class():
    """Returns the interpreter of TFLite files that is installed."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        return tf.lite.Interpreter
    return Interpreter
