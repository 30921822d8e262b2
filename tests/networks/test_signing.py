"""Keys that sign networks."""

import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tfwm.networks.signing import read_private_key


def test_a_key_of_a_kind_that_nobody_knows(tmp_path):
    form = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
    key = ec.generate_private_key(ec.SECP256R1())
    data = key.private_bytes(*form, serialization.NoEncryption())
    data = data.replace(bytes.fromhex("2a8648ce3d0201"), bytes.fromhex("2a8648ce3d0209"))
    text = base64.encodebytes(data).decode()
    path = tmp_path / "key.pem"
    path.write_text(f"-----BEGIN PRIVATE KEY-----\n{text}-----END PRIVATE KEY-----\n")
    with pytest.raises(ValueError, match="Expected a private Ed25519 key .*another one") as error:
        read_private_key(path)
    assert "\n" not in str(error.value)
