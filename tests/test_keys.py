"""Keys: their streams, their files, and where they come from."""

import hashlib
import hmac
import io
import os
import re
import unicodedata

import numpy as np
import pytest

from tfwm.keys import (
    MOST_BITS,
    NETWORK,
    SCRYPT,
    VARIABLE,
    Key,
    derive_key,
    find_key,
    new_key,
    read_key_file,
    write_key_file,
)

OWNER = "demonstration secret, not for use"


def test_text_and_its_bytes_are_the_same_key():
    assert Key("clé") == Key("clé".encode())
    assert Key(unicodedata.normalize("NFD", "clé")) == Key(unicodedata.normalize("NFC", "clé"))
    assert hash(Key("a")) == hash(Key("a"))
    assert Key("a") != Key("b")


def test_public_key_is_no_other():
    assert Key().is_public and not Key("a").is_public
    assert Key() == Key(None) != Key("None")


@pytest.mark.parametrize("key", ["", b"", 7])
def test_rejects_what_is_no_key(key):
    with pytest.raises(ValueError, match="Expected a key.*Received"):
        Key(key)


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


def test_key_is_hkdf_of_the_owner():
    """RFC 5869, section 2.3, written out."""
    root = hashlib.scrypt(OWNER.encode(), salt=NETWORK, **SCRYPT)
    info = NETWORK + b" key of 300 bits"
    first = hmac.new(root, info + b"\x01", "sha256").digest()
    second = hmac.new(root, first + info + b"\x02", "sha256").digest()
    expected = np.unpackbits(np.frombuffer(first + second, np.uint8))[:300]
    key = derive_key(OWNER, 300)
    np.testing.assert_array_equal(key, expected)
    assert key.dtype == np.uint8


def test_keys_of_networks_are_fixed_for_ever():
    assert np.packbits(derive_key(OWNER)).tobytes().hex()[:16] == "916e849285c6ff77"


def test_keys_and_lengths_give_unrelated_keys():
    key = derive_key(OWNER, 4096)
    assert abs(key.mean() - 0.5) < 0.04
    other = derive_key(OWNER + ".", 4096)
    assert abs((key != other).mean() - 0.5) < 0.04
    assert abs((key[:2048] != derive_key(OWNER, 2048)).mean() - 0.5) < 0.06


def test_text_is_its_normalised_utf8():
    composed, decomposed = "clé de démonstration", "cle\u0301 de de\u0301monstration"
    np.testing.assert_array_equal(derive_key(composed), derive_key(decomposed))
    np.testing.assert_array_equal(derive_key(composed), derive_key(composed.encode()))


def test_new_keys():
    keys = {new_key() for _ in range(5)}
    assert len(keys) == 5 and all(len(bytes.fromhex(key)) == 32 for key in keys)


@pytest.mark.parametrize(
    "key, words",
    [
        ("password", "at least 16 bytes, .* Received: 8 bytes"),
        (b"", "Received: 0 bytes"),
        ("abababababababababab", "6 different bytes, .* Received: 2"),
        (12345, "text or bytes. Received: a int"),
        (None, "Received: a NoneType"),
    ],
)
def test_weak_keys_are_refused_and_not_told(key, words):
    with pytest.raises(ValueError, match=words) as error:
        derive_key(key)
    assert not key or str(key) not in str(error.value)


@pytest.mark.parametrize("bits", [0, MOST_BITS + 1, 8.0])
def test_bad_lengths(bits):
    with pytest.raises(ValueError, match=re.escape(f"Received: bits={bits!r}")):
        derive_key(OWNER, bits)


def test_key_files(tmp_path):
    path = write_key_file(tmp_path / "my.key")
    assert path.stat().st_mode & 0o777 == 0o600
    key = read_key_file(path, strong=True)
    assert len(key) == 64
    with pytest.raises(ValueError, match="exists, and a lost key"):
        write_key_file(path)
    assert read_key_file(path, strong=True) == key
    with pytest.raises(OSError, match="No such file or folder|No such file or directory"):
        write_key_file(tmp_path / "nowhere" / "my.key")
    (tmp_path / "weak").write_text("weak\n")
    with pytest.raises(ValueError, match="weak: Expected a key of at least 16 bytes"):
        read_key_file(tmp_path / "weak", strong=True)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe" * 20)
    with pytest.raises(ValueError, match="no text"):
        read_key_file(tmp_path / "bytes", strong=True)
    with pytest.raises(ValueError, match="cannot be read: No such"):
        read_key_file(tmp_path / "nowhere", strong=True)
    (tmp_path / "spaces").write_text(f" {OWNER} \n\n")
    assert read_key_file(tmp_path / "spaces", strong=True) == OWNER
    assert read_key_file(tmp_path / "spaces") == f" {OWNER} \n"
    assert read_key_file(tmp_path / "bytes") == b"\xff\xfe" * 20


def test_half_a_key_is_not_left(tmp_path, monkeypatch):
    class Full(io.StringIO):
        def flush(self):
            raise OSError(28, "No space left on device")

    path = tmp_path / "half.key"

    def opened(name, *_, **__):
        path.touch()
        return Full()

    monkeypatch.setattr("builtins.open", opened)
    with pytest.raises(OSError, match="cannot be written to .*half.key: No space left"):
        write_key_file(path)
    assert not path.exists()


def test_where_a_key_comes_from(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert find_key() is None
    with pytest.raises(ValueError, match="Expected the owner's key.*Received: none"):
        find_key(strong=True)
    monkeypatch.setenv(VARIABLE, "of the environment")
    assert find_key() == find_key(strong=True) == "of the environment"
    (tmp_path / "my.key").write_text(f"{OWNER}\n")
    assert find_key(key_file=tmp_path / "my.key") == OWNER
    assert find_key("mine") == "mine"
    with pytest.raises(ValueError, match="at least 16 bytes"):
        find_key("mine", strong=True)
    with pytest.raises(ValueError, match="The key is empty"):
        find_key("")
    monkeypatch.setenv(VARIABLE, "")
    with pytest.raises(ValueError, match="TFWM_KEY is empty"):
        find_key()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_a_byte_order_mark_never_becomes_part_of_a_key(tmp_path, encoding):
    path = tmp_path / "my.key"
    text = "\ufeffclé secrète" if encoding == "utf-16-be" else "clé secrète"
    for end in ("", "\n", "\r\n"):
        path.write_bytes((text + end).encode(encoding))
        with pytest.raises(ValueError, match="my.key starts with a byte order mark of UTF-"):
            read_key_file(path)
    path.write_bytes(b"\xff\xfe\x00\xd8\x01")  # no text: a key of bytes, as ever
    assert read_key_file(path) == b"\xff\xfe\x00\xd8\x01"


def test_half_characters_are_refused_in_one_line(monkeypatch):
    for make in (Key, lambda key: find_key(key), lambda key: derive_key(key * 20)):
        for key in ("\ud800", "a\udcffb"):
            with pytest.raises(ValueError, match="Expected a key of Unicode text") as error:
                make(key)
            assert "\n" not in str(error.value) and key not in str(error.value)
    monkeypatch.setenv("TFWM_KEY", "\udcff")
    with pytest.raises(ValueError, match="Expected a key of Unicode text"):
        find_key()
    monkeypatch.setenv("TFWM_KEY", "\udcc3\udca9")  # UTF-8 in a locale that is not
    assert find_key() == "é"


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs an endless device")
def test_an_endless_key_file_is_refused():
    with pytest.raises(ValueError, match="key file /dev/zero has more than 64 MiB"):
        read_key_file("/dev/zero")
