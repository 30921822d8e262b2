"""The forms that TensorFlow runs: Keras models and SavedModels, and their signatures."""

import tempfile
from pathlib import Path

import tensorflow as tf

from tfwm.checks import one_line
from tfwm.networks.form import Form
from tfwm.networks.inside import list_files
from tfwm.networks.operations import check_saved_model


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


def open_saved_model(files, place, kind):
    """Opens the SavedModel in the folder `place` of `NetworkFiles`; see `open_files`."""
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


def _of_arrays(function):
    return lambda **inputs: function(**{key: tf.constant(x) for key, x in inputs.items()})


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
