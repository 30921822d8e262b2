"""Messages into the bits of a network and back, with a key, and evidence from its votes."""

from tfwm.keys import Key
from tfwm.payload.codec import Codec, Decoded
from tfwm.payload.message import KINDS, to_bytes, to_plain

__all__ = ["KINDS", "Codec", "Decoded", "Key", "to_bytes", "to_plain"]
