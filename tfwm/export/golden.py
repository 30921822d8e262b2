"""`golden.npz`: a small photo, a message and what the network made of them when it was packed."""

import math
import zipfile
from pathlib import Path

import numpy as np
from skimage import data

GOLDEN = "golden.npz"
# Networks with larger patches get fewer of them, which keeps the file small.
LARGE_PATCH = 64 * 64
KEYS = ("cover", "message", "strength", "watermarked", "logits")


def make_golden(network, strength=1.0, seed=0):
    """Runs a network on a fixed small photo.

    The cover is two crops, 2 x 3 patches each, of scikit-image's photo "camera" (CC0), or of
    "astronaut" (public domain) for a network with colours; a single crop of 1 x 2 patches if
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
    photo = data.camera()[..., None] if network.channels == 1 else data.astronaut()
    cover = np.stack([_crop(photo, *corner, height, width) for corner in corners])
    shape = (len(cover), *network.message_shape(height, width))
    message = np.random.default_rng(seed).integers(0, 2, shape).astype(np.uint8)
    golden = {"cover": cover, "message": message, "strength": np.float32(strength)}
    golden["watermarked"] = network.embed(*_inputs(golden))
    golden["logits"] = network.extract(golden["watermarked"])
    return golden


def write_golden(golden, folder):
    """Writes `golden.npz`; returns its path."""
    path = Path(folder) / GOLDEN
    np.savez_compressed(path, **golden)
    return path


def read_golden(folder):
    """Returns the dict of arrays that `write_golden` wrote; `ValueError` if it is damaged."""
    path = Path(folder) / GOLDEN
    try:
        with np.load(path) as file:
            return {key: file[key] for key in KEYS}
    except FileNotFoundError:
        raise FileNotFoundError(f"The network {folder} has no {GOLDEN}.") from None
    except (KeyError, ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is damaged: the golden tensors cannot be read.") from error


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
    residual = golden["watermarked"] - image
    return {
        "residual": _relative_error(watermarked - golden["watermarked"], residual),
        "logits": _relative_error(logits - golden["logits"], golden["logits"]),
    }


def _crop(photo, top, left, height, width):
    """A part of a photo, which goes on from its start where it is too small."""
    rows = np.arange(top, top + height) % photo.shape[0]
    return photo[rows][:, np.arange(left, left + width) % photo.shape[1]]


def _inputs(golden):
    image = np.float32(golden["cover"] / 255)
    return image, golden["message"].astype(np.float32), float(golden["strength"])


def _relative_error(difference, reference):
    reference = np.sqrt(np.mean(np.square(reference, dtype=np.float64)))
    difference = np.sqrt(np.mean(np.square(difference, dtype=np.float64)))
    return float(difference / max(reference, 1e-6))
