"""ReDMark as its authors released it, turned into ours, from a user's disk."""

import zipfile
from pathlib import Path

import numpy as np

from tfwm.checks import need
from tfwm.export.package import package_network
from tfwm.models.redmark import build_embedder, build_extractor
from tfwm.networks import KerasNetwork
from tfwm.networks.card import make_card, redmark_geometry
from tfwm.ops.transforms import block_matrix

WIDTH = 64
SHAPES = {
    "dct": [(1, 1, WIDTH, WIDTH)],
    "idct": [(1, 1, WIDTH, WIDTH)],
    "enc_conv1": [(1, 1, WIDTH + 1, WIDTH), (WIDTH,)],
    **{f"enc_conv{i}": [(2, 2, WIDTH, WIDTH), (WIDTH,)] for i in range(2, 6)},
    "dec_conv1": [(1, 1, WIDTH, WIDTH), (WIDTH,)],
    **{f"dec_conv{i}": [(2, 2, WIDTH, WIDTH), (WIDTH,)] for i in range(2, 5)},
    "dec_output_depth2space": [(1, 1, WIDTH, 1), (1,)],
}
# The averaging kernel of an attack layer, in MT-Net's file only.
IGNORED = {"smoothing_attak"}
OUTPUTS = ("bits", "marked", "logits")


def convert_redmark(h5_path, directory, golden=None):
    """Turns a weight file of ReDMark's authors into a SavedModel, `directory/1`.

    The authors' repository (github.com/MahdiAhmadi/ReDMark) states no licence: use their
    weights for yourself, do not pass them on.

    Against a float32 NumPy forward pass of the same weights, marked images (cut to uint8 as
    the authors do, truncating) are equal but for single pixels, 0 to 8 of 262144, whose value
    before truncation lies within 1e-4 gray levels, float32 rounding, of a whole number.
    Computing in float64 leaves as many, since the reference rounds as well.

    Args:
        h5_path: `MT-Net.h5`, `JT-Net.h5` or `GT-Net.h5` (`weights_final.h5`).
        directory: folder of the new network, with all that `package_network` writes; it
            appears whole or not at all, and an older one is replaced.
        golden: optional `.npz` file of reference outputs, see `compare_with_golden`.

    Returns:
        dict: `path` of the SavedModel, and with `golden` the `differences`.
        Raises `ValueError` if the file is damaged or not of this network.
    """
    h5_path, directory = Path(h5_path), Path(directory)
    weights = read_redmark_weights(h5_path)
    embedder, extractor = _build(weights)
    report = {"path": str(directory / "1")}
    if golden is not None:
        network = KerasNetwork(embedder, extractor, h5_path.stem)
        report["differences"] = compare_with_golden(network, golden, h5_path.stem.split("-")[0])
    package_network(embedder, extractor, directory, _card(directory.absolute().name, h5_path.name))
    return report


def read_redmark_weights(h5_path):
    """Reads the authors' weights by layer name.

    Args:
        h5_path: HDF5 file as old Keras' `save_weights` wrote it.

    Returns:
        `{layer: [kernel]}` or `{layer: [kernel, bias]}`, float32 arrays of checked shapes.
    """
    h5_path = Path(h5_path)
    if not h5_path.is_file():
        raise FileNotFoundError(f"There is no weight file {h5_path}.")
    h5py = need("h5py", "train")
    weights = {}
    try:
        with h5py.File(h5_path) as file:
            file.visititems(lambda path, item: _collect(weights, path, item))
    except (OSError, RuntimeError, KeyError) as error:
        raise ValueError(f"{h5_path} is truncated or not an HDF5 file.") from error
    missing = [layer for layer in SHAPES if layer not in weights]
    unknown = [layer for layer in weights if layer not in SHAPES and layer not in IGNORED]
    if missing or unknown:
        raise ValueError(
            f"{h5_path} does not hold the weights of a ReDMark network; layers missing: "
            f"{missing or 'none'}, unknown: {unknown or 'none'}."
        )
    return {layer: _checked(h5_path, layer, weights[layer]) for layer in SHAPES}


def compare_with_golden(network, golden, prefix):
    """Measures a converted network against stored outputs of the authors' one.

    Args:
        network: `Network`.
        golden: `.npz` file with `cover_<image>` (uint8), `<prefix>_<image>_bits`, `..._marked`
            (uint8, strength 1, truncated) and `..._logits` (what the extractor gives for it).
        prefix: which network of the file, such as `"MT"`.

    Returns:
        List of dicts, one an image: `image`, `pixels_different`, `farthest_from_integer` (of
        those pixels, distance in gray levels of the value before truncation from the nearest
        whole number) and `logits_difference` (largest).
    """
    try:
        with np.load(golden) as file:
            arrays = dict(file)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{golden} is truncated or not an .npz file.") from error
    images = [key.removeprefix("cover_") for key in arrays if key.startswith("cover_")]
    images = [i for i in images if all(f"{prefix}_{i}_{key}" in arrays for key in OUTPUTS)]
    if not images:
        raise ValueError(f"{golden} holds no outputs of {prefix!r}: no {prefix}_<image>_marked.")
    rows = []
    for image in images:
        keys = [f"cover_{image}", *(f"{prefix}_{image}_{k}" for k in OUTPUTS)]
        cover, bits, marked, logits = (
            arrays[key][None, ..., None].astype(np.float32) for key in keys
        )
        value = 255 * network.embed(cover / 255, bits)
        wrong = np.floor(value) != marked
        distance = np.abs(value - np.round(value))[wrong]
        difference = np.abs(network.extract(marked / 255) - logits)
        rows.append(
            {
                "image": image,
                "pixels_different": int(wrong.sum()),
                "farthest_from_integer": float(distance.max(initial=0)),
                "logits_difference": float(difference.max()),
            }
        )
    return rows


def _collect(weights, path, item):
    if hasattr(item, "shape") and not path.startswith("optimizer"):
        weights.setdefault(path.split("/")[0], {})[path.split("/")[-1].split(":")[0]] = item[()]


def _checked(h5_path, layer, found):
    names, shapes = ("kernel", "bias"), SHAPES[layer]
    arrays = [np.asarray(found[name]) for name in names if name in found]
    if [array.shape for array in arrays] != shapes:
        raise ValueError(
            f"{h5_path}: expected {layer} to have the shapes {shapes}. "
            f"Received: {[array.shape for array in arrays]}"
        )
    if not all(np.issubdtype(a.dtype, np.floating) and np.isfinite(a).all() for a in arrays):
        raise ValueError(f"{h5_path}: {layer} holds values that are not finite numbers.")
    return [array.astype(np.float32) for array in arrays]


def _build(weights):
    analysis, synthesis = weights["dct"][0][0, 0], weights["idct"][0][0, 0]
    if not np.allclose(analysis @ synthesis, np.eye(WIDTH), atol=1e-4):
        raise ValueError("The weight file's idct is not the inverse of its dct.")
    is_dct = np.allclose(analysis.T, block_matrix("dct", (8, 8)), atol=1e-5)
    transform = "dct" if is_dct else analysis.T
    embedder, extractor = build_embedder(transform=transform), build_extractor(transform=transform)
    for layer, arrays in weights.items():
        if layer.startswith("enc"):
            embedder.get_layer(layer).set_weights(arrays)
        elif layer.startswith("dec"):
            name = "dec_output" if layer == "dec_output_depth2space" else layer
            extractor.get_layer(name).set_weights(arrays)
    return embedder, extractor


def _card(name, file):
    return make_card(
        name,
        f"ReDMark with the weights that its authors released, converted from {file}.",
        paper="Ahmadi et al., ReDMark, Expert Systems with Applications 146, 2020",
        licence={"code": "MIT (tfwm)", "weights": "none stated by the authors: local use only"},
        training={
            "data": "CIFAR-10 and Pascal VOC2012, by the authors",
            "recipe": "none: trained by the authors",
            "command": f"tfwm convert redmark {file} {name}",
        },
        geometry=redmark_geometry(),
        strength={"default": 1.0, "guidance": "1.0, 0.8 and 0.6 are the values of the paper."},
        limits=["Do not redistribute: the weights carry no licence."],
    )
