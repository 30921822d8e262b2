"""Messages as bytes and back."""

import dataclasses
import numbers
import uuid

from tfwm.checks import as_utf8, shortened

SIGNATURE_BYTES = 72


@dataclasses.dataclass(frozen=True)
class Signature:
    """What a photo shows, as its owner signed it; see `tfwm.signatures`.

    Args:
        data: 8 bytes of what it shows, and 64 of their Ed25519 signature.
    """

    data: bytes

    def __post_init__(self):
        if not isinstance(self.data, bytes) or len(self.data) != SIGNATURE_BYTES:
            size = len(self.data) if isinstance(self.data, bytes) else shortened(self.data)
            raise ValueError(f"Expected {SIGNATURE_BYTES} bytes for a signature. Received: {size}")


# The order is part of the format of marked photos.
TYPES = {
    "text": str,
    "bytes": (bytes, bytearray, memoryview),
    "int": numbers.Integral,
    "uuid": uuid.UUID,
    "signature": Signature,
}
KINDS = tuple(TYPES)


def to_bytes(message, kind=None):
    """Turns a message into its kind and its bytes.

    Args:
        message: `str`, `bytes`, an integer of at least 0, `uuid.UUID` or `Signature`; not empty.
        kind: `"text"`, `"bytes"`, `"int"`, `"uuid"` or `"signature"`; `None` takes it from the
            message's type. With a kind, a text may stand for another message: digits for an
            integer, hexadecimal digits for bytes or a signature, the usual form for a UUID.

    Returns:
        `(kind, data)`. An integer takes as few bytes as it needs, most significant first.

    Example:

    >>> to_bytes(1000)
    ('int', b'\\x03\\xe8')
    """
    if kind is None:
        kind = _kind_of(message)
    elif not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(
            f"Expected kind to be None or one of {KINDS}. Received: kind={shortened(kind)}"
        )
    elif isinstance(message, str) and kind != "text":
        message = _parse(message, kind)
    elif _kind_of(message) != kind:
        raise ValueError(
            f"Expected a message of kind {kind!r}. Received: a {type(message).__name__}"
        )
    if kind == "text":
        data = as_utf8("message", message)
    elif kind == "bytes":
        data = bytes(message)
    elif kind == "uuid":
        data = message.bytes
    elif kind == "signature":
        data = message.data
    else:
        message = int(message)
        if message < 0:
            raise ValueError(f"Expected an integer of at least 0. Received: {message}")
        data = message.to_bytes(max(1, (message.bit_length() + 7) // 8), "big")
    if not data:
        raise ValueError("Expected a message of at least one character or byte. Received: none")
    return kind, data


def from_bytes(kind, data):
    """Returns the message that `to_bytes` turns into these bytes, or `None` if there is none."""
    if kind == "bytes":
        return data
    if kind == "signature":
        return Signature(data) if len(data) == SIGNATURE_BYTES else None
    if kind == "int":
        return int.from_bytes(data, "big") if len(data) == 1 or data[0] else None
    if kind == "uuid":
        return uuid.UUID(bytes=data) if len(data) == 16 else None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def to_plain(message):
    """Returns a message as JSON holds it: bytes and signatures as hex digits, a UUID as text.

    Example:

    >>> to_plain(b"ada")
    '616461'
    """
    if isinstance(message, Signature):
        return message.data.hex()
    if isinstance(message, TYPES["bytes"]):
        return bytes(message).hex()
    if isinstance(message, numbers.Integral):
        return int(message)
    return str(message) if isinstance(message, uuid.UUID) else message


def _kind_of(message):
    for kind, types in TYPES.items():
        if isinstance(message, types) and not isinstance(message, bool):
            return kind
    raise ValueError(
        "Expected a message of type str, bytes, int or uuid.UUID, or a Signature. "
        f"Received: {message!r:.60} of type {type(message).__name__}"
    )


def _parse(text, kind):
    try:
        if kind == "int":
            return int(text)
        if kind == "signature":
            return Signature(bytes.fromhex(text))
        return bytes.fromhex(text) if kind == "bytes" else uuid.UUID(text)
    except ValueError:
        form = {
            "int": "digits",
            "bytes": "hexadecimal digits",
            "uuid": "a UUID",
            "signature": f"{2 * SIGNATURE_BYTES} hexadecimal digits",
        }[kind]
        raise ValueError(
            f"Expected {form} for a message of kind {kind!r}. Received: {text!r:.60}"
        ) from None
