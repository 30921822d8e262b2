"""Commitments: a hash that binds an owner's key, a watermark and a network's files, in a file.

Its owner publishes it before a dispute.
"""

import datetime
import hashlib
import hmac
import json
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from tfwm.checks import one_line, shortened
from tfwm.data.sources import read_source
from tfwm.files import check_new_file, read_bounded, sha256, write_whole
from tfwm.images import plane, to_float, to_uint8
from tfwm.keys import DIGEST, NETWORK, derive_bytes
from tfwm.networks.strict_json import parse_json
from tfwm.protection.keyed import EXTRACTOR, HOST, load_keyed

# Trained networks reach 0.77 to 1.00 on sample photos with their own key, 0.00 with others.
LEAST_SIMILARITY = 0.2
LARGEST = 2**20  # bytes of a file
FORM = "tfwm keyed commitment 1"
FIELDS = ("form", "date", "network", "watermark", "files", "commitment")


def watermark_digest(watermark):
    """Returns the SHA-256 of a watermark's shape and 8-bit pixels, as hexadecimal digits.

    Args:
        watermark: array `(height, width, 1 or 3)`, floats in [0, 1] or uint8.

    Example:

    >>> watermark_digest(np.zeros((4, 4, 1)))[:8]
    'fdec961a'
    """
    pixels = to_uint8(watermark)
    if pixels.ndim != 3:
        raise ValueError(
            "Expected a watermark (height, width, channels). "
            f"Received: watermark of shape {pixels.shape}"
        )
    return hashlib.sha256(str(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def make_commitment(key, watermark, files):
    """Returns a hash that binds a key, a watermark and the files of networks to each other.

    Publish it, or have it time-stamped, before a dispute. It reveals nothing about the key, which
    salts it (HMAC-SHA256 with a stream of the key). Afterwards the key opens it, and no other
    key, watermark or file does.

    Args:
        key: the owner's, see `tfwm.keys.derive_key`.
        watermark: array `(height, width, 1 or 3)`, floats in [0, 1] or uint8.
        files: dict of file names and their SHA-256 in hexadecimal digits, of the extractor's file
            at least.

    Returns:
        64 hexadecimal digits.

    Example:

    >>> files = {"extractor.keras": "ab" * 32}
    >>> make_commitment("demonstration secret, not for use", np.zeros((4, 4, 1)), files)[:8]
    '78f8084e'
    """
    if not files:
        raise ValueError("Expected the SHA-256 of at least the extractor's file. Received: none")
    for name, digest in files.items():
        if len(str(digest)) != 2 * DIGEST or set(str(digest)) - set("0123456789abcdef"):
            raise ValueError(
                f"Expected a SHA-256, {2 * DIGEST} hexadecimal digits in lower case. "
                f"Received: {name}={digest!r}"
            )
    bound = {"watermark": watermark_digest(watermark), "files": dict(files)}
    message = json.dumps(bound, sort_keys=True, separators=(",", ":")).encode()
    salt = derive_bytes(key, "commitment", DIGEST)
    return hmac.new(salt, NETWORK + message, hashlib.sha256).hexdigest()


def check_commitment(published, key, watermark, files):
    """Returns whether a published commitment belongs to a key, a watermark and files.

    Args:
        published: 64 hexadecimal digits.
        key: see `make_commitment`, also for `watermark` and `files`.

    Example:

    >>> mark, files = np.eye(4)[..., None], {"extractor.keras": "ab" * 32}
    >>> published = make_commitment("demonstration secret, not for use", mark, files)
    >>> check_commitment(published, "another secret, not for use", mark, files)
    False
    """
    found = make_commitment(key, watermark, files)
    told = str(published).strip().lower().encode("utf-8", "replace")
    return hmac.compare_digest(found.encode(), told)


def write_commitment(network, key, path, overwrite=False) -> dict:
    """Writes the commitment to a keyed network and its owner's key.

    Args:
        network: name or folder of a keyed network.
        key: the owner's, see `tfwm.keys.derive_key`.
        path: JSON file to write.
        overwrite: whether an existing file is replaced.

    Warns:
        UserWarning: what the network makes of sample photos does not carry the watermark with
            this key, as with a key that it was not trained with.

    Returns:
        dict, as written: `form`, `date` (UTC), `network`, the SHA-256 of `watermark` and `files`,
        and the `commitment`.
    """
    check_new_file(path, overwrite)
    network, path = load_keyed(network), Path(path).expanduser()
    files = _digests(network.folder)
    similarity = similarity_of_outputs(network, key)
    if similarity < LEAST_SIMILARITY:
        warnings.warn(
            f"the outputs of {network.name} do not carry its watermark with this key: similarity "
            f"{similarity:.2f}, 1 is all of it. Is this the key that it was trained with?",
            stacklevel=2,
        )
    record = {
        "form": FORM,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "network": network.folder.name,
        "watermark": watermark_digest(network.watermark),
        "files": files,
        "commitment": make_commitment(key, network.watermark, files),
    }
    write_whole(path, json.dumps(record, indent=2) + "\n")
    return record


def similarity_of_outputs(network, key):
    """Returns how much of the watermark is read with a key from outputs for sample photos.

    Args:
        network: a `KeyedNetwork`.
        key: see `tfwm.keys.derive_key`.

    Returns:
        The largest `tfwm.metrics.watermark_similarity` of the photos; 1 is the whole watermark.
    """
    side = network.extractor.input["image"].shape[1]
    _, *sides, channels = network.host.inputs[0].shape
    if None in sides:  # such that an output has the size that is read best
        trial = network(np.zeros((1, side, side, channels), np.float32))
        sides = [max(side * side // trial.shape[1], 1)] * 2
    photos = read_source("bundled:test", channels).images
    small = [Image.fromarray(plane(p)).resize(sides[::-1], Image.LANCZOS) for p in photos]
    images = to_float(np.stack([np.asarray(p) for p in small]))
    outputs = network(images.reshape(len(images), *sides, channels))
    return float(network.reader(key).similarity(outputs).max())


def check_commitment_file(path, network, key) -> dict:
    """Returns the record in a commitment's file, with whether it holds.

    Args:
        path: JSON file that `write_commitment` wrote.
        network: name or folder of the keyed network as it is now.
        key: the owner's.

    Returns:
        The dict in the file, with `holds`, and in `reason` what does not fit, or `None`.
    """
    record, network = _read_record(path), load_keyed(network)
    watermark, files = network.watermark, _digests(network.folder)
    reason = None
    if record["watermark"] != watermark_digest(watermark):
        reason = "it is of another watermark"
    elif record["files"] != files:
        changed = [name for name, digest in files.items() if record["files"].get(name) != digest]
        reason = f"{(changed or ['a file'])[0]} is another than it was made for"
    elif not check_commitment(record["commitment"], key, watermark, files):
        reason = "it was made with another key"
    return {**record, "holds": reason is None, "reason": reason}


def _read_record(path):
    none = f"{path} is no commitment of `tfwm keyed commit`:"
    try:
        data = read_bounded(Path(path).expanduser(), LARGEST, "The commitment")
        record = parse_json(data)
    except OSError as error:
        raise ValueError(f"The commitment {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ValueError(f"{none} no JSON ({one_line(error, 100)}).") from error
    record = record if isinstance(record, dict) else {}
    if missing := [field for field in FIELDS if field not in record]:
        raise ValueError(f"{none} it lacks {missing[0]}.")
    for field in FIELDS:
        value = record[field]
        fits = isinstance(value, dict if field == "files" else str)
        if not fits or (field == "form" and value != FORM):
            raise ValueError(f"{none} its {field} is {shortened(value)}.")
    return record


def _digests(folder):
    return {name: sha256(folder / name) for name in (EXTRACTOR, HOST)}
