"""The trained extractor of a watermarked network in use."""

import copy
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfwm.export.keyed import EXTRACTOR, HOST, package_keyed, read_keyed_model
from tfwm.keys import derive_key
from tfwm.metrics import watermark_similarity
from tfwm.networks import network_directory, read_card
from tfwm.protection.watermark_barrier import resized
from tfwm.protection.watermark_file import WATERMARK, encode_watermark, read_watermark

DEMONSTRATION = "demonstration.secret"
# Images that are looked at together, and pairs of image and key that are read together.
BATCH, PAIRS = 16, 64


class KeyedReader:
    """Reads the mark that a watermarked network leaves in its outputs, with the owner's key.

    Args:
        extractor: model from `{"image", "key"}` to the watermark, such as
            `tfwm.models.keyed.build_extractor` gives.
        watermark: array `(height, width, 1 or 3)` in [0, 1].
        key: array of 0 and 1, see `tfwm.keys.derive_key`.
        name: what reports call it.
        card: what is known about it, `{}` if nothing.

    Example:

    >>> from tfwm.models.keyed import build_extractor
    >>> extractor = build_extractor(32, 16, width=4)
    >>> key = derive_key("demonstration secret, not for use", 16)
    >>> reader = KeyedReader(extractor, np.eye(16)[..., None], key)
    >>> reader.read(np.full((1, 50, 70, 3), 0.5, "float32")).shape
    (1, 16, 16, 1)
    """

    def __init__(self, extractor, watermark, key, name="keyed", card=None):
        self.extractor = extractor
        self.watermark = np.asarray(watermark, np.float32)
        shape = tuple(extractor.output.shape[1:])
        if self.watermark.shape != shape:
            raise ValueError(
                f"Expected a watermark of shape {shape}, as the extractor reads. "
                f"Received: watermark of shape {self.watermark.shape}"
            )
        if np.ptp(self.watermark) == 0:
            raise ValueError("Expected a watermark with a picture in it. Received: one colour")
        self.name = name
        self.card = card or {}
        self.key = self._checked(key)
        look, read = _parts(extractor)
        self._look = tf.function(look, reduce_retracing=True)
        self._read = tf.function(read, reduce_retracing=True)

    @property
    def image_size(self):
        """`(height, width)` at which images are read."""
        return tuple(self.extractor.input["image"].shape[1:3])

    @property
    def channels(self):
        """Channels of its images, 1 gray or 3 colour."""
        return self.extractor.input["image"].shape[-1]

    @property
    def bits(self):
        """Length of the key."""
        return self.extractor.input["key"].shape[-1]

    def with_key(self, key):
        """Returns the same reader with another key."""
        other = copy.copy(self)
        other.key = self._checked(key)
        return other

    def squeezed(self, images):
        """Returns images at the size at which they are read.

        Args:
            images: `(batch, height, width, channels)`, or a list of `(height, width, channels)` of
                any sizes: floats in [0, 1] or uint8.

        Returns:
            float32 array `(batch, *image_size, channels)` in [0, 1].
        """
        if isinstance(images, list | tuple):
            return np.concatenate([self.squeezed(np.asarray(image)[None]) for image in images])
        images = np.asarray(images)
        if images.ndim != 4 or not len(images) or images.shape[-1] != self.channels:
            raise ValueError(
                f"Expected images (batch, height, width, {self.channels}). "
                f"Received: images of shape {images.shape}"
            )
        if images.dtype == np.uint8:
            images = images / np.float32(255)
        return resized(tf.constant(images, tf.float32), self.image_size).numpy()

    def read(self, images):
        """Returns what is read with the key, `(batch, *watermark.shape)` in [0, 1].

        Args:
            images: see `squeezed`. 0.5 in the result means that there is nothing.
        """
        features = self._features(images)
        return self._read_pairs(features, np.repeat(self.key[None], len(features), 0))

    def read_each(self, images, keys):
        """As `read`, each image with a key of its own from `keys`, `(batch, bits)`."""
        keys = np.stack([self._checked(key) for key in keys])
        return self._read_pairs(self._features(images), keys)

    def similarity(self, images):
        """Returns how much of the watermark is read, in [-1, 1], one number an image.

        See `tfwm.metrics.watermark_similarity`.
        """
        return watermark_similarity(self.watermark, self.read(images))

    def similarities_of_keys(self, images, keys):
        """Returns the similarities with several keys, `(number of keys, batch)`.

        Each image is looked at once, so that a thousand keys cost little more than ten.

        Args:
            images: see `squeezed`.
            keys: array `(n, bits)` of 0 and 1.
        """
        features = self._features(images)
        keys = np.stack([self._checked(key) for key in np.asarray(keys)])
        found = []
        for one in features:
            parts = [keys[i : i + PAIRS] for i in range(0, len(keys), PAIRS)]
            read = [self._read_pairs(np.repeat(one[None], len(p), 0), p) for p in parts]
            found.append(watermark_similarity(self.watermark, np.concatenate(read)))
        return np.stack(found, axis=1)

    def package(self, host, directory, demonstration=None):
        """Writes host and extractor in every form that a network has; returns the folder.

        The key is not among them; the watermark is, as `watermark.png`.

        Args:
            host: the `keras.Model` whose outputs are marked.
            directory: folder to write.
            demonstration: a secret that everybody may know, to be written beside the network as
                `demonstration.secret`; never the owner's.
        """
        files = {WATERMARK: encode_watermark(self.watermark)}
        if demonstration:
            files[DEMONSTRATION] = f"{demonstration}\n".encode()
        return package_keyed(host, self.extractor, directory, self.card, files, self.key)

    def _features(self, images):
        images = self.squeezed(images)
        parts = [images[i : i + BATCH] for i in range(0, len(images), BATCH)]
        return np.concatenate([self._look(tf.constant(part)).numpy() for part in parts])

    def _read_pairs(self, features, keys):
        parts = []
        for i in range(0, len(features), PAIRS):
            part = slice(i, i + PAIRS)
            parts.append(self._read(tf.constant(features[part]), tf.constant(keys[part])).numpy())
        return np.clip(np.concatenate(parts), 0.0, 1.0)

    def _checked(self, key):
        key = np.asarray(key, np.float32)
        if key.shape != (self.bits,) or not np.isin(key, (0, 1)).all():
            raise ValueError(
                f"Expected a key of {self.bits} bits, 0 and 1. Received: key of shape {key.shape}"
            )
        return key

    def __repr__(self):
        return f"KeyedReader({self.name!r})"


def load_keyed_reader(name_or_path, secret):
    """Opens the reader of a watermarked network that comes with tfwm or that a recipe wrote.

    Args:
        name_or_path: name, or folder with `extractor.keras` and `watermark.png`.
        secret: the owner's, see `tfwm.keys.derive_key`. Any secret opens a reader; one that
            is wrong reads nothing.

    Example:

    >>> load_keyed_reader("keyed-colorize", "...").name  # doctest: +SKIP
    'keyed-colorize'
    """
    folder = keyed_folder(name_or_path)
    extractor = read_keyed_model(folder, EXTRACTOR)
    card = read_card(folder)
    key = derive_key(secret, extractor.input["key"].shape[-1])
    return KeyedReader(extractor, read_watermark(folder), key, card["name"], card)


def load_host(name_or_path):
    """Opens the host of a watermarked network: the `keras.Model` that does the task, and marks.

    Example:

    >>> colour = load_host("keyed-colorize")(gray)  # doctest: +SKIP
    """
    return read_keyed_model(keyed_folder(name_or_path), HOST)


def keyed_folder(name_or_path):
    """Returns the folder of a watermarked network, which holds all that it must."""
    folder = Path(network_directory(name_or_path))
    missing = [name for name in (HOST, EXTRACTOR, WATERMARK) if not (folder / name).is_file()]
    if missing:
        raise ValueError(
            f"Expected a watermarked network, a folder with {HOST}, {EXTRACTOR} and {WATERMARK}. "
            f"Received: {folder}, without {missing[0]}"
        )
    return folder


def _parts(extractor):
    """What of an extractor looks at the image, and what reads the result with a key."""
    names = [layer.name for layer in extractor.layers]
    if "image_and_key" not in names:

        def read(image, key):
            return extractor({"image": image, "key": key}, training=False)

        return tf.identity, read
    features = extractor.get_layer("image_and_key").input[0]
    inputs = extractor.input
    look = keras.Function(inputs["image"], features)
    both = keras.Function([features, inputs["key"]], extractor.output)
    return look, lambda image, key: both([image, key])
