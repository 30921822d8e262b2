"""The two functions that every bit-carrying network answers to."""

import tensorflow as tf


def make_endpoints(embedder, extractor):
    """Wraps Keras models as the signatures that all exported networks share.

    Args:
        embedder: `keras.Model` with the inputs `image` `(batch, H, W, channels)`,
            `message` and `strength` `(batch,)`, such as `build_embedder` gives.
        extractor: `keras.Model` from an image to logits.

    Returns:
        `{"embed": tf.function, "extract": tf.function}`.
        `embed(image, message, strength)` returns `{"watermarked"}`, `image` plus the
        residual times the float32 scalar `strength`, clipped to [0, 1].
        `extract(image)` returns `{"logits"}`.
    """
    inputs = _inputs_by_name(embedder)
    image = tf.TensorSpec(inputs["image"], tf.float32, name="image")
    message = tf.TensorSpec(inputs["message"], tf.float32, name="message")
    strength = tf.TensorSpec((), tf.float32, name="strength")

    def embed(image, message, strength):
        per_image = tf.fill(tf.shape(image)[:1], strength)
        inputs = {"image": image, "message": message, "strength": per_image}
        watermarked = tf.cast(embedder(inputs, training=False), tf.float32)
        return {"watermarked": tf.clip_by_value(watermarked, 0.0, 1.0)}

    def extract(image):
        return {"logits": tf.cast(extractor(image, training=False), tf.float32)}

    return {
        "embed": tf.function(embed, input_signature=[image, message, strength]),
        "extract": tf.function(extract, input_signature=[image]),
    }


def _inputs_by_name(embedder):
    names = [tensor.name for tensor in embedder.inputs]
    if sorted(names) != ["image", "message", "strength"]:
        raise ValueError(
            "Expected an embedder with the inputs image, message and strength. "
            f"Received: a model with the inputs {names}"
        )
    return {tensor.name: tuple(tensor.shape) for tensor in embedder.inputs}
