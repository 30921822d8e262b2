"""A keyed network in use: a host whose outputs carry its owner's mark, and the mark's reader."""

import copy
import functools
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfwm.export import package_network
from tfwm.keys import derive_key
from tfwm.metrics import watermark_similarity
from tfwm.networks import (
    KINDS,
    NetworkFiles,
    check_signature,
    network_directory,
    read_card,
    read_keras_model,
)
from tfwm.protection.picture import (
    WATERMARK,
    PictureReader,
    encode_watermark,
    in_batches,
    read_watermark,
)
from tfwm.protection.tiles import enlarged, some_tiles
from tfwm.startup import check_fork

HOST, EXTRACTOR = KINDS["keyed"].keras_files
DEMONSTRATION = "demonstration.secret"
# Pairs of image and key that are read together.
PAIRS = 64
# Tiles that are read along a side of an image.
MOST_TILES = 8


class KeyedReader(PictureReader):
    """Reads the mark that a keyed network leaves in its outputs, with the owner's key.

    An image is read at its own size, by tiles of the size that the extractor was trained with:
    what it sees in each is averaged, and read once. Squeezed, a fine mark would be gone. Only
    sides below a tile's are enlarged. Of an image with more than 64 tiles, as many are taken
    from all of it.

    Args:
        extractor: model from `{"image", "key"}` to the watermark, such as
            `tfwm.models.keyed.build_extractor` gives.
        watermark: array `(height, width, 1 or 3)` in [0, 1].
        key: array of 0 and 1, see `tfwm.keys.derive_key`.
        name: what reports call it.
        card: what is known about it, `{}` if nothing.

    Example:

    >>> from tfwm.keys import derive_key
    >>> from tfwm.models.keyed import build_extractor
    >>> extractor = build_extractor(32, 16, width=4)
    >>> key = derive_key("demonstration secret, not for use", 16)
    >>> reader = KeyedReader(extractor, np.eye(16)[..., None], key)
    >>> reader.read(np.full((1, 50, 70, 3), 0.5, "float32")).shape
    (1, 16, 16, 1)
    """

    def __init__(self, extractor, watermark, key, name="keyed", card=None):
        image = extractor.input["image"].shape
        super().__init__(watermark, image[1:3], image[-1], name, card)
        self.extractor = extractor
        shape = tuple(extractor.output.shape[1:])
        if self.watermark.shape != shape:
            raise ValueError(
                f"Expected a watermark of shape {shape}, as the extractor reads. "
                f"Received: watermark of shape {self.watermark.shape}"
            )
        if np.ptp(self.watermark) == 0:
            raise ValueError("Expected a watermark with a picture in it. Received: one color")
        self.key = self._checked(key)
        look, read = _parts(extractor)
        self._look = look and tf.function(look, reduce_retracing=True)
        self._read = tf.function(read, reduce_retracing=True)

    @property
    def bits(self):
        """Length of the key."""
        return self.extractor.input["key"].shape[-1]

    def with_key(self, key) -> "KeyedReader":
        """Returns the same reader with another key."""
        other = copy.copy(self)
        other.key = self._checked(key)
        return other

    def read_seen(self, seen) -> np.ndarray:
        """Returns what is read with the key, `(batch, *watermark.shape)` in [0, 1].

        Args:
            seen: what `look` returned. 0.5 in the result means that there is nothing.
        """
        return self._read_pairs(seen, np.repeat(self.key[None], len(seen), 0))

    def read_each(self, images, keys) -> np.ndarray:
        """Reads each image with a key of its own from `keys`, `(batch, bits)`; see `look`."""
        keys = np.stack([self._checked(key) for key in keys])
        return self._read_pairs(self.look(images), keys)

    def similarities_of_keys(self, images, keys) -> np.ndarray:
        """Returns the similarities with several keys, `(number of keys, batch)`.

        The image part of the extractor runs once an image: a thousand keys cost little more than
        ten.

        Args:
            images: see `look`.
            keys: array `(n, bits)` of 0 and 1.
        """
        return self.similarities_of_seen(self.look(images), keys)

    def similarities_of_seen(self, seen, keys) -> np.ndarray:
        """Returns the same of what `look` returned."""
        keys = np.stack([self._checked(key) for key in keys])
        repeated = (np.broadcast_to(one, (len(keys), *one.shape)) for one in seen)
        read = (self._read_pairs(each, keys) for each in repeated)
        return np.stack([watermark_similarity(self.watermark, each) for each in read], axis=1)

    def package(self, host, directory, demonstration=None) -> Path:
        """Writes host and extractor in every form that a network has; returns the folder.

        The key is not among them; the watermark is, as `watermark.png`.

        Args:
            host: the `keras.Model` whose outputs are marked.
            directory: folder to write.
            demonstration: a key that everybody may know, to be written beside the network as
                `demonstration.secret`; never the owner's.
        """
        files = {WATERMARK: encode_watermark(self.watermark)}
        if demonstration:
            files[DEMONSTRATION] = f"{demonstration}\n".encode()
        return package_network(host, self.extractor, directory, self.card, files, self.key)

    def _seen(self, images):
        """What the extractor's image part sees, mean over the tiles."""
        if self._look is None:  # an extractor in one piece
            return super()._seen(images)
        images = enlarged(images, self.image_size)
        if images.shape[1:3] == self.image_size:
            return in_batches(self._look, images)
        tiles = (some_tiles(image[None], self.image_size, MOST_TILES)[0] for image in images)
        return np.stack([in_batches(self._look, each).mean(axis=0) for each in tiles])

    def _read_pairs(self, features, keys):
        return np.clip(in_batches(self._read, features, keys, size=PAIRS), 0.0, 1.0)

    def _checked(self, key):
        key = np.asarray(key, np.float32)
        if key.shape != (self.bits,) or not np.isin(key, (0, 1)).all():
            raise ValueError(
                f"Expected a key of {self.bits} bits, 0 and 1. Received: key of shape {key.shape}"
            )
        return key


class KeyedNetwork:
    """A keyed network on disk: its host, and readers of its mark.

    Call it with images, and it does its task and marks. Models are read on first use.

    Args:
        folder: folder with `host.keras`, `extractor.keras`, `watermark.png` and `card.json`.

    Attributes:
        folder: `pathlib.Path`.
        card: dict.
        name: string.
        watermark: the picture, float32 `(height, width, 1 or 3)` in [0, 1].

    Example:

    >>> network = load_keyed("keyed-colorize")  # doctest: +SKIP
    >>> colored = network(gray)  # doctest: +SKIP
    >>> network.reader("my own secret key").similarity(colored)  # doctest: +SKIP
    array([0.998], dtype=float32)
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        missing = [f for f in (HOST, EXTRACTOR, WATERMARK) if not (self.folder / f).is_file()]
        if missing:
            raise ValueError(
                f"Expected a keyed network, a folder with {HOST}, {EXTRACTOR} and {WATERMARK}. "
                f"Received: {folder}, without {missing[0]}"
            )
        self._files = NetworkFiles(self.folder)
        self.card = self._files.card or read_card(self.folder)
        self.name = self.card["name"]
        self.watermark = read_watermark(self._files)
        self._files.warn_if_uncompared()

    @functools.cached_property
    def host(self) -> keras.Model:
        """The Keras model that does the task, from images in [0, 1] to marked ones."""
        return read_keras_model(self.folder / HOST, self._files)

    @functools.cached_property
    def extractor(self) -> keras.Model:
        """The Keras model from `{"image", "key"}` to the watermark."""
        model = read_keras_model(self.folder / EXTRACTOR, self._files)
        inputs = model.input if isinstance(model.input, dict) else {"image": model.inputs[0]}
        shapes = {name: tuple(tensor.shape) for name, tensor in inputs.items()}
        check_signature(self.card, "extract", shapes)
        return model

    def __call__(self, images) -> np.ndarray:
        """Returns the host's outputs, marked, as float32 in [0, 1]."""
        check_fork()
        return np.clip(np.asarray(self.host(np.asarray(images, np.float32))), 0.0, 1.0)

    def reader(self, key: str | bytes) -> KeyedReader:
        """Returns the reader of the mark with a key.

        Args:
            key: the owner's, see `tfwm.keys.derive_key`. Any key gives a reader; a wrong one
                reads nothing.
        """
        bits = derive_key(key, self.extractor.input["key"].shape[-1])
        return KeyedReader(self.extractor, self.watermark, bits, self.name, self.card)

    def __repr__(self):
        return f"KeyedNetwork({self.name!r})"


def load_keyed(name_or_path) -> KeyedNetwork:
    """Opens a keyed network that comes with tfwm or that a recipe wrote, by name or folder.

    Example:

    >>> load_keyed("keyed-colorize").name  # doctest: +SKIP
    'keyed-colorize'
    """
    return KeyedNetwork(network_directory(name_or_path))


def _parts(extractor):
    """An extractor's part that looks at the image, if it has one, and that which reads by key."""
    names = [layer.name for layer in extractor.layers]
    if "image_and_key" not in names:

        def read(image, key):
            return extractor({"image": image, "key": key}, training=False)

        return None, read
    features = extractor.get_layer("image_and_key").input[0]
    inputs = extractor.input
    look = keras.Function(inputs["image"], features)
    both = keras.Function([features, inputs["key"]], extractor.output)
    return look, lambda image, key: both([image, key])
