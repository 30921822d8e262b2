"""A trained barrier in use: it marks images, reads its mark, and protects models."""

import functools
import itertools
import os
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfwm.export import package_network
from tfwm.metrics import watermark_similarity
from tfwm.networks import (
    NetworkFiles,
    check_fit,
    network_directory,
    open_keras,
    read_card,
    read_keras_models,
)
from tfwm.protection.picture import (
    BATCH,
    WATERMARK,
    PictureReader,
    as_floats,
    encode_watermark,
    in_batches,
    read_watermark,
    resized,
    sides,
)
from tfwm.protection.tiles import SCALES, cut_tiles, join_tiles, view

# Floats may lie so far outside of [0, 1], where they are clipped; further out, it is another range.
OUTSIDE = 0.5
# Above this similarity, a mark is not looked for at other scales.
FOUND = 0.9
# So many pixels are marked in tiles at once.
MOST_PIXELS = 1 << 22
# So many tiles are read at once.
MOST_TILES = 256


@keras.saving.register_keras_serializable(package="tfwm")
class WatermarkBarrier(keras.layers.Layer):
    """Marks each image that passes: the last layer of a protected model.

    The embedder of a barrier (Zhang et al. 2020) with its watermark built in. An image of any
    size is cut into tiles of the barrier's, or squeezed to it as a whole, marked there, and the
    change is carried back up, both bicubically, so that the image keeps its own pixels and size.

    Args:
        embedder: model from `{"image", "message", "strength"}` to the watermarked image, such as
            `tfwm.models.barrier.build_embedder` gives. It is not trained.
        watermark: array `(height, width, channels)` in [0, 1]; its sides are the size at which
            images are marked.
        strength: factor on the change.
        tiled: whether images are marked in tiles at their own size.

    Input shape:
        `(batch, height, width, channels)`, floats in [0, 1] or uint8.

    Output shape:
        The same, of the same type, clipped to [0, 1].

    Example:

    >>> from tfwm.models import barrier
    >>> embedder = barrier.build_embedder(width=4, depth=2, residual_limit=0.1)
    >>> layer = WatermarkBarrier(embedder, np.zeros((32, 32, 3)))
    >>> tuple(layer(np.full((1, 50, 70, 3), 0.5, "float32")).shape)
    (1, 50, 70, 3)
    """

    def __init__(self, embedder, watermark, strength=1.0, tiled=False, **kwargs):
        super().__init__(**{"dtype": "float32", "autocast": False, **kwargs})
        self.tiled = bool(tiled)
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
        kind = keras.backend.standardize_dtype(image.dtype)
        if kind == "uint8":
            marked = self.marked(tf.cast(image, tf.float32) / 255, self.strength)
            return tf.cast(tf.round(255 * marked), kind)
        return tf.cast(self.marked(tf.cast(image, tf.float32), self.strength), kind)

    def marked(self, image, strength):
        """Returns marked images, float32, with a factor on the change."""
        size = tuple(self.watermark.shape[:2])
        if self.tiled:
            tiles = cut_tiles(image, size)
            change = join_tiles(self._change(tiles, strength), *sides(image))
        else:
            change = resized(self._change(resized(image, size), strength), sides(image))
        return tf.clip_by_value(image + change, 0.0, 1.0)

    def _change(self, small, strength):
        message = tf.repeat(self.watermark[None], tf.shape(small)[0], axis=0)
        strength = tf.fill(tf.shape(small)[:1], strength)
        inputs = {"image": small, "message": message, "strength": strength}
        return tf.cast(self.embedder(inputs, training=False), tf.float32) - small

    def compute_output_spec(self, image):
        return keras.KerasTensor(image.shape, image.dtype)

    def get_config(self):
        embedder = keras.saving.serialize_keras_object(self.embedder)
        own = {"embedder": embedder, "watermark_shape": tuple(self.watermark.shape)}
        return {**super().get_config(), **own, "strength": self.strength, "tiled": self.tiled}

    @classmethod
    def from_config(cls, config):
        # The watermark itself is a weight.
        watermark = np.zeros(config.pop("watermark_shape"))
        embedder = keras.saving.deserialize_keras_object(config.pop("embedder"))
        return cls(embedder, watermark, **config)


class Barrier(PictureReader):
    """Marks images with one picture, the watermark, and reads it from copies of them.

    Args:
        embedder: model from `{"image", "message", "strength"}` to the watermarked image.
        extractor: model from an image to the watermark.
        watermark: array `(height, width, 1 or 3)` in [0, 1].
        name: what reports call it.
        card: what is known about it, `{}` if nothing.
        tiled: whether images are marked and read in tiles at their own size, and not squeezed to
            the watermark's as a whole.

    Example:

    >>> from tfwm.models import barrier as models
    >>> embedder = models.build_embedder(width=4, depth=2, residual_limit=0.1)
    >>> barrier = Barrier(embedder, models.build_extractor(width=4), np.zeros((32, 32, 3)))
    >>> marked = barrier.mark(np.full((1, 50, 70, 3), 0.5, "float32"))
    >>> barrier.read(marked).shape
    (1, 32, 32, 3)
    """

    def __init__(self, embedder, extractor, watermark, name="barrier", card=None, tiled=False):
        super().__init__(watermark, np.shape(watermark)[:2], embedder.output_shape[-1], name, card)
        self.embedder = embedder
        self.extractor = extractor
        self.tiled = bool(tiled)
        self._mark = tf.function(self.layer().marked, reduce_retracing=True)
        self._read = tf.function(self._read_batch, reduce_retracing=True)

    def layer(self, strength=1.0, **kwargs) -> WatermarkBarrier:
        """Returns the Keras layer that marks images; more arguments are a layer's."""
        return WatermarkBarrier(self.embedder, self.watermark, strength, self.tiled, **kwargs)

    def mark(self, images, strength=1.0) -> np.ndarray:
        """Returns the marked images, float32 `(batch, height, width, channels)` in [0, 1].

        Args:
            images: the same shape, floats in [0, 1] or uint8.
            strength: factor on the change.
        """
        images = as_floats(images, self.channels)
        mark = functools.partial(self._mark, strength=tf.constant(strength, tf.float32))
        if not self.tiled:
            return in_batches(mark, images)
        # Tiles need their own rows only, and the last ones those before them, where these go on.
        height, side = images.shape[1], self.image_size[0]
        rows = max(MOST_PIXELS // (BATCH * images.shape[2]) // side, 1) * side
        starts = range(0, max(height - side, 0) + 1, rows)
        ends = [*starts[1:], height]
        bands = (images[:, start:end] for start, end in zip(starts, ends, strict=True))
        return np.concatenate([in_batches(mark, band) for band in bands], axis=1)

    def read_seen(self, seen) -> np.ndarray:
        """Returns what the extractor reads, `(batch, *watermark.shape)`, see `look`."""
        return seen if self.tiled else in_batches(self._read, seen)

    def _seen(self, images):
        if not self.tiled:
            return super()._seen(images)
        best = self._view(images, 1.0)
        for scale in SCALES[1:]:
            most = watermark_similarity(self.watermark, best)
            hidden = np.flatnonzero(most <= FOUND)
            read = self._view(images[hidden], scale) if len(hidden) else None
            if read is not None:
                better = watermark_similarity(self.watermark, read) > most[hidden]
                best[hidden[better]] = read[better]
        return best

    def _view(self, images, scale):
        """The median of what tiles read at a scale, `None` if there are none.

        Not the mean: single tiles of unmarked images may read it, and damaged ones may not.
        """
        tiles = view(images, self.image_size, scale)
        if tiles is None:
            return None
        read = in_batches(self._read, tiles.reshape(-1, *tiles.shape[2:]), size=MOST_TILES)
        return np.median(read.reshape(*tiles.shape[:2], *read.shape[1:]), axis=1)

    def package(self, directory) -> Path:
        """Writes the barrier in every form that a network has; returns its folder.

        The signatures are `embed(image, message, strength)`, where the message is the watermark,
        `watermark.png` beside it, and `extract(image)`, whose `logits` are the watermark as it is
        read. Images must have been cut or squeezed to the watermark's size.

        Args:
            directory: folder to write.
        """
        files = {WATERMARK: encode_watermark(self.watermark)}
        return package_network(self.embedder, self.extractor, directory, self.card, files)

    def _read_batch(self, images):
        return tf.clip_by_value(self.extractor(images, training=False), 0.0, 1.0)


def load_barrier(name_or_path) -> Barrier:
    """Opens a barrier that comes with tfwm, or that a recipe wrote, by name or folder.

    Example:

    >>> load_barrier("barrier-derain").name  # doctest: +SKIP
    'barrier-derain'
    """
    folder = Path(network_directory(name_or_path))
    if not (folder / WATERMARK).is_file():
        raise ValueError(
            f"Expected a barrier, a network's folder with a {WATERMARK}. Received: {folder}"
        )
    files = NetworkFiles(folder)
    card = files.card or read_card(folder)
    if card["kind"] != "barrier":
        raise ValueError(f"Expected a barrier. Received: {folder}, of the kind {card['kind']}")
    models = read_keras_models(files, "barrier")
    if not files.shipped:
        check_fit(card, open_keras(*models, "barrier", compiled=False))
    files.warn_if_uncompared()
    tiled = not card["geometry"].get("whole", False)
    return Barrier(*models, read_watermark(files), card["name"], card, tiled)


def open_barrier(barrier):
    """Returns a barrier that is given itself, or by name or path."""
    return load_barrier(barrier) if isinstance(barrier, str | os.PathLike) else barrier


def protect(
    model: keras.Model | Callable, barrier: Barrier | str | Path, strength: float = 1.0
) -> keras.Model | Callable:
    """Puts a barrier behind a model, so that each of its outputs is marked.

    A Keras model whose inputs are known, functional or Sequential, becomes a Keras model that ends
    in the barrier. It can be saved, exported for TF Serving, converted to TFLite or mapped over a
    `tf.data.Dataset`; what is exported gives marked images only. Any other callable to images, such
    as a subclassed model or a traditional algorithm, becomes a function of the same arguments.

    Args:
        model: `keras.Model` or function to images `(batch, height, width, channels)`: floats in
            [0, 1], or uint8.
        barrier: a `tfwm.protection.Barrier`, or the name or path of one.
        strength: factor on the change that the mark is.

    Returns:
        `keras.Model`, or a function. Its images have the type of the unmarked ones.

    Raises:
        ValueError: the model does not give such images; of a function, when it is called.

    Example:

    >>> darken = protect(lambda image: 0.5 * image, "barrier-derain")
    >>> marked = darken(tf.ones((1, 128, 128, 3)))
    """
    barrier = open_barrier(barrier)
    if not isinstance(barrier, Barrier):
        raise ValueError(f"Expected a barrier, its name or its path. Received: {barrier!r}")
    if not callable(model):
        raise ValueError(f"Expected a model or a function. Received: model={model!r}")
    known = isinstance(model, keras.Model) and getattr(model, "outputs", None)
    parts = (*model.layers, *getattr(model, "operations", ())) if known else ()
    names = {part.name for part in parts}
    name = next(name for name in _names() if name not in names)
    layer = barrier.layer(strength, name=name)
    if known:
        return _protected_model(model, layer, barrier.channels)

    def protected(*args, **kwargs):
        return _mark_outputs(model(*args, **kwargs), layer, barrier.channels)

    return protected


def _protected_model(model, layer, channels):
    if len(model.outputs) != 1:
        shapes = [tuple(output.shape) for output in model.outputs]
        raise ValueError(f"Expected a model with one output of images. Received: {shapes}")
    _check_images(model.outputs[0], channels)
    # A Sequential model that was never called has inputs, but no input.
    inputs = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    return keras.Model(inputs, layer(model.outputs[0]), name=f"protected_{model.name}")


def _names():
    yield "barrier"
    yield from (f"barrier_{number}" for number in itertools.count(1))


def _mark_outputs(images, layer, channels):
    """Marks a batch of images; arrays stay arrays."""
    try:
        tensor = tf.convert_to_tensor(images)
    except (TypeError, ValueError):
        raise ValueError(f"{_expected(channels)}. Received: {type(images).__name__}") from None
    _check_images(tensor, channels)
    if tensor.dtype.is_floating and tf.executing_eagerly():
        low, high = float(tf.reduce_min(tensor)), float(tf.reduce_max(tensor))
        if low < -OUTSIDE or high > 1 + OUTSIDE:
            raise ValueError(
                f"{_expected(channels)}. Received: values from {low:.4g} to {high:.4g}: bring them "
                "to [0, 1] before the barrier"
            )
    marked = layer(tensor)
    return marked.numpy() if isinstance(images, np.ndarray) else marked


def _check_images(tensor, channels):
    kind, shape = keras.backend.standardize_dtype(tensor.dtype), tuple(tensor.shape)
    right = kind == "uint8" or "float" in kind
    if len(shape) != 4 or shape[-1] not in (channels, None) or not right:
        raise ValueError(f"{_expected(channels)}. Received: {kind} of shape {shape}")


def _expected(channels):
    return f"Expected images (batch, height, width, {channels}), floats in [0, 1] or uint8"
