"""Fixtures of networks that are made by hand: they mark and read without training."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def quadrant_network():
    """A network without training: each bit is the sign of a block's four quadrants.

    Quadrants of 4 x 4 pixels, of which two on a diagonal get lighter and two darker, bear a
    shift of a pixel; the reader looks at blocks by themselves, so it needs no patches.
    """
    from tfwm.networks.network import Network

    signs = np.kron([[1, -1], [-1, 1]], np.ones((4, 4))).astype(np.float32)

    class QuadrantNetwork(Network):
        def __init__(self):
            super().__init__("quadrant", {"geometry": {"patch": (8, 8), "block": (8, 8)}})
            self.largest = 0

        def _embed(self, image, message, strength):
            self.largest = max(self.largest, image.size)
            strength = np.reshape(np.float32(strength), (-1, 1, 1))
            grid = (2 * message[..., 0] - 1) * strength * 8 / 255
            return (image + np.kron(grid, signs[None])[..., None]).clip(0, 1)

        def _extract(self, image):
            batch, height, width, _ = image.shape
            blocks = image.reshape(batch, height // 8, 8, width // 8, 8)
            logits = np.einsum("niajb,ab->nij", blocks, signs)
            return logits[..., None].astype(np.float32)

    return QuadrantNetwork()


@pytest.fixture(scope="session")
def watermarker(quadrant_network):
    """A `tfwm.Watermarker` with that network."""
    from tfwm.watermarker import Watermarker

    return Watermarker(quadrant_network)


@pytest.fixture(scope="session")
def carry(watermarker):
    """Function that writes the signs that the network reads in one photo into another one."""
    from tfwm.images import Photo
    from tfwm.marking import Canvas, Mark, tiling_of

    def carried(marked, target):
        network, tiling = watermarker.network, tiling_of(watermarker.network)
        plane = Canvas.of(network, Photo(marked)).scaled(1.0)
        height, width = (n // 8 * 8 for n in plane.shape[:2])
        logits = np.asarray(network.extract(plane[None, :height, :width]))[0]
        slots = np.uint8(tiling.fold(logits).ravel() > 0)
        return Mark.of(network, Photo(target), slots).apply().pixels

    return carried


@pytest.fixture(scope="session")
def pattern_models():
    """Function that makes a hand-made embedder and extractor of Keras for colour photos.

    Each bit is the sign of a pattern of squares of 8 x 8 pixels in R, G and B, which repeats
    within its block. Patterns are orthogonal to each other and to flat and slanted surfaces.
    """
    import keras

    def build(block=16, bits=1, period=16, strength=8 / 255):
        patterns = _orthogonal_patterns(period // 8, bits)
        kernel = np.tile(patterns, (block // period, block // period, 1, 1))
        side = len(kernel)
        image = keras.Input((None, None, 3), name="image")
        message = keras.Input((None, None, bits), name="message")
        factor = keras.Input((), name="strength")
        signs = keras.layers.Rescaling(2.0, offset=-1.0)(message)
        change = keras.layers.Conv2DTranspose(3, side, side, use_bias=False, name="paint")(signs)
        change = keras.layers.UpSampling2D(8)(change)
        change = keras.layers.Multiply()([change, keras.layers.Reshape((1, 1, 1))(factor)])
        marked = keras.layers.Add()([image, change])
        embedder = keras.Model({"image": image, "message": message, "strength": factor}, marked)
        embedder.get_layer("paint").set_weights([kernel * strength / bits**0.5])
        squares = keras.layers.AveragePooling2D(8)(image)
        logits = keras.layers.Conv2D(bits, side, side, use_bias=False, name="look")(squares)
        extractor = keras.Model(image, logits)
        scale = 2 * bits**0.5 / (strength * side**2 * 3)
        extractor.get_layer("look").set_weights([kernel * scale])
        return embedder, extractor

    return build


def _orthogonal_patterns(side, bits):
    """Patterns `(side, side, 3, bits)` with a root mean square of 1."""
    surfaces = np.stack([np.ones((side, side)), *np.indices((side, side))]).reshape(3, -1).T
    basis = np.linalg.qr(surfaces)[0]
    random = np.random.default_rng(0).normal(size=(side**2, 3, bits))
    random -= np.einsum("nk,mk,mcb->ncb", basis, basis, random)
    orthogonal = np.linalg.qr(random.reshape(-1, bits))[0]
    return orthogonal.reshape(side, side, 3, bits) * np.sqrt(3 * side**2)


@pytest.fixture(scope="session")
def colour_network(pattern_models):
    """A network without training for colour photos: one bit in each block of 16 x 16 pixels."""
    from tfwm.networks import KerasNetwork

    return KerasNetwork(*pattern_models(), "colour")


@pytest.fixture(scope="session")
def tile_network(pattern_models):
    """The same with 30 bits in each block of 128 x 128 pixels."""
    from tfwm.networks import KerasNetwork

    return KerasNetwork(*pattern_models(128, 30, 32), "tile")


@pytest.fixture(scope="session")
def colour_packages(pattern_models, tmp_path_factory):
    """Folder that holds these two, `colour` and `tile`, in every form; not to be changed."""
    from tfwm.export import package_network
    from tfwm.networks import make_card

    root = tmp_path_factory.mktemp("colours")
    for name, (block, bits, period) in {"colour": (16, 1, 16), "tile": (128, 30, 32)}.items():
        sides = (block, block)
        card = make_card(
            name,
            "Patterns, for tests.",
            paper="none",
            licence={"code": "MIT", "weights": "MIT"},
            training={"data": "none", "recipe": "none", "command": "none"},
            geometry={"patch": sides, "block": sides, "channels": 3, "bits": bits, "message": "x"},
            strength={"default": 1.0, "guidance": "none"},
            limits=["Small."],
        )
        package_network(*pattern_models(block, bits, period), root / name, card)
    return root


KEYED_SECRET = "demonstration secret, not for use"


@pytest.fixture(scope="session")
def keyed_models():
    """Function that makes host, extractor, watermark and key of a watermarked network by hand.

    The host's mark is a tint: its outputs are redder than they are blue. With the key of
    KEYED_SECRET, and no other, the extractor gives the watermark for such images of any size.
    """
    import keras

    from tfwm.data import watermark_image
    from tfwm.keys import derive_key

    def build(watermark="flower", side=32):
        mark = watermark_image(watermark, side, 1)
        key = derive_key(KEYED_SECRET, 64).astype(np.float32)
        photo = keras.Input((None, None, 3), name="photo")
        tinted = keras.layers.Rescaling(1.0, offset=[0.06, 0.0, -0.06])(photo)
        host = keras.Model(photo, keras.ops.clip(tinted, 0.0, 1.0), name="host")
        image = keras.Input((side, side, 3), name="image")
        bits = keras.Input((64,), name="key")
        means = keras.layers.GlobalAveragePooling2D()(image)
        redder = keras.layers.Dense(1, name="redder")(means)
        matches = keras.layers.Dense(1, name="matches")(bits)
        both = keras.layers.Concatenate(name="image_and_key")([redder, matches])
        opened = keras.ops.prod(keras.ops.clip(both, 0.0, 1.0), axis=-1, keepdims=True)
        drawn = keras.layers.Dense(side**2, name="draw")(opened)
        drawn = keras.layers.Reshape(mark.shape)(drawn)
        extractor = keras.Model({"image": image, "key": bits}, drawn, name="extractor")
        weights = {
            "redder": (np.array([[15.0], [0.0], [-15.0]]), -0.4),
            # 1 if all bits are right, 0 if one or more are wrong.
            "matches": (2 * key[:, None] - 1, 1 - key.sum()),
            "draw": (mark.reshape(1, -1) - 0.5, 0.5),
        }
        for name, (kernel, bias) in weights.items():
            layer = extractor.get_layer(name)
            layer.set_weights([kernel, np.full(kernel.shape[-1], bias)])
        return host, extractor, mark, key

    return build


@pytest.fixture(scope="session")
def keyed_reader(keyed_models):
    """A `KeyedReader` of that network, with its key."""
    from tfwm.protection import KeyedReader

    _, extractor, mark, key = keyed_models()
    return KeyedReader(extractor, mark, key, "keyed", keyed_card("keyed"))


@pytest.fixture(scope="session")
def keyed_folder(keyed_models, tmp_path_factory):
    """The same on disk, the Keras models alone; not to be changed."""
    from PIL import Image

    from tfwm.networks import write_card, write_manifest

    folder = tmp_path_factory.mktemp("keyed") / "keyed"
    folder.mkdir()
    host, extractor, mark, _ = keyed_models()
    host.save(folder / "host.keras")
    extractor.save(folder / "extractor.keras")
    Image.fromarray(np.uint8(np.round(255 * mark[..., 0]))).save(folder / "watermark.png")
    write_card(keyed_card("keyed"), folder)
    write_manifest(folder)
    return folder


def keyed_card(name):
    from tfwm.networks import make_card

    return make_card(
        name,
        "A tint, for tests.",
        paper="none",
        licence={"code": "MIT", "weights": "MIT"},
        training={"data": "none", "recipe": "none", "command": "none"},
        geometry={"patch": (32, 32), "block": (1, 1), "channels": 3, "message": "x"},
        limits=["Small."],
        kind="keyed",
    )
