"""The forms of a network (Keras, SavedModel, TFLite): files, signatures, and how each is opened."""

import contextlib
import dataclasses
import tempfile
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfwm.checks import nearest, one_line
from tfwm.networks.card import kind_of
from tfwm.networks.inside import list_files
from tfwm.networks.keras_files import read_keras_models
from tfwm.networks.network_files import NetworkFiles
from tfwm.networks.operations import check_saved_model, check_tflite
from tfwm.networks.places import how_to_get, is_partial
from tfwm.startup import check_fork, quiet

TFLITE_FORMATS = ("float32", "float16", "int8")
FORMS = ("keras", "saved_model", *(f"tflite {name}" for name in TFLITE_FORMATS))


@dataclasses.dataclass(eq=False)
class Form:
    """One form of a network, opened.

    Args:
        name: `"keras"`, `"saved_model"` or `"tflite"`.
        functions: dict of signature names and functions from arrays, given by name, to a dict.
        inputs: dict of signature names and their inputs, name to shape; `None` is a free side.
        runtime: what runs them, kept alive with them.

    Call it with a signature's name and its inputs by name: `form("extract", image=image)`. It
    returns a dict of arrays. A `strength` may be one number or one for each image: forms that take
    a single number, as all did once, are run for each image.
    """

    name: str
    functions: dict[str, Callable]
    inputs: dict[str, dict]
    runtime: object = None

    def __call__(self, signature, **inputs):
        check_fork()
        if "strength" not in inputs:
            return self._run(signature, inputs)
        strength = np.float32(inputs["strength"])
        if self.inputs[signature]["strength"]:
            strength = np.broadcast_to(strength, len(inputs["image"]))
        elif strength.ndim and (strength != strength[:1]).any():
            singles = [
                self(signature, **{key: x[n : n + 1] for key, x in inputs.items()})
                for n in range(len(strength))
            ]
            return {key: np.concatenate([one[key] for one in singles]) for key in singles[0]}
        elif strength.ndim:
            strength = strength[0]
        return self._run(signature, {**inputs, "strength": strength})

    def _run(self, signature, inputs):
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


def available_form(files, card):
    """Returns the name of the form that is taken from a network's folder.

    The SavedModel if there is one that may be run, else the most exact TFLite file, else the Keras
    files.

    Args:
        files: `NetworkFiles`.
        card: its card, `{}` if there is none.
    """
    folder = files.folder
    newest = newest_version(folder)
    if newest.is_dir() and not (newest / "saved_model.pb").is_file():
        raise FileNotFoundError(f"The network {newest} is incomplete: saved_model.pb is missing.")
    here = [name for name in (*FORMS[1:], FORMS[0]) if _is_here(name, folder, card)]
    if here[1:] and here[0] == "saved_model" and not files.trusted():
        return here[1]
    if here:
        return here[0]
    if is_partial(folder):
        name = Path(folder).name
        raise FileNotFoundError(f"The network {name} is not here. {how_to_get(name)}")
    raise FileNotFoundError(
        f"There is no network in {folder}: expected a SavedModel in {folder / '1'}, a TFLite file "
        f"or {' and '.join(kind_of(card).keras_files)}."
    )


def _is_here(name, folder, card):
    return all(path.is_file() for path in form_files(name, folder, card))


def open_form(name, folder, card, num_threads=1):
    """Opens one form of a network of any kind.

    Args:
        name: one of `FORMS`.
        folder: the network's folder, or its `NetworkFiles`: a SavedModel that does not come with
            tfwm needs `NetworkFiles(folder, trust=True)`.
        card: its card.
        num_threads: threads for a TFLite file.

    Returns:
        `Form`. Raises `ValueError` or `FileNotFoundError`, in one line, if it cannot be read, or
        may do more than compute.

    Example:

    >>> folder = network_directory("keyed-colorize")  # doctest: +SKIP
    >>> form = open_form("saved_model", folder, read_card(folder))  # doctest: +SKIP
    >>> colored = form("run", image=gray)["output"]  # doctest: +SKIP
    """
    nearest("form", name, FORMS)
    files = NetworkFiles.of(folder)
    names = [path.relative_to(files.folder) for path in form_files(name, files.folder, card)]
    return open_files(files, [name.as_posix() for name in names], kind_of(card), num_threads)


def open_files(files, names, kind, num_threads=1):
    """Opens the form that consists of files of these names, of a network of a `Kind`.

    Args:
        files: `NetworkFiles`.
        names: the two Keras files, one TFLite file, or the `saved_model.pb` of a SavedModel.
        kind: `Kind`.
        num_threads: threads for a TFLite file.
    """
    check_fork()
    (first, *rest) = names
    if rest:
        return open_keras(*read_keras_models(files, kind.name), kind.name)
    if first.endswith(".tflite"):
        return _open_tflite(files, first, kind, num_threads)
    return _open_saved_model(files, first.removesuffix("saved_model.pb"), kind)


def open_keras(first, second, kind="message", compiled=True):
    """Opens two Keras models as the signatures of a kind; they may go on changing.

    Args:
        first: embedder or host.
        second: extractor.
        kind: name of the kind.
        compiled: whether they run as graphs, whose making takes seconds.
    """
    endpoints = make_endpoints(first, second, kind)
    functions = {
        key: _of_arrays(x.get_concrete_function() if compiled else x.python_function)
        for key, x in endpoints.items()
    }
    inputs = {
        key: {spec.name: tuple(spec.shape) for spec in x.input_signature}
        for key, x in endpoints.items()
    }
    return Form("keras", functions, inputs, (first, second))


def _open_saved_model(files, place, kind):
    path = files.folder / place
    if not files.trusted():
        raise ValueError(
            f"Expected a TFLite file or Keras files. Received: {path}, a SavedModel that does not "
            "come with tfwm, and a SavedModel is a program. If you trust who made it, add --trust "
            "(in Python trust=True)."
        )
    graph = files.read(f"{place}saved_model.pb")
    if not files.shipped:
        check_saved_model(graph, path)
    with tempfile.TemporaryDirectory(prefix="tfwm-") as draft:  # what was checked, and nothing else
        (Path(draft) / "variables").mkdir()
        (Path(draft) / "saved_model.pb").write_bytes(graph)
        for name in list_files(files.folder / place / "variables"):
            (Path(draft) / "variables" / name).write_bytes(files.read(f"{place}variables/{name}"))
        try:
            model = tf.saved_model.load(draft)
        except Exception as error:  # a damaged file fails inside TensorFlow in many ways
            reason = one_line(error).replace(draft, str(path))
            raise ValueError(
                f"The network {path} cannot be read, it is incomplete or damaged: {reason}"
            ) from error
    signatures = model.signatures
    if set(kind.signatures) - set(signatures):
        raise ValueError(
            f"Expected a SavedModel with the signatures {' and '.join(kind.signatures)}. "
            f"Received: {path} with {sorted(signatures)}"
        )
    functions = {name: _of_arrays(signatures[name]) for name in kind.signatures}
    specs = {name: signatures[name].structured_input_signature[1] for name in kind.signatures}
    inputs = {
        name: {key: tuple(spec.shape) for key, spec in found.items()}
        for name, found in specs.items()
    }
    return Form("saved_model", functions, inputs, model)


def _open_tflite(files, name, kind, num_threads):
    data, path = files.read(name), files.folder / name
    if not files.shipped:
        check_tflite(data, path)
    try:
        with warnings.catch_warnings():  # TensorFlow's own interpreter calls itself outdated
            warnings.filterwarnings("ignore", r"\s*Warning: tf.lite.Interpreter is deprecated")
            interpreter = interpreter_class()(model_content=data, num_threads=num_threads)
        with quiet(), contextlib.suppress(ValueError, RuntimeError):
            interpreter.allocate_tensors()  # the first one writes a line about its delegate
        runners = {key: interpreter.get_signature_runner(key) for key in kind.signatures}
    except (ValueError, RuntimeError) as error:
        raise ValueError(
            f"{path} is not a TFLite file with the signatures {' and '.join(kind.signatures)}: "
            f"{one_line(error)}"
        ) from error
    lock = threading.Lock()  # one interpreter runs one input at a time
    functions = {key: _one_at_a_time(runner, lock) for key, runner in runners.items()}
    inputs = {
        key: {name: _free_shape(x) for name, x in runner.get_input_details().items()}
        for key, runner in runners.items()
    }
    return Form("tflite", functions, inputs, interpreter)


def _one_at_a_time(runner, lock):
    def run(**inputs):
        with lock:
            return runner(**inputs)

    return run


def _free_shape(details):
    return tuple(None if side < 0 else int(side) for side in details["shape_signature"])


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
        the image's `strength`, float32 `(batch,)`, and `extract(image) -> {"logits"}`. Images that
        come out are clipped to [0, 1].
    """

    def embed(image, message, strength):
        inputs = {"image": image, "message": message, "strength": strength}
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
    strength = tf.TensorSpec((None,), tf.float32, name="strength")
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
