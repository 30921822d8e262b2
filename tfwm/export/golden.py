"""`golden.npz`: a small photo, and what a network made of it when it was packed."""

import io
import math
import zipfile
from pathlib import Path

import numpy as np

from tfwm.checks import need
from tfwm.networks.card import kind_of
from tfwm.networks.inside import read_inside
from tfwm.networks.network import Network

GOLDEN = "golden.npz"
# Networks with larger patches get fewer of them, which keeps the file small.
LARGE_PATCH = 64 * 64
LARGEST_ARRAYS = 2**26
KEYS = ("cover", "message", "strength", "watermarked", "logits")
HOST_KEYS = ("image", "output", "key", "watermark")
# Largest difference (RMS) to the golden tensors. float32 runtimes differ by the order of their
# sums and agree to about 1e-5; the others are the price of their number formats. Of embedder and
# extractor it is relative to residual and logits, of a host it is absolute, of pixels in [0, 1].
TOLERANCES = {
    "keras": 1e-3,
    "saved_model": 1e-3,
    "tflite float32": 1e-3,
    "tflite float16": 2e-2,
    "tflite int8": 0.4,
}
HOST_TOLERANCES = {**TOLERANCES, "tflite float16": 1e-2, "tflite int8": 0.1}


def golden_of(form, card):
    """Returns the golden tensors of a network of any kind, made by its Keras form."""
    if kind_of(card).name == "keyed":
        return _make_host_golden(form)
    return make_golden(Network(card["name"], card, form), card["strength"]["default"])


def replay(form, card, golden, key=None):
    """Runs a form on the golden inputs; returns `{name: difference}` to the golden outputs.

    With `key`, the owner's key of a keyed network, all forms must read alike as well.
    """
    if kind_of(card).name == "keyed":
        return _replay_host(form, golden, key)
    return replay_golden(Network(card["name"], card, form), golden)


def tolerances(card):
    """Returns the largest difference that `replay` may find, by form."""
    return HOST_TOLERANCES if kind_of(card).name == "keyed" else TOLERANCES


def make_golden(network, strength=1.0, seed=0):
    """Runs a network on a fixed small photo.

    The cover is two crops, 2 x 3 patches each, of scikit-image's photo "camera" (CC0), or of
    "astronaut" (public domain) for a network with colors; a single crop of 1 x 2 patches if
    these are larger than 64 x 64, and of one patch for a network of whole photos.

    Args:
        network: `Network`, best a `KerasNetwork`.
        strength: strength factor.
        seed: seed of the message.

    Returns:
        dict of arrays: `cover` uint8 `(n, H, W, channels)`, `message`, `strength`, `watermarked`
        (from `cover / 255`) and `logits` (from `watermarked`).
    """
    large = network.whole or math.prod(network.patch_shape) > LARGE_PATCH
    grid, corners = ((1, 2), [(80, 180)]) if large else ((2, 3), [(80, 180), (300, 60)])
    grid = (1, 1) if network.whole else grid
    height, width = (n * side for n, side in zip(grid, network.patch_shape, strict=True))
    cover = _crops(corners, height, width, network.channels)
    shape = (len(cover), *network.message_shape(height, width))
    message = np.random.default_rng(seed).integers(0, 2, shape).astype(np.uint8)
    golden = {"cover": cover, "message": message, "strength": np.float32(strength)}
    golden["watermarked"] = network.embed(*_inputs(golden))
    golden["logits"] = network.extract(golden["watermarked"])
    return golden


def replay_golden(network, golden):
    """Runs a network on the golden inputs and returns how far it is from the golden outputs.

    Args:
        network: `Network` to check.
        golden: dict of `make_golden` or `read_golden`.

    Returns:
        `{"residual": ..., "logits": ...}`: root mean square of the difference, relative to
        that of the golden residual (watermarked minus cover) and the golden logits.
    """
    image, message, strength = _inputs(golden)
    watermarked = network.embed(image, message, strength)
    logits = network.extract(golden["watermarked"])
    residual = _rms(golden["watermarked"] - image)
    return {
        "residual": _rms(watermarked - golden["watermarked"]) / max(residual, 1e-6),
        "logits": _rms(logits - golden["logits"]) / max(_rms(golden["logits"]), 1e-6),
    }


def write_golden(golden, folder):
    """Writes `golden.npz`; returns its path."""
    path = Path(folder) / GOLDEN
    np.savez_compressed(path, **golden)
    return path


def read_golden(folder, card=None):
    """Returns the dict of arrays that `write_golden` wrote; `ValueError` if it is damaged.

    Args:
        folder: the network's folder.
        card: its card, `None` for a message network.
    """
    path = Path(folder) / GOLDEN
    keys = HOST_KEYS if kind_of(card or {}).name == "keyed" else KEYS
    if not path.exists():
        raise FileNotFoundError(f"The network {folder} has no {GOLDEN}.")
    data = io.BytesIO(read_inside(folder, GOLDEN))
    try:
        with zipfile.ZipFile(data) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST_ARRAYS:
                raise ValueError("its arrays are too large")
        with np.load(data) as file:
            return {key: file[key] for key in keys}
    except Exception as error:  # a damaged archive fails in many ways
        raise ValueError(f"{path} is damaged: the golden tensors cannot be read.") from error


def _make_host_golden(form):
    """Golden tensors of two crops of a photo, read with a random key, which is not the owner's."""
    host, extractor = form.runtime
    shape = tuple(extractor.input["image"].shape[1:])
    # The host's input may be smaller than its output, by a whole factor.
    trial = np.zeros((1, *_input_shape(host, *shape[:2])), np.float32)
    factor = max(form("run", image=trial)["output"].shape[1] // shape[0], 1)
    height, width, channels = _input_shape(host, *(side // factor for side in shape[:2]))
    image = _crops([(0, 100), (60, 180)], height, width, channels)
    output = form("run", image=np.float32(image / 255))["output"]
    if output.shape[1:] != shape:
        raise ValueError(
            f"Expected a host whose outputs are {shape}, as the extractor's images are. "
            f"Received: outputs of {output.shape[1:]}"
        )
    key_shape = (len(image), extractor.input["key"].shape[-1])
    key = np.random.default_rng(0).integers(0, 2, key_shape).astype(np.uint8)
    read = form("extract", image=output, key=np.float32(key))["watermark"]
    return {"image": image, "output": output, "key": key, "watermark": read}


def _replay_host(form, golden, key):
    found = {"output": form("run", image=np.float32(golden["image"] / 255))["output"]}
    for name, bits in (("watermark", golden["key"]), ("watermark with the key", key)):
        if bits is not None:
            bits = np.broadcast_to(bits, golden["key"].shape).astype(np.float32)
            found[name] = form("extract", image=golden["output"], key=bits)["watermark"]
    # No file tells what the key reads: there the first form, the Keras models, is golden.
    return {name: _rms(value - golden.setdefault(name, value)) for name, value in found.items()}


def _crops(corners, height, width, channels):
    """Parts of a photo, which goes on from its start where it is too small."""
    data = need("skimage.data", "evaluate")
    photo = data.camera()[..., None] if channels == 1 else data.astronaut()
    crops = []
    for top, left in corners:
        rows = np.arange(top, top + height) % photo.shape[0]
        crops.append(photo[rows][:, np.arange(left, left + width) % photo.shape[1]])
    return np.stack(crops)


def _input_shape(host, rows, columns):
    """A host's input, with the given sides where its own are free."""
    _, height, width, channels = host.inputs[0].shape
    return height or rows, width or columns, channels


def _inputs(golden):
    image = np.float32(golden["cover"] / 255)
    return image, golden["message"].astype(np.float32), float(golden["strength"])


def _rms(values):
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))
