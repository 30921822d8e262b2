"""Keys of watermarked networks, made from a secret, and what may be published of them."""

import functools
import hashlib
import hmac
import json
import secrets
import unicodedata

import numpy as np

# Part of every key and commitment: another value makes others.
LABEL = b"tfwm keyed network 1"
LEAST_BYTES = 16
LEAST_KINDS = 6  # different bytes
SCRYPT = {"n": 2**14, "r": 8, "p": 1, "maxmem": 64 * 2**20, "dklen": 32}
DIGEST = hashlib.sha256().digest_size
# HKDF counts its blocks in one byte.
MOST_BITS = 8 * 255 * DIGEST


def new_secret():
    """Returns a fresh secret of 256 random bits, as 64 hexadecimal digits.

    Example:

    >>> len(new_secret())
    64
    """
    return secrets.token_hex(32)


def derive_key(secret, bits=256):
    """Returns the key of a secret: bits that a keyed extractor takes.

    The secret goes through scrypt once (16 MB of memory, about 50 ms: whoever tries out
    passphrases is slowed down), and the result is expanded as HKDF does, with HMAC-SHA256 and a
    label (RFC 5869, section 2.3). Nothing of the secret follows from the key; the same secret
    gives the same key in every version of Python and NumPy.

    Args:
        secret: text (its NFC-normalised UTF-8 counts) or bytes, at least 16 bytes.
            `new_secret` makes a good one; a passphrase should have six random words or more.
        bits: number of bits, `tfwm.models.keyed.key_length` of the watermark.

    Returns:
        uint8 array `(bits,)` of 0 and 1.

    Example:

    >>> derive_key("demonstration secret, not for use", 8).tolist()
    [0, 1, 1, 0, 1, 1, 1, 1]
    """
    if not isinstance(bits, int) or not 0 < bits <= MOST_BITS:
        raise ValueError(f"Expected 1 to {MOST_BITS} bits. Received: bits={bits!r}")
    stream = _expand(_root(checked_secret(secret)), f"key of {bits} bits", -(-bits // 8))
    return np.unpackbits(np.frombuffer(stream, np.uint8))[:bits]


def checked_secret(secret):
    """Returns the bytes of a secret that is not too weak, or raises `ValueError`."""
    if isinstance(secret, str):
        secret = unicodedata.normalize("NFC", secret).encode("utf-8")
    if not isinstance(secret, bytes | bytearray):
        raise ValueError(f"Expected a secret of text or bytes. Received: a {type(secret).__name__}")
    # The secret itself must not get into logs.
    if len(secret) < LEAST_BYTES:
        raise ValueError(
            f"Expected a secret of at least {LEAST_BYTES} bytes, which nobody can guess: make one "
            f"with `tfwm keyed keygen`. Received: {len(secret)} bytes"
        )
    if len(set(secret)) < LEAST_KINDS:
        raise ValueError(
            f"Expected a secret of at least {LEAST_KINDS} different bytes, which nobody can guess: "
            f"make one with `tfwm keyed keygen`. Received: {len(set(secret))} different ones"
        )
    return bytes(secret)


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


def commitment(secret, watermark, files):
    """Returns a hash that binds a secret, a watermark and the files of networks to each other.

    Publish it, or have it time-stamped, before a dispute. It tells nothing about the secret, by
    which it is salted (HMAC-SHA256 with a key from the secret); afterwards the secret opens it,
    and no other secret, watermark or file does.

    Args:
        secret: see `derive_key`.
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
    salt = _expand(_root(checked_secret(secret)), "commitment", DIGEST)
    return hmac.new(salt, LABEL + message, hashlib.sha256).hexdigest()


def check_commitment(published, secret, watermark, files):
    """Returns whether a published commitment is that of a secret, a watermark and files.

    Args:
        published: 64 hexadecimal digits.
        secret: see `commitment`, also for `watermark` and `files`.

    Example:

    >>> files = {"extractor.keras": "ab" * 32}
    >>> published = commitment("demonstration secret, not for use", np.eye(4)[..., None], files)
    >>> check_commitment(published, "another secret, not for use", np.eye(4)[..., None], files)
    False
    """
    found = commitment(secret, watermark, files)
    return hmac.compare_digest(found.encode(), str(published).strip().lower().encode())


@functools.lru_cache(maxsize=16)
def _root(secret):
    return hashlib.scrypt(secret, salt=LABEL, **SCRYPT)


def _expand(root, purpose, size):
    """HKDF-Expand of RFC 5869 with SHA-256."""
    stream = block = b""
    for count in range(1, -(-size // DIGEST) + 1):
        message = block + LABEL + b" " + purpose.encode() + bytes([count])
        block = hmac.new(root, message, hashlib.sha256).digest()
        stream += block
    return stream[:size]
