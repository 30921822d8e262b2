"""What a picture says of its origin, with all layers together."""

import dataclasses
import io
import json
import sqlite3

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tfwm.images import ImageError, read_photo
from tfwm.provenance import (
    Claims,
    ManifestStore,
    inspect,
    inspect_folder,
    network_of,
    origin_fields,
    write_manifest,
)
from tfwm.provenance.fields import told_source_type
from tfwm.provenance.inspection import _reader_of
from tfwm.provenance.reading import SoftBinding

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmp:CreatorTool="Acme 3">
 <Iptc4xmpExt:DigitalSourceType>{kind}</Iptc4xmpExt:DigitalSourceType>
 <dc:creator><rdf:Seq><rdf:li>Ada</rdf:li></rdf:Seq></dc:creator>
</rdf:Description></rdf:RDF></x:xmpmeta>"""
BASE = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def saved(image, form="JPEG", **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def test_a_signed_picture(signed, watermarker):
    encoded, report = signed
    found = inspect(encoded, watermarker=watermarker)
    assert found.verdict.conclusion == "signed" and found.verdict.confidence == "low"
    assert found.verdict.source_type == "trainedAlgorithmicMedia"
    assert found.manifest == report.manifest and found.mark.message == report.message
    assert found.fields["source_type"] == "trainedAlgorithmicMedia"
    assert any("revoked" in line for line in found.unchecked)
    values = json.loads(json.dumps(found.to_dict()))
    assert values["verdict"]["technique"] == "signed metadata and watermark"
    assert "raw" not in values["manifest"]


def test_a_copy_without_metadata(signed, watermarker):
    copy = saved(Image.open(io.BytesIO(signed[0])).convert("RGB"), quality=85)
    found = inspect(copy, watermarker=watermarker)
    assert found.manifest is None and not found.fields
    assert found.mark.message == signed[1].message
    assert (found.verdict.conclusion, found.verdict.technique) == ("marked", "watermark")


def test_a_changed_file_that_still_carries_its_mark(signed, watermarker):
    changed = bytearray(signed[0])
    changed[changed.index(b"JFIF\0") + 9] ^= 1  # the density, which is no pixel's
    found = inspect(bytes(changed), watermarker=watermarker)
    assert found.verdict.conclusion == "marked" and "changed after" in found.verdict.line
    assert not found.manifest.hash_holds and found.manifest.signature_holds


def test_a_mark_of_another_picture(picture, signer, watermarker):
    """The manifest holds, and names a mark that the pixels do not carry."""
    marked = watermarker.embed_bytes(picture, "eve")
    claims = Claims("digitalCapture")
    forged, _, _ = write_manifest(marked, "ada", "quadrant", signer, claims)
    found = inspect(forged, watermarker=watermarker)
    assert found.manifest.holds and found.verdict.conclusion == "contradicted"
    assert "names another mark" in found.verdict.line


def test_unsigned_metadata_against_the_manifest(signed, watermarker):
    packet = XMP.format(kind=BASE + "digitalCapture").encode()
    picture = saved(Image.open(io.BytesIO(signed[0])).convert("RGB"), xmp=packet)
    found = inspect(picture, watermarker=watermarker)
    assert found.fields == {"source_type": "digitalCapture", "creator": "Ada", "software": "Acme 3"}


def test_a_picture_that_says_nothing(picture, watermarker):
    found = inspect(picture, watermarker=watermarker, key="secret")
    assert found.verdict.conclusion == "nothing" and found.verdict.confidence == "none"
    assert any("cut, turned" in line for line in found.unchecked)


def test_generation_settings_say_generated():
    text = PngInfo()
    text.add_text("parameters", "a cat\nSteps: 20, Sampler: Euler")
    photo = read_photo(saved(Image.new("RGB", (64, 64)), "PNG", pnginfo=text))
    fields = origin_fields(photo)
    assert fields["generation"].startswith("a cat Steps")
    assert told_source_type(fields) == "trainedAlgorithmicMedia"
    assert told_source_type({}) is None


def test_camera_and_iptc_fields():
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x8298] = "Canon", "EOS 5", "(c) Ada"
    iptc = b"\x1c\x02\x50\x00\x03Ada\x1c\x02\x6e\x00\x04News"
    resource = b"8BIM\x04\x04\0\0" + len(iptc).to_bytes(4, "big") + iptc
    segment = b"Photoshop 3.0\0" + resource
    plain = saved(Image.new("RGB", (64, 64)), exif=exif)
    data = plain[:2] + b"\xff\xed" + (len(segment) + 2).to_bytes(2, "big") + segment + plain[2:]
    fields = origin_fields(read_photo(data))
    assert fields == {
        "creator": "Ada",
        "credit": "News",
        "rights": "(c) Ada",
        "camera": "Canon EOS 5",
    }


def test_a_manifest_never_names_a_path(signed):
    """A stranger's manifest chooses among networks that are known, and nothing else."""
    names = {"org.tfwm.redmark-mt.1": "redmark-mt", "org.tfwm.../../evil.1": "photo"}
    for algorithm, network in names.items():
        found = _reader_of(with_algorithm(signed[1].manifest, algorithm), [])
        assert found.network.name == network
    assert _reader_of(None, []).network.name == "photo"


@pytest.mark.parametrize("name, why", [("barrier-xray", "carries messages"), ("cut", "is damaged")])
def test_a_manifest_that_names_a_network_that_reads_no_messages(
    name, why, signed, tmp_path, monkeypatch
):
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "card.json").write_text("{")
    monkeypatch.setenv("TFWM_NETWORKS", str(tmp_path))
    unchecked = []
    manifest = with_algorithm(signed[1].manifest, f"org.tfwm.{name}.1")
    assert _reader_of(manifest, unchecked).network.name == "photo"
    assert len(unchecked) == 1 and name in unchecked[0] and why in unchecked[0]


def with_algorithm(report, algorithm):
    binding = SoftBinding(algorithm, "AWFkYQ==", network_of(algorithm), b"ada")
    return dataclasses.replace(report, soft_bindings=(binding,))


def test_folders(signed, picture, watermarker, tmp_path):
    (tmp_path / "a.jpg").write_bytes(signed[0])
    (tmp_path / "b.jpg").write_bytes(picture)
    (tmp_path / "c.jpg").write_bytes(b"no picture")
    rows = inspect_folder([tmp_path], watermarker=watermarker, report=tmp_path / "origins.csv")
    assert [row["status"] for row in rows] == ["done", "done", "failed"]
    assert [row["conclusion"] for row in rows] == ["signed", "nothing", None]
    assert "trainedAlgorithmicMedia" in (tmp_path / "origins.csv").read_text()


def test_what_is_no_picture(watermarker):
    with pytest.raises(ImageError, match="not an image"):
        inspect(b"no picture at all" * 9, watermarker=watermarker)


def test_a_cut_picture_without_a_manifest_is_not_called_broken(picture, watermarker):
    whole = saved(Image.open(io.BytesIO(watermarker.embed_bytes(picture, "ada"))), "PNG")
    found = inspect(whole[:-20000], watermarker=watermarker, damaged=True)
    assert found.manifest is None and found.verdict.conclusion == "marked"
    with pytest.raises(ImageError, match="not an image"):
        inspect(b"%PDF-1.4", watermarker=watermarker)


@pytest.mark.parametrize("change", ["manifest = x'0011'", "id = 'urn:c2pa:other'"])
def test_a_store_of_damaged_rows_is_told(
    change, picture, sign_bytes, copy_of, watermarker, tmp_path
):
    store = ManifestStore(tmp_path / "manifests.db", create=True)
    encoded, _ = sign_bytes(picture, key="secret", store=store)
    with sqlite3.connect(store.path) as database:
        database.execute(f"UPDATE manifests SET {change}")
    found = inspect(copy_of(encoded), watermarker=watermarker, key="secret", store=store)
    assert found.verdict.conclusion == "marked" and found.recovery is None
    assert "it was damaged or changed" in found.service_error and "\n" not in found.service_error
    assert any(found.service_error in line for line in found.unchecked)
