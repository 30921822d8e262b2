import numpy as np
import pytest

from tfwm.payload import bits_to_text, frame_length, text_to_bits

TEXTS = ["A", "(c) 2026 Ada Lovelace", "Grüße, 世界 🌍", "\0\n", "x" * 255]


@pytest.mark.parametrize("text", TEXTS)
def test_there_and_back(text):
    bits = text_to_bits(text)
    assert len(bits) == frame_length(len(text.encode()))
    assert bits_to_text(bits) == text


def test_frame_is_utf8_and_crc32():
    # The checksum stands in the last bytes of gzip's output for b"\x01A".
    assert np.packbits(text_to_bits("A")).tobytes() == b"A" + bytes.fromhex("591952b8")


def test_every_single_wrong_bit_is_noticed():
    bits = text_to_bits("Ada Lovelace")
    for i in range(len(bits)):
        wrong = bits.copy()
        wrong[i] ^= 1
        assert bits_to_text(wrong) is None


def test_zeros_are_no_message():
    assert all(bits_to_text(np.zeros(frame_length(n))) is None for n in range(1, 256))


def test_checksum_that_fits_bytes_that_are_no_text():
    import zlib

    frame = b"\xff\xfe" + zlib.crc32(b"\x02\xff\xfe").to_bytes(4, "big")
    assert bits_to_text(np.unpackbits(np.frombuffer(frame, np.uint8))) is None


@pytest.mark.parametrize("text", ["", "x" * 256, "ü" * 128])
def test_too_short_or_long(text):
    with pytest.raises(ValueError, match="1 to 255 bytes"):
        text_to_bits(text)
