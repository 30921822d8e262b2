"""Secret keys: where they come from, their files, and the fixed streams that follow from them.

A key goes through scrypt once (16 MB of memory and about 50 ms, which slows down anybody who tries
out passphrases). Two schemes start there: `Key` for messages in photos, with SHAKE-256 and
BLAKE2b, and `derive_key` for networks whose outputs carry a mark, with HKDF. Both use hash
functions only, so they stay the same in every version of Python and NumPy, and both are formats
on disk: `tests/golden` holds their values.
"""

import codecs
import contextlib
import functools
import hashlib
import hmac
import os
import secrets
import unicodedata
from pathlib import Path

import numpy as np

from tfwm.checks import as_utf8, check_number, unicode_text
from tfwm.files import read_bounded

VARIABLE = "TFWM_KEY"
# Parts of the formats: other labels make other streams.
PAYLOAD = b"tfwm payload 1"
PUBLIC_ROOT = hashlib.blake2b(PAYLOAD + b" public key", digest_size=32).digest()
NETWORK = b"tfwm keyed network 1"
SCRYPT = {"n": 2**14, "r": 8, "p": 1, "maxmem": 64 * 2**20, "dklen": 32}

LARGEST_FILE = 2**26
LEAST_BYTES = 16
LEAST_KINDS = 6  # different bytes
DIGEST = hashlib.sha256().digest_size
# HKDF counts its blocks in one byte.
MOST_BITS = 8 * 255 * DIGEST


class Key:
    """The streams of numbers that a secret key gives to messages in photos.

    Give the same key to embed and to read. Each purpose has an independent stream.

    Args:
        key: text or bytes. Text counts as its NFC-normalized UTF-8 bytes, so an accent typed on
            another system gives the same key. `None` is the public key: everybody can then read
            and forge the mark.

    Example:

    >>> Key("correct horse") == Key(b"correct horse"), Key("a") == Key("b")
    (True, False)
    """

    def __init__(self, key: str | bytes | None = None):
        key = _as_bytes(key)
        if not (key is None or isinstance(key, bytes | bytearray) and key):
            raise ValueError(
                "Expected a key of at least one character or byte, or None for the public "
                f"key. Received: a key of type {type(key).__name__}"
                + (", empty" if isinstance(key, bytes | bytearray) else "")
            )
        self.is_public = key is None
        self._root = PUBLIC_ROOT if key is None else _root(bytes(key), PAYLOAD)

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

    def tag(self, data, bits, purpose="tag"):
        """Returns the first bits of a message authentication code (keyed BLAKE2b)."""
        key = self.stream(purpose, 32)
        digest = hashlib.blake2b(data, key=key, digest_size=8).digest()
        return np.unpackbits(np.frombuffer(digest, np.uint8))[:bits]

    @property
    def fingerprint(self):
        """Which key this is, without telling it: 16 hexadecimal digits, or `"public"`.

        As a marked photo does, it lets others try out passphrases, 50 ms each: take a key of
        `tfwm keygen`.
        """
        return "public" if self.is_public else self.stream("fingerprint", 8).hex()

    def __eq__(self, other):
        return isinstance(other, Key) and self._root == other._root

    def __hash__(self):
        return hash(self._root)

    def __repr__(self):
        return "Key(None)" if self.is_public else "Key(<secret>)"


def derive_key(key: str | bytes, bits: int = 256) -> np.ndarray:
    """Returns the bits that a keyed extractor takes as its key.

    The output of scrypt is expanded as in HKDF, with HMAC-SHA256 and a label (RFC 5869, section
    2.3). Nobody can compute the owner's key from the bits.

    Args:
        key: the owner's, text (its NFC-normalized UTF-8 counts) or bytes, at least 16 bytes.
            `new_key` makes a good one; a passphrase should have six random words or more.
        bits: number of bits, the length of key that the network's extractor takes.

    Returns:
        uint8 array `(bits,)` of 0 and 1.

    Example:

    >>> derive_key("demonstration secret, not for use", 8).tolist()
    [0, 1, 1, 0, 1, 1, 1, 1]
    """
    bits = check_number("bits", bits, 1, MOST_BITS, f"1 to {MOST_BITS} bits", kind=int)
    stream = derive_bytes(key, f"key of {bits} bits", -(-bits // 8))
    return np.unpackbits(np.frombuffer(stream, np.uint8))[:bits]


def derive_bytes(key: str | bytes, purpose: str, size: int) -> bytes:
    """Returns `size` bytes for a purpose by HKDF-Expand (RFC 5869, section 2.3) with SHA-256.

    Args:
        key: see `derive_key`.
        purpose: name of the stream; different purposes give independent streams.
        size: number of bytes.
    """
    root = _root(check_strong(key), NETWORK)
    stream = block = b""
    for count in range(1, -(-size // DIGEST) + 1):
        message = block + NETWORK + b" " + purpose.encode() + bytes([count])
        block = hmac.new(root, message, hashlib.sha256).digest()
        stream += block
    return stream[:size]


def check_strong(key: str | bytes) -> bytes:
    """Returns the bytes of a key that is not too weak, or raises `ValueError`."""
    key = _as_bytes(key)
    if not isinstance(key, bytes | bytearray):
        raise ValueError(f"Expected a key of text or bytes. Received: a {type(key).__name__}")
    # The key itself must not get into logs.
    for count, least, what in (
        (len(key), LEAST_BYTES, "bytes"),
        (len(set(key)), LEAST_KINDS, "different bytes"),
    ):
        if count < least:
            raise ValueError(
                f"Expected a key of at least {least} {what}, which nobody can guess: make one "
                f"with `tfwm keygen FILE`. Received: {count} {what}"
            )
    return bytes(key)


def new_key() -> str:
    """Returns a fresh key of 256 random bits, as 64 hexadecimal digits.

    Example:

    >>> len(new_key())
    64
    """
    return secrets.token_hex(32)


def write_key_file(path, key: str | None = None) -> Path:
    """Writes a key to a new file that only its owner can read; returns its path.

    Args:
        path: file to write; an existing file is never replaced.
        key: text of the key; by default a `new_key`.
    """
    path = Path(path).expanduser()
    try:
        with open(path, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            try:
                file.write((key or new_key()) + "\n")
                file.flush()
            except BaseException:
                path.unlink()  # half of a key is none
                raise
    except FileExistsError:
        raise ValueError(
            f"{path} exists, and a lost key cannot be made again: choose another name."
        ) from None
    except OSError as error:
        raise OSError(f"The key cannot be written to {path}: {error.strerror}.") from error
    return path


def read_key_file(path, strong: bool = False) -> str | bytes:
    """Returns the key in a file, without the last line end.

    Args:
        path: file of text in UTF-8, or of any bytes.
        strong: whether the key is for a network: then it must be text, white space around it
            does not count, and a weak key is refused.
    """
    path = Path(path).expanduser()
    try:
        content = read_bounded(path, LARGEST_FILE, "The key file")
    except OSError as error:
        raise ValueError(f"The key file {path} cannot be read: {error.strerror}.") from error
    _refuse_order_mark(path, content)
    for end in (b"\n", b"\r"):
        content = content.removesuffix(end)
    if not content:
        raise ValueError(f"The key file {path} is empty: it should hold the key.")
    try:
        key = content.decode("utf-8")  # the same key as --key, however accents are written
        if strong:
            key = key.strip()
            check_strong(key)
        return key
    except UnicodeDecodeError:
        if strong:
            raise ValueError(f"The key file {path} cannot be read: it is no text.") from None
        return content
    except ValueError as error:
        raise ValueError(f"The key file {path}: {error}") from error


def find_key(key=None, key_file=None, strong: bool = False) -> str | bytes | None:
    """Returns the key that is given, or the one in a file or in the environment variable TFWM_KEY.

    Args:
        key: the key itself, or `None`.
        key_file: path of its file, or `None`.
        strong: whether the key is for a network: then there must be one, and no weak one.

    Returns:
        The key; `None`, the public key, if none is given and none is needed.
    """
    if key is None and key_file is not None:
        return read_key_file(key_file, strong)
    if key is None:
        key = os.environ.get(VARIABLE)
        if key == "":
            raise ValueError(f"The environment variable {VARIABLE} is empty: set or unset it.")
    elif not key:
        raise ValueError("The key is empty: give at least one character, or leave it out.")
    if isinstance(key, str):
        key = unicode_text("key", key)
    if strong and key is None:
        raise ValueError(
            "Expected the owner's key: a key file, such as `tfwm keygen FILE` writes, or the "
            f"environment variable {VARIABLE}. Received: none"
        )
    if strong:
        check_strong(key)
    return key


def _refuse_order_mark(path, content):
    """A mark that an editor added would be part of the key, which no other way of giving it has."""
    is_text = False
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            with contextlib.suppress(UnicodeError):
                text = content.decode(encoding)
                is_text = mark == codecs.BOM_UTF8 or text.strip("\r\n").isprintable()
            break
    if is_text:
        raise ValueError(
            f"The key file {path} starts with a byte order mark of {encoding.upper()}, "
            "as some editors write, which would become part of the key: save it as UTF-8 without."
        )


def _as_bytes(key):
    if isinstance(key, str):
        return as_utf8("key", unicodedata.normalize("NFC", key))
    return key


@functools.lru_cache(maxsize=64)
def _root(key, label):
    return hashlib.scrypt(key, salt=label, **SCRYPT)
