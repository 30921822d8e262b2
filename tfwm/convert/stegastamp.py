"""StegaStamp as its authors released it, a SavedModel of TensorFlow 1, turned into ours."""

from pathlib import Path

import numpy as np

from tfwm.convert.graph import SavedGraph
from tfwm.export.package import package_network
from tfwm.models import stegastamp_released as released
from tfwm.models.stegastamp import build_embedder
from tfwm.networks import KerasNetwork
from tfwm.networks.card import make_card

INPUTS = ("secret", "image")
OUTPUTS = ("stegastamp", "residual", "decoded")
WIDTH = 32
# Of the encoder's U-Net: name, kernel's side, stride, input and output channels.
UNET = (
    ("conv1", 3, 1, 6, 32),
    ("conv2", 3, 2, 32, 32),
    ("conv3", 3, 2, 32, 64),
    ("conv4", 3, 2, 64, 128),
    ("conv5", 3, 2, 128, 256),
    ("up6", 2, 1, 256, 128),
    ("conv6", 3, 1, 256, 128),
    ("up7", 2, 1, 128, 64),
    ("conv7", 3, 1, 128, 64),
    ("up8", 2, 1, 64, 32),
    ("conv8", 3, 1, 64, 32),
    ("up9", 2, 1, 32, 32),
    ("conv9", 3, 1, 70, 32),
    ("residual", 1, 1, 32, 3),
)
# Largest difference from the original of a pixel in [0, 1], and of a bit's probability.
TOLERANCE = 1e-4


def convert_stegastamp(folder, directory, trust=False):
    """Turns the SavedModel of StegaStamp's authors, or of their training code, into a network.

    The weights are read without running anything. Layers are told apart by their order from the
    inputs to the outputs, since their names depend on the version of TensorFlow.

    Args:
        folder: of the SavedModel, such as `saved_models/stegastamp_pretrained`: its signature has
            the inputs `secret` and `image` and the outputs `stegastamp`, `residual` and `decoded`.
        directory: folder of the new network, with all that `package_network` writes; it appears
            whole or not at all, and an older one is replaced.
        trust: whether the original graph may be run, to compare outputs. A SavedModel is a
            program; also then its operations must only compute.

    Returns:
        dict: `path` of the SavedModel, `bits`, `size` in pixels, and with `trust` the
        `differences`, see `compare_with_original`. Raises `ValueError` if the folder holds another
        network, or if the outputs differ by more than 1e-4.
    """
    folder, directory = Path(folder), Path(directory)
    graph = SavedGraph(folder, INPUTS, OUTPUTS)
    size, bits = _sizes(graph)
    encoder = read_layers(graph, "residual", encoder_layers(size, bits))
    decoder = read_layers(graph, "decoded", decoder_layers(size, bits))
    embedder = build_embedder(size, bits, WIDTH, normalization=None, output="sum")
    extractor = released.build_released_extractor(size, bits)
    for model, layers in ((embedder, encoder), (extractor, decoder)):
        for name, arrays in layers.items():
            model.get_layer(name).set_weights(arrays)
    card = _card(directory.absolute().name, folder.absolute().name, size, bits)
    report = {"path": str(directory / "1"), "size": size, "bits": bits}
    if trust:
        network = KerasNetwork(embedder, extractor, card["name"], card)
        report["differences"] = compare_with_original(network, graph)
        far = {k: v for k, v in report["differences"].items() if v > TOLERANCE}
        if far:
            raise ValueError(
                f"The converted network differs from {folder}: {far}. It is not written."
            )
    package_network(embedder, extractor, directory, card)
    return report


def encoder_layers(size, bits):
    """Returns what the authors' encoder consists of, our names: `(name, kernel, stride)`."""
    places = (size // 8) ** 2 * 3
    return [("message_dense", (bits, places), 1), *map(_convolution, UNET)]


def decoder_layers(size, bits):
    """Returns what the authors' decoder consists of, see `encoder_layers`."""
    located, read = (_halved(size, table) for table in (released.LOCATE, released.READ))
    return [
        *map(_convolution, released.LOCATE),
        ("locate_dense", (located**2 * released.LOCATE[-1][-1], released.LOCATE_UNITS), 1),
        ("locate_map", (released.LOCATE_UNITS, 6), 1),
        *map(_convolution, released.READ),
        ("dense", (read**2 * released.READ[-1][-1], released.READ_UNITS), 1),
        ("bits", (released.READ_UNITS, bits), 1),
    ]


def read_layers(graph, output, expected):
    """Returns the weights of the layers before an output, by our names, checked one by one.

    Args:
        graph: `SavedGraph`.
        output: its name.
        expected: see `encoder_layers`.

    Returns:
        `{layer: [kernel, bias]}`, float32.
    """
    layers = graph.layers(output)
    if len(layers) != len(expected):
        raise ValueError(
            f"Expected {len(expected)} layers with weights before {output}, as StegaStamp has. "
            f"Received: {graph.folder} with {len(layers)}"
        )
    weights = {}
    for (name, shape, stride), layer in zip(expected, layers, strict=True):
        arrays = [layer["kernel"], layer["bias"]]
        found = [array.shape for array in arrays if array is not None]
        where = f"{graph.folder}: expected {name} ({layer['name']})"
        if found != [shape, shape[-1:]]:
            raise ValueError(f"{where} to have the shapes {[shape, shape[-1:]]}. Received: {found}")
        if layer["stride"] != stride:
            raise ValueError(f"{where} to have stride {stride}. Received: {layer['stride']}")
        if not all(np.issubdtype(a.dtype, np.floating) and np.isfinite(a).all() for a in arrays):
            raise ValueError(f"{where} to hold finite numbers. Received: others among them.")
        weights[name] = [array.astype(np.float32) for array in arrays]
    return weights


def compare_with_original(network, graph):
    """Measures a converted network against the original graph, which is run.

    Two random images are marked with random messages, and what the original gives is read.

    Args:
        network: `Network`.
        graph: `SavedGraph`.

    Returns:
        dict: the largest differences of `pixels` (in [0, 1]) and `probabilities` of bits, and
        `bits_different`.
    """
    generator = np.random.default_rng(0)
    size = network.patch_shape[0]
    covers = generator.random((2, size // 8, size // 8, 3), np.float32).repeat(8, 1).repeat(8, 2)
    covers = (0.8 * covers + 0.2 * generator.random(covers.shape)).astype(np.float32)
    message = generator.integers(0, 2, (2, network.bits)).astype(np.float32)
    feeds = {"secret": message, "image": covers}
    marked = graph.run(feeds, {"stegastamp": graph.outputs["stegastamp"]})["stegastamp"]
    fetches = {"decoded": graph.outputs["decoded"], "odds": graph.before("decoded", "Sigmoid")}
    read = graph.run({"image": marked}, fetches)
    found = network.embed(covers, message[:, None, None])
    logits = network.extract(marked)[:, 0, 0]
    wrong = (logits > 0) != (read["decoded"] > 0.5)
    # Of a bit on the edge, rounding decides.
    wrong &= abs(read["odds"] - 0.5) > TOLERANCE
    return {
        "pixels": float(abs(found - marked).max()),
        "probabilities": float(abs(1 / (1 + np.exp(-logits)) - read["odds"]).max()),
        "bits_different": int(wrong.sum()),
    }


def _sizes(graph):
    """Side of the image and number of bits, from the shapes of the signature."""
    message, image = (graph.shapes[name] for name in INPUTS)
    size, bits = (image[1:2] + (None,))[0], message[-1]
    fits = size and size >= 32 and size % 16 == 0 and bits
    if not fits or image[1:] != (size, size, 3) or message[1:] != (bits,):
        raise ValueError(
            "Expected a secret (any, bits) and an image (any, size, size, 3) with a size that is "
            f"a multiple of 16, as 400 is. Received: {graph.folder} with {message} and {image}"
        )
    return size, bits


def _convolution(row):
    name, kernel, stride, inputs, width = row
    return name, (kernel, kernel, inputs, width), stride


def _halved(size, table):
    for _, _, stride, _, _ in table:
        size = -(-size // stride)
    return size


def _card(name, source, size, bits):
    message = f"{bits} bits in a photo squeezed to {size}x{size} pixels"
    return make_card(
        name,
        f"StegaStamp with the weights that its authors released, converted from {source}.",
        paper="Tancik, Mildenhall and Ng, StegaStamp, CVPR 2020",
        licence={"code": "MIT (tfwm)", "weights": "MIT, as the authors' repository"},
        training={
            "data": "MIRFLICKR, by the authors",
            "recipe": "none: trained by the authors",
            "command": f"tfwm convert stegastamp {source} {name}",
        },
        geometry={
            "patch": [size, size],
            "block": [size, size],
            "channels": 3,
            "bits": bits,
            "message": f"{message}; the residual is carried up to the photo's size",
            "whole": True,
        },
        strength={"default": 1.0, "guidance": "The authors' is 1; PSNR falls by 6 dB if doubled."},
        limits=[
            "Messages are those of tfwm: what the authors' scripts wrote, 7 letters with a BCH "
            "code, is among the raw bits.",
            "Crops and shifts move the mark, which is then not read.",
        ],
    )
