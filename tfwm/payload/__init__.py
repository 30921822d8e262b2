"""Messages into the bits of a network and back, with a key, and evidence from its votes."""

from tfwm.keys import Key
from tfwm.payload.codec import Codec, Decoded, SignpostCodec, encode_slots
from tfwm.payload.message import KINDS, Signature, to_bytes, to_plain
from tfwm.payload.signpost import pack_name, unpack_name

__all__ = [
    "KINDS",
    "Codec",
    "Decoded",
    "Key",
    "Signature",
    "SignpostCodec",
    "encode_slots",
    "pack_name",
    "to_bytes",
    "to_plain",
    "unpack_name",
]
