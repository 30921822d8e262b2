import numpy as np
import pytest

from tfwm.payload import Key
from tfwm.payload.frame import Frame

KEY = Key("frames")


def test_sixty_four_bits_of_payload_cost_a_hundred():
    frame = Frame(8, 5, 32)
    assert frame.bits == 100
    assert frame.pack("int", bytes(range(8)), KEY).shape == (100,)


@pytest.mark.parametrize("length", range(9, 17))
def test_lengths_are_kept(length):
    frame = Frame(16, 9, 32)
    data = bytes(range(1, length + 1))
    assert frame.unpack(frame.pack("bytes", data, KEY), KEY) == (data, "bytes", data)


def test_every_changed_bit_is_noticed():
    frame = Frame(8, 5, 32)
    bits = frame.pack("text", b"Grace H", KEY)
    for place in range(frame.bits):
        changed = bits.copy()
        changed[place] ^= 1
        assert frame.unpack(changed, KEY) is None, place


def test_other_keys_read_nothing():
    frame = Frame(4, 1, 32)
    assert frame.unpack(frame.pack("text", b"Ada", KEY), Key("other")) is None


def test_chance_passes_a_short_tag_as_often_as_it_should():
    frame = Frame(4, 1, 8)
    bits = np.random.default_rng(0).integers(0, 2, (8000, frame.bits), np.uint8)
    bits[:, :2] = [0, 1]  # bytes
    bits[:, 2:4] = 0  # all four
    passed = sum(frame.unpack(row, KEY) is not None for row in bits)
    assert 10 < passed < 60  # 31 expected
