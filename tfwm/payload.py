"""Short texts as bits and back, with a checksum that tells whether they were read right."""

import zlib

import numpy as np

CHECKSUM_BYTES = 4
MAX_BYTES = 255


def text_to_bits(text):
    """Frames a text: its UTF-8 bytes and a CRC-32 over their number and themselves.

    The length is not written: a reader tries them all, and the checksum tells the right
    one (by chance it fits one reading of 255 lengths in 17 million).

    Args:
        text: 1 to 255 bytes of UTF-8.

    Returns:
        `(8 * (bytes + 4),)` uint8 of 0 and 1, most significant bit first.

    Example:

    >>> text_to_bits("A")[:8].tolist()
    [0, 1, 0, 0, 0, 0, 0, 1]
    """
    data = text.encode("utf-8")
    if not 1 <= len(data) <= MAX_BYTES:
        raise ValueError(
            f"Expected a message of 1 to {MAX_BYTES} bytes (UTF-8). Received: {len(data)} bytes"
        )
    frame = data + _checksum(data)
    return np.unpackbits(np.frombuffer(frame, np.uint8))


def bits_to_text(bits):
    """Returns the text of a frame, or `None` if its checksum does not fit.

    Args:
        bits: `(8 * (bytes + 4),)` of 0 and 1.

    Example:

    >>> bits_to_text(text_to_bits("Ada"))
    'Ada'
    """
    frame = np.packbits(np.asarray(bits, np.uint8)).tobytes()
    data, checksum = frame[:-CHECKSUM_BYTES], frame[-CHECKSUM_BYTES:]
    if checksum != _checksum(data):
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def frame_length(message_bytes):
    """Returns the number of bits that a message of so many bytes takes."""
    return 8 * (message_bytes + CHECKSUM_BYTES)


def _checksum(data):
    return zlib.crc32(bytes([len(data)]) + data).to_bytes(CHECKSUM_BYTES, "big")
