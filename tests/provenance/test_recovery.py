import dataclasses
import io

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm.batch.folders import embed_folder
from tfwm.images import ImageError, read_photo
from tfwm.keys import Key
from tfwm.marking.uncut import whole_size
from tfwm.provenance import (
    ManifestStore,
    Recovery,
    SigningWatermarker,
    Stamper,
    fingerprint,
    inspect,
    recover,
    sign,
)
from tfwm.provenance.fetch import ServiceError
from tfwm.provenance.recovery import signed_fingerprint
from tfwm.provenance.store import Record

KEY = "secret"


@pytest.fixture
def store(tmp_path):
    return ManifestStore(tmp_path / "manifests.db", create=True)


@pytest.fixture
def kept(store, picture, sign_bytes):
    signed, report = sign_bytes(picture, key=KEY, store=store)
    return Image.open(io.BytesIO(signed)), report


def found_in(watermarker, store, photo, key=KEY):
    found = watermarker.extract(photo, key=key, search="crop")
    return recover(photo, store, found, watermarker.network.name)


def test_the_mark_leads_back(watermarker, store, kept):
    photo, report = kept
    back = found_in(watermarker, store, photo)
    assert isinstance(back, Recovery) and back.by == "watermark" and back.holds
    assert back.id == report.manifest.label and back.manifest == report.store
    assert back.picture == "same" and back.names_binding and back.report.signature_holds
    assert back.to_dict()["report"]["label"] == back.id


def test_what_is_stored(store, kept):
    photo, report = kept
    record = store.record(report.manifest.label)
    assert record.key == Key(KEY).fingerprint and record.network == "quadrant"
    assert record.fingerprint == signed_fingerprint(report.manifest) == fingerprint(photo)
    assert len(store) == 1


def test_mirrored_turned_and_cut_copies(watermarker, store, kept):
    photo, report = kept
    for copy, picture in (
        (photo.transpose(Image.FLIP_LEFT_RIGHT), "same"),
        (photo.transpose(Image.ROTATE_90), "same"),
        (photo.crop((80, 80, 320, 320)), "unclear"),
    ):
        back = found_in(watermarker, store, copy)
        assert back.id == report.manifest.label and back.by == "watermark"
        assert back.picture == picture and back.holds


def test_a_copied_mark_is_told(watermarker, store, kept):
    message = watermarker.extract(kept[0], key=KEY).message
    other = watermarker.embed(read_photo(data.coffee()[:320, :320]), message, key=KEY)
    back = found_in(watermarker, store, other)
    assert back.by == "watermark" and back.picture == "unclear"  # it may have been cut
    found = watermarker.extract(other, key=KEY, search="none")
    filled = whole_size(watermarker, other, found, KEY)
    back = recover(other, store, found, watermarker.network.name, filled=filled)
    assert back.by == "watermark" and back.picture == "another" and not back.holds


def test_without_a_mark_the_fingerprint_leads_back(watermarker, store, kept):
    photo, report = kept
    back = found_in(watermarker, store, photo, key="another")
    assert back.by == "fingerprint" and back.id == report.manifest.label and back.holds
    assert recover(Image.fromarray(data.coffee()), store) is None


def test_a_mark_that_the_store_does_not_know_leads_nowhere(watermarker, store, kept, picture):
    """However much the picture looks like another one in it."""
    again = watermarker.embed_bytes(picture, "another message", key=KEY)
    assert found_in(watermarker, store, Image.open(io.BytesIO(again))) is None


def test_of_photos_that_share_a_message_the_right_one_is_found(
    watermarker, store, signer, tmp_path
):
    photos = data.coffee(), data.chelsea(), data.astronaut()
    for number, pixels in enumerate(photos):
        report = sign(
            pixels,
            tmp_path / f"{number}.png",
            signer=signer,
            message="(c) Ada",
            key=KEY,
            network=watermarker.network,
            store=store,
            claims=dataclasses.replace(_claims(), title=f"{number}"),
        )
        assert report.value and len(store) == number + 1
    for number in range(3):
        back = found_in(watermarker, store, tmp_path / f"{number}.png")
        assert back.report.title == f"{number}" and back.picture == "same"


def test_a_store_that_answers_with_something_else(watermarker, store, kept, picture, sign_bytes):
    photo, report = kept
    lying = ManifestStore(store.path.with_name("lying.db"), create=True)
    record = store.record(report.manifest.label)
    binding = {report.algorithm: report.value}
    lying.add(dataclasses.replace(record, id="urn:c2pa:other"), report.store, binding)
    lying.add(dataclasses.replace(record, id="urn:c2pa:junk"), b"no manifest", binding)
    with pytest.raises(ServiceError, match="it was damaged or changed"):
        found_in(watermarker, lying, photo)
    _, second = sign_bytes(picture, key="another", store=None)
    other = Record(second.manifest.label, "0" * 64, record.fingerprint, "quadrant", "public")
    lying.add(other, second.store, binding)
    back = found_in(watermarker, lying, photo)
    assert back.id == second.manifest.label and not back.names_binding and not back.holds


def test_a_dry_run_stores_nothing(store, sign_bytes, picture, tmp_path, signer, watermarker):
    sign_bytes(picture, key=KEY, store=store, dry_run=True)
    assert len(store) == 0
    new = tmp_path / "new.db"
    sign_bytes(picture, key=KEY, store=new, dry_run=True)
    marker = SigningWatermarker(watermarker.network, signer, store=new)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(picture)
    rows = embed_folder(marker, [tmp_path / "in"], tmp_path / "out", "Ada", dry_run=True)
    assert rows[0]["status"] == "done" and not new.exists()
    marker.embed_bytes(picture, "Ada")
    assert len(ManifestStore(new)) == 1


def test_the_store_is_never_the_output(signer, watermarker, picture, tmp_path):
    """Also where its name ends like a photo's."""
    path = tmp_path / "store.jpg"
    ManifestStore(path, create=True)
    before = path.read_bytes()
    how = {"signer": signer, "network": watermarker.network, "overwrite": True}
    for store in (path, str(path), ManifestStore(path)):
        for dry_run in (False, True):
            with pytest.raises(ValueError, match="an output beside the store"):
                sign(picture, path, store=store, dry_run=dry_run, **how)
    assert path.read_bytes() == before


def test_a_text_may_be_in_many_photos(watermarker, store, sign_bytes, picture):
    """Whose mark that of another one's own photo is not called a copy."""
    sign_bytes(picture, key=KEY, message="(c) Ada", store=store)
    other = watermarker.embed(Image.fromarray(data.coffee()[:320, :320]), "(c) Ada", key=KEY)
    buffer = io.BytesIO()
    other.save(buffer, "PNG")
    found = inspect(buffer.getvalue(), watermarker=watermarker, key=KEY, store=store)
    assert found.recovery.picture == "another"
    assert found.verdict.conclusion == "marked" and not found.verdict.contradictions
    assert "another picture carries this message" in found.verdict.line


def test_trusted_authorities_count_for_what_was_found_again(
    watermarker, store, kept, signer, tmp_path
):
    (tmp_path / "root.pem").write_bytes(signer.certificates)
    copy = io.BytesIO()
    kept[0].convert("RGB").save(copy, "PNG")
    how = {"watermarker": watermarker, "key": KEY, "store": store}
    back = inspect(copy.getvalue(), **how).recovery
    assert back.by == "watermark" and back.report.state == "valid"
    back = inspect(copy.getvalue(), **how, trust_anchors=tmp_path / "root.pem").recovery
    assert back.report.state == "trusted" and back.holds


def test_pictures_without_a_fingerprint(watermarker, store, sign_bytes):
    """They are found by their mark, and never by what they show."""
    ramp = np.repeat(np.tile(np.arange(40, 200, 0.5).astype(np.uint8), (320, 1))[..., None], 3, 2)
    plain, other = io.BytesIO(), io.BytesIO()
    Image.fromarray(ramp).save(plain, "PNG")
    Image.fromarray(ramp[::-1] + 9).save(other, "PNG")
    signed, report = sign_bytes(plain.getvalue(), key=KEY, store=store)
    assert [b.algorithm for b in report.manifest.soft_bindings] == [report.algorithm]
    assert store.record(report.manifest.label).fingerprint == b""
    back = found_in(watermarker, store, signed)
    assert back.by == "watermark" and back.picture is None and back.holds
    assert recover(other.getvalue(), store) is None


def _claims():
    from tfwm.provenance import Claims

    return Claims("digitalCapture")


def failing(*_, **__):
    raise OSError(28, "No space left on device")


def test_a_file_that_cannot_be_written_is_not_in_the_store(
    watermarker, store, signer, picture, tmp_path, monkeypatch
):
    """Neither of one file, nor of a stream, a folder or a batch."""
    how = {"signer": signer, "network": watermarker.network, "store": store}
    sign(picture, tmp_path / "first.jpg", **how)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(picture)
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", failing)
        with pytest.raises(ImageError, match="Nothing was changed"):
            sign(picture, tmp_path / "second.jpg", **how)
        marker = SigningWatermarker(watermarker.network, signer, store=store)
        patch.setattr("tfwm.batch.folders.write_encoded", failing)
        patch.setattr("os.fsync", lambda _: None)
        rows = embed_folder(marker, [tmp_path / "in"], tmp_path / "out", "Ada")
    assert rows[0]["status"] == "failed" and len(store) == 1
    stream = io.BytesIO()
    stream.write = failing
    with pytest.raises(OSError, match="No space"):
        sign(picture, stream, **how)
    assert len(store) == 1 and not (tmp_path / "second.jpg").exists()
    stamper = Stamper("a", "1", key=KEY, network=watermarker)
    batch = data.astronaut()[None, :320, 80:400].repeat(2, 0)
    with monkeypatch.context() as patch:
        taken = []
        patch.setattr(
            "tfwm.provenance.recovery.signed_fingerprint",
            lambda report: taken.append(1) or (failing() if len(taken) > 1 else b""),
        )
        with pytest.raises(OSError, match="No space"):
            stamper.sign(batch, signer=signer, store=store)
    assert taken == [1, 1] and len(store) == 1
