"""Protecting a model, a function or a folder of images by a barrier behind it."""

import keras
import numpy as np
import tensorflow as tf

from tfwm.protection.barrier import load_barrier
from tfwm.protection.watermark_barrier import WatermarkBarrier


def protect(model, barrier, strength=1.0):
    """Puts a barrier behind a model, so that each of its outputs leaves it marked.

    A Keras model becomes a Keras model whose last layer is the barrier: it can be saved,
    exported for TF Serving, converted to TFLite or mapped over a `tf.data.Dataset`, and the
    unmarked output is nowhere to be had. Anything else that is called with arrays or tensors and
    gives images, such as a traditional algorithm, becomes a function of the same arguments.

    Args:
        model: `keras.Model` or function to images `(batch, height, width, channels)`: floats in
            [0, 1], or uint8.
        barrier: a `tfwm.protection.Barrier`, or the name or path of one.
        strength: factor on the change that the mark is.

    Returns:
        `keras.Model`, or a function. Its images have the type of the unmarked ones.

    Example:

    >>> darken = protect(lambda image: 0.5 * image, "barrier-derain")
    >>> marked = darken(tf.ones((1, 128, 128, 3)))
    """
    barrier = load_barrier(barrier) if not hasattr(barrier, "embedder") else barrier
    layer = WatermarkBarrier(barrier.embedder, barrier.watermark, strength, name="barrier")
    if isinstance(model, keras.Model) and model.inputs:
        outputs = model.outputs
        if len(outputs) != 1 or len(outputs[0].shape) != 4:
            raise ValueError(
                "Expected a model with one output of images (batch, height, width, channels). "
                f"Received: outputs of shape {[tuple(output.shape) for output in outputs]}"
            )
        inputs = keras.tree.map_structure(
            lambda x: keras.Input(x.shape[1:], dtype=x.dtype, name=x.name), model.input
        )
        return keras.Model(inputs, layer(model(inputs)), name=f"protected_{model.name}")
    if not callable(model):
        raise ValueError(f"Expected a model or a function. Received: model={model!r}")

    def protected(*args, **kwargs):
        return mark_outputs(model(*args, **kwargs), layer)

    return protected


def mark_outputs(images, layer):
    """Marks a batch of images; floats stay floats, uint8 stays uint8, arrays stay arrays."""
    tensor = tf.convert_to_tensor(images)
    if tensor.shape.rank != 4 or not (tensor.dtype.is_floating or tensor.dtype == tf.uint8):
        raise ValueError(
            "Expected images (batch, height, width, channels), floats in [0, 1] or uint8. "
            f"Received: {tensor.dtype.name} of shape {tuple(tensor.shape)}"
        )
    marked = layer(tf.image.convert_image_dtype(tensor, tf.float32))
    if tensor.dtype == tf.uint8:
        marked = tf.cast(tf.round(marked * 255), tf.uint8)
    else:
        marked = tf.cast(marked, tensor.dtype)
    return marked.numpy() if isinstance(images, np.ndarray) else marked
