"""The functions that networks answer to in every form, made from their Keras models."""

import tensorflow as tf


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
    if kind == "keyed":
        return {"run": make_run_endpoint(first), "extract": _keyed_extract(second)}
    return {"embed": _embed(first), "extract": _extract(first, second)}


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

    return tf.function(run, input_signature=[_spec("image", host.inputs[0])])


def _embed(embedder):
    def embed(image, message, strength):
        per_image = tf.fill(tf.shape(image)[:1], strength)
        inputs = {"image": image, "message": message, "strength": per_image}
        watermarked = tf.cast(embedder(inputs, training=False), tf.float32)
        return {"watermarked": tf.clip_by_value(watermarked, 0.0, 1.0)}

    inputs = _inputs_by_name(embedder)
    specs = [_spec(name, inputs[name]) for name in ("image", "message")]
    strength = tf.TensorSpec((), tf.float32, name="strength")
    return tf.function(embed, input_signature=[*specs, strength])


def _extract(embedder, extractor):
    def extract(image):
        return {"logits": tf.cast(extractor(image, training=False), tf.float32)}

    return tf.function(
        extract, input_signature=[_spec("image", _inputs_by_name(embedder)["image"])]
    )


def _keyed_extract(extractor):
    def extract(image, key):
        read = extractor({"image": image, "key": key}, training=False)
        return {"watermark": tf.cast(read, tf.float32)}

    specs = [_spec(name, extractor.input[name]) for name in ("image", "key")]
    return tf.function(extract, input_signature=specs)


def _spec(name, tensor):
    return tf.TensorSpec((None, *tensor.shape[1:]), tf.float32, name=name)


def _inputs_by_name(embedder):
    """Returns the inputs of an embedder by name; `ValueError` if it is none."""
    inputs = {tensor.name: tensor for tensor in embedder.inputs}
    if sorted(inputs) != ["image", "message", "strength"]:
        raise ValueError(
            "Expected an embedder with the inputs image, message and strength. "
            f"Received: a model with the inputs {list(inputs)}"
        )
    return inputs
