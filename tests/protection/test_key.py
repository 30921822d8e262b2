import hashlib
import hmac
import re

import numpy as np
import pytest

from tfwm.protection import check_commitment, commitment, derive_key, new_secret
from tfwm.protection.key import LABEL, MOST_BITS, SCRYPT, watermark_digest

SECRET = "demonstration secret, not for use"
FILES = {"extractor.keras": "ab" * 32, "host.keras": "0123456789abcdef" * 4}
MARK = np.eye(16)[..., None]


def test_key_is_hkdf_of_the_secret():
    """RFC 5869, section 2.3, written out."""
    root = hashlib.scrypt(SECRET.encode(), salt=LABEL, **SCRYPT)
    info = LABEL + b" key of 300 bits"
    first = hmac.new(root, info + b"\x01", "sha256").digest()
    second = hmac.new(root, first + info + b"\x02", "sha256").digest()
    expected = np.unpackbits(np.frombuffer(first + second, np.uint8))[:300]
    key = derive_key(SECRET, 300)
    np.testing.assert_array_equal(key, expected)
    assert key.dtype == np.uint8


def test_keys_are_fixed_for_ever():
    assert np.packbits(derive_key(SECRET)).tobytes().hex()[:16] == "916e849285c6ff77"


def test_secrets_and_lengths_give_unrelated_keys():
    key = derive_key(SECRET, 4096)
    assert abs(key.mean() - 0.5) < 0.04
    other = derive_key(SECRET + ".", 4096)
    assert abs((key != other).mean() - 0.5) < 0.04
    assert abs((key[:2048] != derive_key(SECRET, 2048)).mean() - 0.5) < 0.06


def test_text_is_its_normalised_utf8():
    composed, decomposed = "clé de démonstration", "cle\u0301 de de\u0301monstration"
    np.testing.assert_array_equal(derive_key(composed), derive_key(decomposed))
    np.testing.assert_array_equal(derive_key(composed), derive_key(composed.encode()))


def test_new_secrets():
    secrets = {new_secret() for _ in range(5)}
    assert len(secrets) == 5 and all(len(bytes.fromhex(secret)) == 32 for secret in secrets)


@pytest.mark.parametrize(
    "secret, words",
    [
        ("password", "at least 16 bytes, .* Received: 8 bytes"),
        (b"", "Received: 0 bytes"),
        ("abababababababababab", "6 different bytes, .* Received: 2"),
        (12345, "text or bytes. Received: a int"),
        (None, "Received: a NoneType"),
    ],
)
def test_weak_secrets_are_refused_and_not_told(secret, words):
    with pytest.raises(ValueError, match=words) as error:
        derive_key(secret)
    assert not secret or str(secret) not in str(error.value)


@pytest.mark.parametrize("bits", [0, MOST_BITS + 1, 8.0])
def test_bad_lengths(bits):
    with pytest.raises(ValueError, match=re.escape(f"Received: bits={bits!r}")):
        derive_key(SECRET, bits)


def test_commitment_binds_everything():
    published = commitment(SECRET, MARK, FILES)
    assert re.fullmatch("[0-9a-f]{64}", published)
    assert check_commitment(published, SECRET, MARK, FILES)
    assert check_commitment(f" {published.upper()}\n", SECRET, MARK, FILES)
    assert commitment(SECRET, np.uint8(255 * MARK), dict(reversed(FILES.items()))) == published
    changed = MARK.copy()
    changed[0, 0] = 0.9
    for other in (
        (SECRET + ".", MARK, FILES),
        (SECRET, changed, FILES),
        (SECRET, MARK.reshape(8, 32, 1), FILES),
        (SECRET, MARK, {"extractor.keras": FILES["extractor.keras"]}),
        (SECRET, MARK, {**FILES, "host.keras": "cd" * 32}),
    ):
        assert not check_commitment(published, *other)


def test_commitment_is_salted_by_the_secret():
    """Who knows watermark and files, but not the secret, cannot tell it."""
    guess = hashlib.sha256(watermark_digest(MARK).encode()).hexdigest()
    assert commitment(SECRET, MARK, FILES) not in (guess, commitment(new_secret(), MARK, FILES))


@pytest.mark.parametrize("files", [{}, {"a": "12"}, {"a": "XY" * 32}, {"a": b"ab" * 32}])
def test_bad_digests(files):
    with pytest.raises(ValueError, match="SHA-256"):
        commitment(SECRET, MARK, files)


def test_bad_watermark():
    with pytest.raises(ValueError, match=r"Received: watermark of shape \(16, 16\)"):
        watermark_digest(MARK[..., 0])
