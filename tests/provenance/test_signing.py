import io
import os
import sys

import c2pa
import numpy as np
import pytest
from PIL import Image

from tfwm.images import ImageError, read_photo, to_uint8
from tfwm.marking import MarkedError
from tfwm.provenance import (
    Claims,
    Signer,
    Stamper,
    inspect,
    read_manifest,
    sign,
    to_value,
    write_manifest,
)
from tfwm.provenance.stamp import ID_BYTES

FORMATS = "jpg", "png", "webp", "tif"
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("avif", "heic", "jxl", "gif")]


def test_a_picture_is_marked_and_signed(signed, watermarker):
    encoded, report = signed
    found = read_manifest(encoded)
    assert found.holds and found == report.manifest and found.state == "valid"
    assert found.trust == "test certificate" and found.signed_by == "tfwm TEST certificate"
    assert found.actions == ("c2pa.created", "c2pa.watermarked.bound")
    assert found.source_type == "trainedAlgorithmicMedia"
    binding, shown = found.soft_bindings
    assert shown.algorithm == "org.tfwm.fingerprint.1" and shown.network is None
    assert (binding.algorithm, binding.value) == (report.algorithm, report.value)
    mark = watermarker.extract(encoded)
    assert mark.decision == "present" and mark.message == binding.message
    assert len(mark.message) == ID_BYTES


@pytest.mark.parametrize("ending", [*FORMATS, *SLOW])
def test_every_format_that_holds_a_manifest(ending, picture, signer, watermarker, tmp_path):
    path = tmp_path / f"out.{ending}"
    report = sign(picture, path, signer=signer, message="Ada", network=watermarker.network)
    assert report.manifest.holds and report.value == to_value("Ada")
    assert read_manifest(path).hash_holds
    assert watermarker.extract(path).message == "Ada"


def test_signing_leaves_the_marked_pixels_as_they_are(picture, sign_bytes, watermarker):
    encoded, _ = sign_bytes(picture, message="Ada")
    marked = watermarker.embed_bytes(picture, "Ada")
    assert np.array_equal(read_photo(encoded).pixels, read_photo(marked).pixels)


def test_a_manifest_that_is_there_becomes_the_parents(signed, sign_bytes):
    encoded, report = signed
    again, second = sign_bytes(encoded)
    found = read_manifest(again)
    assert found.actions == ("c2pa.opened", "c2pa.watermarked.bound")
    (parent,) = found.ingredients
    assert parent.label == report.manifest.label and parent.problem is None
    assert found.source_type == "trainedAlgorithmicMedia"  # the parent's
    assert any("kept" in note for note in second.notes)
    assert not any("dropped" in note for note in second.notes)


def test_an_edit_says_what_it_made_of_its_parent(signed, picture, sign_bytes):
    claims = Claims("compositeWithTrainedAlgorithmicMedia", components=(picture,))
    again, _ = sign_bytes(signed[0], claims=claims)
    found = read_manifest(again)
    assert found.actions[:3] == ("c2pa.opened", "c2pa.edited", "c2pa.placed")
    assert found.source_type == "compositeWithTrainedAlgorithmicMedia"
    assert [i.relationship for i in found.ingredients] == ["parentOf", "componentOf"]


def test_the_xmp_says_the_source_type_too(signed):
    image = Image.open(io.BytesIO(signed[0]))
    assert b"digitalsourcetype/trainedAlgorithmicMedia" in image.info["xmp"]


def test_what_the_xmp_said_before_is_told(picture, sign_bytes):
    encoded, _ = sign_bytes(picture, claims=Claims("digitalCapture"))
    copy = io.BytesIO()
    image = Image.open(io.BytesIO(encoded))
    image.save(copy, "JPEG", xmp=image.info["xmp"], quality=95)
    _, report = sign_bytes(copy.getvalue(), claims=Claims("humanEdits"))
    assert "its XMP said digitalCapture of its origin, and says humanEdits now" in report.notes


@pytest.mark.parametrize("packet", [b"<x", b"\xff" * 20])
def test_xmp_that_cannot_be_read_is_told(packet, picture, sign_bytes):
    copy = io.BytesIO()
    Image.open(io.BytesIO(picture)).save(copy, "JPEG", xmp=packet, quality=95)
    _, report = sign_bytes(copy.getvalue(), claims=Claims("humanEdits"))
    assert any("XMP cannot be read" in note or "XMP that" in note for note in report.notes)
    assert report.manifest.source_type == "humanEdits"


@pytest.mark.parametrize("mime", ["image/jpeg", "image/png"])
def test_the_reference_reader_agrees_by_its_defaults(mime, picture, sign_bytes):
    encoded, report = sign_bytes(picture, file_format=mime[6:].replace("jpeg", "jpg"))
    with c2pa.Reader(mime, io.BytesIO(encoded)) as reader:
        assert reader.get_validation_state() == "Valid" and reader.is_embedded()
        assert reader.get_active_manifest()["label"] == report.manifest.label


def test_nothing_is_said_of_an_origin_that_is_not_known(picture, sign_bytes):
    _, report = sign_bytes(picture)
    assert report.manifest.source_type is None
    assert report.manifest.actions == ("c2pa.opened", "c2pa.watermarked.bound")


def test_a_function_signs_in_place_of_a_key(picture, signer, sign_bytes):
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = serialization.load_pem_private_key(signer.key, None)
    service = Signer(
        signer.certificates, "es256", sign=lambda data: key.sign(data, ec.ECDSA(hashes.SHA256()))
    )
    _, report = sign_bytes(picture, signer=service)
    assert report.manifest.signature_holds


def test_an_array_needs_a_source_type(photo, sign_bytes):
    with pytest.raises(ValueError, match="comes from no file"):
        sign_bytes(to_uint8(photo[0]))
    claims = Claims("algorithmicMedia")
    encoded, report = sign_bytes(to_uint8(photo[0]), claims=claims, file_format="webp")
    assert report.manifest.actions[0] == "c2pa.created" and encoded[8:12] == b"WEBP"


def test_a_mark_that_is_there_is_told(signed, sign_bytes, picture, watermarker):
    marked = watermarker.embed_bytes(picture, "Ada")
    _, report = sign_bytes(marked)
    told = "it carried a mark of no key, which everybody can read, with the message 'Ada'"
    assert sum(note.startswith(told) for note in report.notes) == 1
    with pytest.raises(MarkedError, match="--over"):
        sign_bytes(marked, over=False)
    notes = sign_bytes(picture)[1].notes
    assert len(notes) == 1 and "says nothing of its origin" in notes[0]


def test_bad_arguments(picture, signer, tmp_path):
    with pytest.raises(ValueError, match="did you mean 'trainedAlgorithmicMedia'"):
        Claims("trainedAlgoritmicMedia")
    with pytest.raises(ValueError, match="beside those that signing writes"):
        Claims(assertions={"c2pa.soft-binding": {}})
    with pytest.raises(ImageError, match="no ending that is known"):
        sign(picture, tmp_path / "out.bmp", signer=signer)
    (tmp_path / "out.jpg").write_bytes(b"old")
    with pytest.raises(ImageError, match="exists"):
        sign(picture, tmp_path / "out.jpg", signer=signer)
    assert (tmp_path / "out.jpg").read_bytes() == b"old"


@pytest.mark.parametrize("assertions", [{"foo": {}}, {"org.acme.review": 1}, {"org.acme.": {}}])
def test_assertions_need_a_namespace_and_content(assertions):
    with pytest.raises(ValueError, match="labels with a namespace"):
        Claims(assertions=assertions)
    assert Claims(assertions={"org.acme.review": {"by": "Ada"}, "c2pa.metadata__1": {}})


def test_a_camera_s_claim_over_a_generated_picture_is_told(signed, sign_bytes, watermarker):
    """At once, and by whoever inspects it; also where a second signing hides the first."""
    claims = Claims("digitalCapture")
    again, report = sign_bytes(signed[0], claims=claims)
    note = "its manifest says trainedAlgorithmicMedia, and the new manifest says digitalCapture"
    assert sum(note in line for line in report.notes) == 1
    third, report = sign_bytes(again, claims=claims)
    assert sum(note in line for line in report.notes) == 1
    for encoded in (again, third):
        verdict = inspect(encoded, watermarker=watermarker).verdict
        assert verdict.conclusion == "contradicted"
        told = "the manifest says captured by a camera, its parent's says generated"
        assert told in verdict.contradictions
    _, report = sign_bytes(signed[0], claims=Claims("compositeWithTrainedAlgorithmicMedia"))
    assert not any("new manifest says" in line for line in report.notes)


def test_a_generated_part_of_a_camera_s_picture_is_told(signed, picture, sign_bytes, tmp_path):
    (tmp_path / "part.jpg").write_bytes(signed[0])
    claims = Claims("digitalCapture", components=(tmp_path / "part.jpg",))
    _, report = sign_bytes(picture, claims=claims)
    assert any("its part part.jpg says trained" in line for line in report.notes)


def test_the_certificate_is_told(signed):
    report = signed[1].manifest
    assert report.common_name == "tfwm TEST certificate: says nothing about who signed"
    assert report.issued_by.endswith(", tfwm TEST certificate")


def test_the_parent_s_manifest_is_read_once(signed, sign_bytes, monkeypatch):
    read = []

    def counted(source, **how):
        read.append(source)
        return read_manifest(source, **how)

    monkeypatch.setattr("tfwm.provenance.signing.read_manifest", counted)
    sign_bytes(signed[0])
    assert len(read) == 2 and read.count(signed[0]) == 1  # the parent's, and what was written


def test_who_signs_is_checked(picture, watermarker):
    pixels = np.zeros((64, 64, 3), np.uint8)
    stamper = Stamper("a", "1", network=watermarker)
    for signer in (None, "x"):
        for ask in (
            lambda: sign(picture, io.BytesIO(), signer=signer, network=watermarker.network),  # noqa: B023
            lambda: stamper.sign(pixels, signer=signer),  # noqa: B023
            lambda: write_manifest(picture, "a", "photo", signer, Claims("print")),  # noqa: B023
        ):
            with pytest.raises(ValueError, match="Expected a signer, as load_signer and make_test"):
                ask()


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are UTF-8 there")
def test_a_name_that_is_no_utf_8_becomes_a_title(picture, signer, watermarker, tmp_path):
    source, target = (os.fsdecode(os.fsencode(tmp_path) + b"/%s\xff.jpg" % n) for n in (b"a", b"b"))
    with open(source, "wb") as file:
        file.write(picture)
    claims = Claims("print", components=(source,))
    report = sign(source, target, signer=signer, network=watermarker.network, claims=claims)
    assert report.manifest.title == "b?.jpg" and report.manifest.ingredients[0].title == "a?.jpg"


def test_what_is_said_gets_its_own_advice(picture, sign_bytes):
    for text in ("a" * 1001, "a\udcff", ""):
        with pytest.raises(ValueError, match="Expected a title of 1 to 1000 characters"):
            Claims("print", title=text)
    bad = {"c2pa.metadata": {"a": 1}}, {"org.a.b": {"x": "\udcff"}}, {"cawg.identity": {"a": 1}}
    for assertions in bad:
        with pytest.raises(ImageError, match="check .*assertions") as error:
            sign_bytes(picture, claims=Claims("print", assertions=assertions))
        assert "certificate, the key" not in str(error.value)


def test_a_format_that_cannot_be_a_parent_needs_a_source_type(picture, sign_bytes):
    bitmap = io.BytesIO()
    Image.open(io.BytesIO(picture)).save(bitmap, "BMP")
    with pytest.raises(ImageError, match="Expected a source type, as with --source-type"):
        sign_bytes(bitmap.getvalue(), file_format="png")
    signed, _ = sign_bytes(bitmap.getvalue(), file_format="png", claims=Claims("print"))
    assert read_manifest(signed).source_type == "print"
