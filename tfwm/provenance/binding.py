"""The soft binding: how a manifest names the watermark that leads back to it.

C2PA 2.4, section "Soft bindings": an algorithm's name and a value in base64, which the assertion
`c2pa.soft-binding` holds and a manifest store is asked by. The value is the message of the mark, so
that whoever reads the mark has it: one byte for the kind of the message (`payload.message.KINDS`)
and its bytes. The names are not in C2PA's list of algorithms, which has none for a network of ours.
"""

import base64
import binascii
import re
from pathlib import PurePath

from tfwm import fingerprints
from tfwm.payload.message import KINDS, from_bytes, to_bytes

LABEL = "c2pa.soft-binding"
PREFIX, VERSION = "org.tfwm.", "1"
ALGORITHM = f"{PREFIX}photo.{VERSION}"
LARGEST = 1 << 10  # bytes of a value; no network's mark carries as many
NAME = re.compile(re.escape(PREFIX) + r"(.+)\." + VERSION)
# The mark lies all over the picture.
WHOLE = {
    "type": "spatial",
    "shape": {
        "type": "rectangle",
        "unit": "percent",
        "origin": {"x": 0.0, "y": 0.0},
        "width": 100.0,
        "height": 100.0,
    },
}


def algorithm_of(network="photo"):
    """Returns the name of the soft-binding algorithm of a network.

    Args:
        network: its name, or the path of its folder.

    Example:

    >>> algorithm_of("photo")
    'org.tfwm.photo.1'
    """
    return f"{PREFIX}{PurePath(network).name}.{VERSION}"


def network_of(algorithm):
    """Returns the name of the network that reads an algorithm's mark; `None` if it is not ours."""
    found = NAME.fullmatch(str(algorithm))
    return found[1] if found and algorithm != fingerprints.ALGORITHM else None


def to_value(message):
    """Returns the value of the soft binding of a message.

    Args:
        message: text, bytes, an integer of at least 0, or a `uuid.UUID`.

    Example:

    >>> to_value(b"ada")
    'AWFkYQ=='
    """
    kind, data = to_bytes(message)
    return base64.b64encode(bytes([KINDS.index(kind)]) + data).decode()


def from_value(value):
    """Returns the message of a value; `None` if it is no value of ours.

    Example:

    >>> from_value("AWFkYQ==")
    b'ada'
    """
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        return None
    if not 2 <= len(data) <= LARGEST or data[0] >= len(KINDS):
        return None
    return from_bytes(KINDS[data[0]], data[1:])


def soft_binding(message, network="photo"):
    """Returns the content of the assertion `c2pa.soft-binding` for a picture marked all over.

    Args:
        message: see `to_value`.
        network: see `algorithm_of`.
    """
    name = "keyed watermark of tfwm, in the pixels"
    return _binding(algorithm_of(network), name, to_value(message))


def fingerprint_binding(fingerprint):
    """Returns the content of the assertion `c2pa.soft-binding` for what a picture shows.

    It tells a mark, or a manifest, that was copied from another picture.

    Args:
        fingerprint: 32 bytes, see `tfwm.provenance.fingerprint`.
    """
    name = "fingerprint of what the picture shows"
    return _binding(fingerprints.ALGORITHM, name, fingerprints.to_value(fingerprint))


def _binding(algorithm, name, value):
    block = {"scope": {"region": {"region": [WHOLE]}}, "value": value}
    return {"alg": algorithm, "name": name, "blocks": [block], "pad": []}
