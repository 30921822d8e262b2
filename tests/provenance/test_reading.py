import base64
import io
import json

import c2pa
import pytest
from PIL import Image

from tfwm.images import ImageError
from tfwm.provenance import read_manifest
from tfwm.provenance.manifest import SETTINGS


def test_a_file_without_a_manifest(picture, tmp_path):
    assert read_manifest(picture) is None
    (tmp_path / "photo.jpg").write_bytes(picture)
    assert read_manifest(tmp_path / "photo.jpg") is None
    assert read_manifest(io.BytesIO(b"no picture at all")) is None
    with pytest.raises(ImageError, match="does not exist"):
        read_manifest(tmp_path / "absent.jpg")


def test_a_changed_picture_is_told_from_a_changed_manifest(signed):
    encoded, _ = signed
    changed = bytearray(encoded)
    changed[-100] ^= 1
    report = read_manifest(bytes(changed))
    assert report.state == "invalid" and report.signature_holds and not report.hash_holds
    assert "file was changed after the signing" in report.problem
    at = encoded.index(b"trainedAlgorithmicMedia")
    forged = encoded[:at] + b"screenCaptureXXXXXXXXXX" + encoded[at + 23 :]
    report = read_manifest(forged)
    assert report.state == "invalid" and "c2pa.actions.v2 was changed" in report.problem


def test_a_manifest_store_alone_or_beside_another_file(signed, picture):
    _, report = signed
    alone = read_manifest(None, manifest=report.store)
    assert alone.signature_holds and alone.hash_holds is None and alone.problem is None
    beside = read_manifest(picture, manifest=report.store)
    assert beside.signature_holds and beside.hash_holds is False


def test_trusted_authorities(signed, signer, tmp_path):
    path = tmp_path / "authorities.pem"
    path.write_bytes(signer.certificates)
    report = read_manifest(signed[0], trust_anchors=path)
    assert report.state == "trusted" and report.trust == "test certificate"
    path.write_text("nothing")
    with pytest.raises(ValueError, match="in PEM"):
        read_manifest(signed[0], trust_anchors=path)


def test_a_damaged_file_without_a_manifest_has_none(picture, signed):
    """Only where there is something of a manifest is one called damaged."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(picture)).save(buffer, "PNG")
    plain = buffer.getvalue()
    for data in (plain[:2000], plain[:40], picture[:200], b"%PDF-1.4", b"RIFF\0\0\1\0WEBP" * 9):
        assert read_manifest(data) is None
    assert read_manifest(signed[0][:2000]).state == "unreadable"


@pytest.mark.parametrize("damage", ["junk", "cut", "second cut", "latin"])
def test_files_of_authorities(damage, signed, signer, tmp_path):
    """Words in any encoding may stand between certificates; these must be whole."""
    path, pem = tmp_path / "authorities.pem", signer.certificates
    first = pem[: pem.index(b"-----END") + 26]
    path.write_bytes(
        {
            "junk": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "cut": first[:-200],
            "second cut": pem[:-200],
            "latin": "Société\n".encode("latin-1") + pem,
        }[damage]
    )
    if damage == "latin":
        assert read_manifest(signed[0], trust_anchors=path).state == "trusted"
        return
    with pytest.raises(ValueError, match="authorities.pem") as error:
        read_manifest(signed[0], trust_anchors=path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "blocks",
    [None, 7, "text", ["text", 7, None, {}, {"value": 7}], {"value": "AWFkYQ=="}],
    ids=["none", "number", "text", "odd ones", "object"],
)
def test_a_stranger_s_odd_soft_bindings_are_left_out(blocks, picture, signer):
    assert odd_manifest(picture, signer, blocks).soft_bindings == ()


def test_a_stranger_s_huge_number_is_no_message(picture, signer):
    """Python does not write out integers of so many digits, as JSON of the report would."""
    value = base64.b64encode(b"\2" + b"\xff" * 3000).decode()
    report = odd_manifest(picture, signer, [{"value": value}])
    assert report.soft_bindings[0].message is None
    assert value in json.dumps(report.to_dict())


def odd_manifest(picture, signer, blocks):
    binding = {"alg": "org.tfwm.photo.1", "blocks": blocks}
    assertion = {"label": "c2pa.soft-binding", "data": binding, "created": True}
    content = {"claim_generator_info": [{"name": "eve"}], "assertions": [assertion]}
    signed = io.BytesIO()
    with c2pa.Builder(content, context=c2pa.Context.from_dict(SETTINGS)) as builder:
        builder.sign(signer.open(), "image/jpeg", io.BytesIO(picture), signed)
    return read_manifest(signed.getvalue())
