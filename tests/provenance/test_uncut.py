"""Nobody is accused of a copy without proof: crops, captions and collages of one's own photos."""

import io
import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm.images import read_photo
from tfwm.marking.uncut import is_whole, whole_size
from tfwm.provenance import ManifestStore, Stamper, inspect, new_id

JUMBF = runpy.run_path(str(Path(__file__).with_name("jumbf.py")))
KEY = "secret"
OTHER = data.coffee()[:320, :320]


def with_bar(image, share, color=255):
    """A caption below: the picture grows."""
    out = Image.new("RGB", (image.width, round(image.height * (1 + share))), (color,) * 3)
    out.paste(image, (0, 0))
    return out


def covered(image, share):
    """Another picture over the right part: the size stays."""
    pixels = np.array(image)
    first = round(pixels.shape[1] * (1 - share))
    pixels[:, first:] = OTHER[:, first:]
    return Image.fromarray(pixels)


def moved(image):
    """Its lower right part, at the top left of a picture of the old size."""
    out = Image.fromarray(OTHER)
    out.paste(image.crop((64, 64, 320, 320)), (0, 0))
    return out


EDITS = {
    "narrower": lambda image: image.crop((0, 0, 256, 320)),
    "upper part": lambda image: image.crop((0, 0, 320, 192)),
    "smaller": lambda image: image.crop((0, 0, 224, 224)),
    "caption": lambda image: with_bar(image, 0.25),
    "large caption": lambda image: with_bar(image, 0.5, 0),
    "narrower, with a caption": lambda image: with_bar(image.crop((0, 0, 256, 320)), 0.4),
    "half of it covered": lambda image: covered(image, 0.5),
    "a third left": lambda image: covered(image, 0.4),
    "moved": moved,
}


def encoded(image, **options):
    buffer = io.BytesIO()
    Image.fromarray(np.array(image.convert("RGB"))).save(buffer, **{"format": "PNG"} | options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def drawn(picture, sign_bytes, tmp_path_factory):
    """A signed PNG whose id was drawn, and the store that knows it."""
    store = ManifestStore(tmp_path_factory.mktemp("drawn") / "manifests.db", create=True)
    signed, report = sign_bytes(picture, key=KEY, store=store, file_format="png")
    assert report.manifest.drawn and report.manifest.size == (320, 320)
    return signed, store, report


@pytest.mark.parametrize("kept", [False, True], ids=["stripped", "manifest kept"])
@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_what_is_made_of_one_s_own_photo_is_no_copy(edit, kept, drawn, watermarker):
    signed, store, _ = drawn
    copy = encoded(edit(Image.open(io.BytesIO(signed))))
    if kept:
        first, *rest = JUMBF["chunks"](copy)
        copy = JUMBF["join"]([first, (b"caBX", JUMBF["store_of"](signed)), *rest])
    for how in ({}, {"store": store}, {"store": store, "search": "crop"}):
        found = inspect(copy, watermarker=watermarker, key=KEY, **how)
        assert not found.verdict.contradictions, found.verdict
        assert found.recovery is None or found.recovery.picture != "another"
        if found.mark.decision == "present":
            told = "recovered" if how or kept else "marked"
            assert found.verdict.conclusion in (told, "marked")
            assert found.verdict.confidence == "low"


@pytest.mark.parametrize("quality", [None, 90])
def test_a_mark_that_was_copied_is_told(quality, drawn, watermarker):
    """All over another picture of the same size, with an id that was drawn for the signed one."""
    signed, store, report = drawn
    marked = watermarker.embed(Image.fromarray(OTHER), report.message, key=KEY)
    copy = encoded(marked, **({"format": "JPEG", "quality": quality} if quality else {}))
    found = inspect(copy, watermarker=watermarker, key=KEY, store=store)
    assert found.recovery.picture == "another" and found.recovery.drawn
    assert found.verdict.conclusion == "contradicted"
    assert found.verdict.line.startswith("the mark was copied from another picture")


def test_eight_bytes_of_one_s_own_are_not_drawn(picture, sign_bytes, watermarker, tmp_path):
    store, own = ManifestStore(tmp_path / "own.db", create=True), bytes.fromhex("0011223344556677")
    _, first = sign_bytes(picture, key=KEY, store=store, message=own)
    assert not first.manifest.drawn
    marked = encoded(watermarker.embed(Image.fromarray(OTHER), own, key=KEY))
    verdict = inspect(marked, watermarker=watermarker, key=KEY, store=store).verdict
    assert verdict.conclusion == "marked" and "may be used for many" in verdict.line
    second, _ = sign_bytes(encoded(Image.fromarray(OTHER)), key=KEY, message=own)
    verdict = inspect(second, watermarker=watermarker, key=KEY, store=store).verdict
    assert verdict.conclusion == "signed" and not verdict.contradictions


def test_an_id_that_one_reuses_for_a_signed_picture_is_no_copy(drawn, sign_bytes, watermarker):
    _, store, report = drawn
    signed, _ = sign_bytes(encoded(Image.fromarray(OTHER)), key=KEY, message=report.message)
    verdict = inspect(signed, watermarker=watermarker, key=KEY, store=store).verdict
    assert verdict.conclusion == "signed" and not verdict.contradictions


def test_ids_of_generators(picture, signer, watermarker, tmp_path):
    """Drawn are those of `sign`, and not one that its user gives, as to a layer."""
    stamper = Stamper("a", "1", key=KEY, network=watermarker)
    pixels = np.array(Image.open(io.BytesIO(picture)))
    for ids, is_drawn in ((None, True), (["batch-00004"], False)):
        store = ManifestStore(tmp_path / f"{is_drawn}.db", create=True)
        (made,) = stamper.sign(pixels, signer=signer, store=store, ids=ids)
        assert made.report.manifest.drawn == is_drawn
        other = encoded(watermarker.embed(Image.fromarray(OTHER), made.stamp.message, key=KEY))
        verdict = inspect(other, watermarker=watermarker, key=KEY, store=store).verdict
        assert bool(verdict.contradictions) == is_drawn, verdict


def test_the_size_of_what_was_marked(watermarker):
    photo = watermarker.embed(Image.fromarray(OTHER[:, :240]), new_id(), key=KEY)
    for turned in (photo, photo.transpose(Image.ROTATE_90)):
        found = watermarker.extract(turned, key=KEY, search="crop")
        filled = whole_size(watermarker, read_photo(turned), found, KEY)
        if found.alignment.offset is None:
            assert is_whole(filled, (240, 320)) and not is_whole(filled, (320, 240))
    assert is_whole((512, 768, 1.0), (1536, 1024)) and is_whole((513, 768, 1.0), (768, 512))
    for marked in (None, (600, 400), (768, 500)):
        assert not is_whole((512, 768, 1.0), marked)
    assert not is_whole(None, (768, 512))
