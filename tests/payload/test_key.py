import unicodedata

import numpy as np
import pytest

from tfwm.payload import Key


def test_text_and_its_bytes_are_the_same_secret():
    assert Key("clé") == Key("clé".encode())
    assert Key(unicodedata.normalize("NFD", "clé")) == Key(unicodedata.normalize("NFC", "clé"))
    assert hash(Key("a")) == hash(Key("a"))
    assert Key("a") != Key("b")


def test_public_key_is_no_secret():
    assert Key().is_public and not Key("a").is_public
    assert Key() == Key(None) != Key("None")


@pytest.mark.parametrize("secret", ["", b"", 7])
def test_rejects_what_is_no_secret(secret):
    with pytest.raises(ValueError, match="Expected a secret.*Received"):
        Key(secret)


def test_never_shows_the_secret():
    assert "hunter2" not in repr(Key("hunter2")) + str(vars(Key("hunter2")))


def test_streams_are_fixed_for_ever():
    assert Key("golden").stream("a purpose", 8).hex() == "36f0d89ef2040a76"
    assert Key(None).stream("a purpose", 8).hex() == "7aaed1c0e01d19a6"
    assert Key("golden").permutation("a purpose", 10).tolist() == [9, 8, 6, 2, 1, 0, 5, 3, 7, 4]


def test_streams_of_purposes_differ():
    key = Key("a")
    assert key.stream("ab", 16) != key.stream("a", 16)
    assert key.stream("ab", 16)[:8] == key.stream("ab", 8)


def test_permutation_holds_every_number_once():
    order = Key("a").permutation("x", 1000)
    assert np.array_equal(np.sort(order), np.arange(1000))
    assert abs(np.corrcoef(order, np.arange(1000))[0, 1]) < 0.15


def test_bits_are_even():
    bits = Key("a").bits("x", 100_001)
    assert bits.shape == (100_001,) and set(bits.tolist()) == {0, 1}
    assert abs(bits.mean() - 0.5) < 0.01


def test_tags_differ_by_key_and_data():
    assert not np.array_equal(Key("a").tag(b"x", 32), Key("b").tag(b"x", 32))
    assert not np.array_equal(Key("a").tag(b"x", 32), Key("a").tag(b"y", 32))
    assert np.array_equal(Key("a").tag(b"x", 32)[:16], Key("a").tag(b"x", 16))
