import functools
import hashlib
import unicodedata

import numpy as np

# Part of the format of marked photos: another value reads other bits.
FORMAT = b"tfwm payload 1"
SCRYPT = {"n": 2**14, "r": 8, "p": 1, "maxmem": 64 * 2**20, "dklen": 32}


class Key:
    """A secret, and the fixed streams of numbers that follow from it.

    Give the same secret to embed and to read. It goes through scrypt once (16 MB of memory and
    about 50 ms, which slows down whoever tries out passwords), and from there through SHAKE-256
    and BLAKE2b, one independent stream for each purpose. Only hash functions are involved, so
    the streams stay the same in every version of Python and NumPy.

    Args:
        secret: text or bytes. Text counts as its NFC-normalised UTF-8 bytes, so an accent
            typed on another system is the same secret. `None` is the public key: everybody
            can then read and forge the mark.

    Example:

    >>> Key("correct horse") == Key(b"correct horse"), Key("a") == Key("b")
    (True, False)
    """

    def __init__(self, secret=None):
        if isinstance(secret, str):
            secret = unicodedata.normalize("NFC", secret).encode("utf-8")
        if not (secret is None or isinstance(secret, (bytes, bytearray)) and secret):
            raise ValueError(
                "Expected a secret of at least one character or byte, or None for the public "
                f"key. Received: a secret of type {type(secret).__name__}"
                + (", empty" if isinstance(secret, (bytes, bytearray)) else "")
            )
        self.is_public = secret is None
        self._root = _root(None if secret is None else bytes(secret))

    def stream(self, purpose, size):
        """Returns `size` bytes, the same ones for the same purpose."""
        name = purpose.encode("utf-8")
        return hashlib.shake_256(self._root + bytes([len(name)]) + name).digest(size)

    def permutation(self, purpose, size):
        """Returns the numbers 0 to `size - 1` in a fixed pseudo-random order."""
        numbers = np.frombuffer(self.stream(purpose, 8 * size), "<u8")
        return np.argsort(numbers, kind="stable")

    def bits(self, purpose, size):
        """Returns `size` pseudo-random bits as uint8 of 0 and 1."""
        return np.unpackbits(np.frombuffer(self.stream(purpose, -(-size // 8)), np.uint8))[:size]

    def tag(self, data, bits):
        """Returns the first bits of a message authentication code (keyed BLAKE2b)."""
        secret = self.stream("tag", 32)
        digest = hashlib.blake2b(data, key=secret, digest_size=8).digest()
        return np.unpackbits(np.frombuffer(digest, np.uint8))[:bits]

    def __eq__(self, other):
        return isinstance(other, Key) and self._root == other._root

    def __hash__(self):
        return hash(self._root)

    def __repr__(self):
        return "Key(None)" if self.is_public else "Key(<secret>)"


@functools.lru_cache(maxsize=64)
def _root(secret):
    if secret is None:
        return hashlib.blake2b(FORMAT + b" public key", digest_size=32).digest()
    return hashlib.scrypt(secret, salt=FORMAT, **SCRYPT)
