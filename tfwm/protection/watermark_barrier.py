"""The layer that makes a protected model mark its outputs."""

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tfwm")
class WatermarkBarrier(keras.layers.Layer):
    """Marks each image that passes: the last layer of a protected model.

    The embedder of a barrier (Zhang et al. 2020) with its watermark built in. An image of any
    size is squeezed to the barrier's as a whole, marked there, and the change is carried back
    up, so that the image keeps its own pixels and size.

    Args:
        embedder: model from `{"image", "message", "strength"}` to the watermarked image, such as
            `tfwm.models.barrier.build_embedder` gives. It is not trained.
        watermark: array `(height, width, channels)` in [0, 1]; its sides are the size at which
            images are marked.
        strength: factor on the change.

    Input shape:
        `(batch, height, width, channels)`, in [0, 1].

    Output shape:
        The same, clipped to [0, 1].

    Example:

    >>> from tfwm.models import barrier
    >>> embedder = barrier.build_embedder(width=4, depth=2, residual_limit=0.1)
    >>> layer = WatermarkBarrier(embedder, np.zeros((32, 32, 3)))
    >>> tuple(layer(np.full((1, 50, 70, 3), 0.5, "float32")).shape)
    (1, 50, 70, 3)
    """

    def __init__(self, embedder, watermark, strength=1.0, **kwargs):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.embedder = embedder
        self.embedder.trainable = False
        watermark = np.asarray(watermark, np.float32)
        if watermark.ndim != 3:
            raise ValueError(
                "Expected a watermark (height, width, channels). "
                f"Received: watermark of shape {watermark.shape}"
            )
        self.strength = float(strength)
        self.watermark = self.add_weight(
            shape=watermark.shape, initializer="zeros", trainable=False, name="watermark"
        )
        self.watermark.assign(watermark)

    def call(self, image):
        size = self.watermark.shape[:2]
        small = resized(image, size)
        message = tf.repeat(self.watermark[None], tf.shape(image)[0], axis=0)
        strength = tf.fill(tf.shape(image)[:1], self.strength)
        inputs = {"image": small, "message": message, "strength": strength}
        marked = tf.cast(self.embedder(inputs, training=False), tf.float32)
        return tf.clip_by_value(image + resized(marked - small, tf.shape(image)[1:3]), 0.0, 1.0)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        embedder = keras.saving.serialize_keras_object(self.embedder)
        own = {"embedder": embedder, "watermark_shape": tuple(self.watermark.shape)}
        return {**super().get_config(), **own, "strength": self.strength}

    @classmethod
    def from_config(cls, config):
        # The watermark itself is a weight.
        watermark = np.zeros(config.pop("watermark_shape"))
        embedder = keras.saving.deserialize_keras_object(config.pop("embedder"))
        return cls(embedder, watermark, **config)


def resized(image, size):
    """Antialiased bilinear; an image that has the size already is left alone."""
    return tf.image.resize(image, size, antialias=True)
