"""The bits of one message before error correction: kind, padding, data and tag."""

import math

import numpy as np

from tfwm.payload.message import KINDS, from_bytes

ORDINARY = KINDS[:4]


class Frame:
    """The bits that carry a message of up to `size` bytes: kind, padding, data and tag.

    Each class of frames serves messages that are too long for the next smaller class. So two bits
    of kind, and two to four bits for the number of padding bytes, describe a message. The class of
    signatures needs neither.

    Args:
        size: largest number of bytes of data.
        smallest: smallest number of bytes of data.
        tag_bits: length of the authentication tag.
        kinds: of its messages.
    """

    def __init__(self, size, smallest, tag_bits, kinds=ORDINARY):
        self.size = size
        self.smallest = smallest
        self.tag_bits = tag_bits
        self.kinds = kinds
        self.padding_bits = math.ceil(math.log2(size - smallest + 1))
        self.header_bits = math.ceil(math.log2(len(kinds))) + self.padding_bits
        self.bits = self.header_bits + 8 * size + tag_bits

    def pack(self, kind, data, key, bound=False):
        """Returns the frame's bits, uint8 of 0 and 1.

        Args:
            kind: of the message.
            data: its bytes.
            key: `Key` of the tag.
            bound: whether the tag says that the mark is bound to its photo.
        """
        padding = self.size - len(data)
        header = self.kinds.index(kind) << self.padding_bits | padding
        body = np.unpackbits(np.frombuffer(data + bytes(padding), np.uint8))
        return np.concatenate(
            [_bits(header, self.header_bits), body, self._tag(kind, data, key, bound)]
        )

    def unpack(self, bits, key, bound=False):
        """Returns `(message, kind, data)`, or `None` if the tag or anything else is wrong."""
        header = int("".join(map(str, [0, *bits[: self.header_bits]])), 2)
        kind = self.kinds[header >> self.padding_bits]
        length = self.size - (header & ((1 << self.padding_bits) - 1))
        body = np.packbits(bits[self.header_bits : self.header_bits + 8 * self.size]).tobytes()
        data = body[: max(length, 0)]
        if length < self.smallest or any(body[length:]):
            return None
        if not np.array_equal(bits[-self.tag_bits :], self._tag(kind, data, key, bound)):
            return None
        message = from_bytes(kind, data)
        return None if message is None else (message, kind, data)

    def _tag(self, kind, data, key, bound):
        head = bytes([self.size, KINDS.index(kind), len(data)])
        return key.tag(head + data, self.tag_bits, "bound tag" if bound else "tag")


def _bits(number, count):
    return np.array([number >> shift & 1 for shift in reversed(range(count))], np.uint8)
