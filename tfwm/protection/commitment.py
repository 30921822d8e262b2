"""A hash that binds an owner's key, a watermark and the files of networks, to be published."""

import hashlib
import hmac
import json

import numpy as np

from tfwm.keys import DIGEST, NETWORK, derive_bytes


def watermark_digest(watermark):
    """Returns the SHA-256 of a watermark's shape and 8-bit pixels, as hexadecimal digits.

    Args:
        watermark: array `(height, width, 1 or 3)`, floats in [0, 1] or uint8.

    Example:

    >>> watermark_digest(np.zeros((4, 4, 1)))[:8]
    'fdec961a'
    """
    pixels = np.asarray(watermark)
    if pixels.ndim != 3:
        raise ValueError(
            "Expected a watermark (height, width, channels). "
            f"Received: watermark of shape {pixels.shape}"
        )
    if pixels.dtype != np.uint8:
        pixels = np.uint8(np.round(255 * np.clip(pixels, 0, 1)))
    return hashlib.sha256(str(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def commitment(key, watermark, files):
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
    >>> commitment("demonstration secret, not for use", np.zeros((4, 4, 1)), files)[:8]
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
        key: see `commitment`, also for `watermark` and `files`.

    Example:

    >>> files = {"extractor.keras": "ab" * 32}
    >>> published = commitment("demonstration secret, not for use", np.eye(4)[..., None], files)
    >>> check_commitment(published, "another secret, not for use", np.eye(4)[..., None], files)
    False
    """
    found = commitment(key, watermark, files)
    return hmac.compare_digest(found.encode(), str(published).strip().lower().encode())
