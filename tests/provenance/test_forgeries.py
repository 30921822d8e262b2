"""Damaged and forged manifests: each is told, in one line that says what is wrong."""

import copy
import io
import json
import runpy
import time
from pathlib import Path

import c2pa
import pytest
from PIL import Image
from skimage import data

from tfwm.fingerprints import fingerprint
from tfwm.provenance import Claims, Signer, inspect, read_manifest, sign
from tfwm.provenance.binding import fingerprint_binding
from tfwm.provenance.certificates import make_test_certificate
from tfwm.provenance.manifest import SETTINGS, definition

JUMBF = runpy.run_path(str(Path(__file__).with_name("jumbf.py")))
chunks, join, parse = JUMBF["chunks"], JUMBF["join"], JUMBF["parse"]
store_of, with_store = JUMBF["store_of"], JUMBF["with_store"]
CHANGED = "the file was changed after the signing"
UNFIT = "the signature does not fit the claim"
ADDED = "an assertion that its claim does not list"
MOVED = "lies elsewhere, or is longer or shorter"
CREATED = {"action": "c2pa.created", "digitalSourceType": "http://example.org/a"}
WATERMARKED = {"action": "c2pa.watermarked.bound"}
OPENED = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["a"]}}


def content(box):
    return box.children[-1]


def put(box, old, new):
    assert old in content(box).data and len(old) == len(new)
    content(box).data = content(box).data.replace(old, new, 1)


def flip(box, at):
    changed = bytearray(content(box).data)
    changed[at] ^= 1
    content(box).data = bytes(changed)


def add(box, like, label):
    extra = copy.deepcopy(box.find(like))
    extra.relabel(label)
    box.find("c2pa.assertions").children.append(extra)


# What is done to the active manifest `m` of a store `s`, whose first manifest is the parent's.
IN_THE_STORE = {
    "action": (
        lambda m, s: put(m.find("c2pa.actions"), b"c2pa.opened", b"c2pa.edited"),
        "c2pa.actions.v2 was changed",
    ),
    "binding": (
        lambda m, s: put(m.find("c2pa.soft-binding"), b"AEFkYQ", b"AEV2ZQ"),
        "c2pa.soft-binding was changed",
    ),
    "hash": (lambda m, s: flip(m.find("c2pa.hash.data"), 60), "c2pa.hash.data was changed"),
    "ingredient": (
        lambda m, s: put(m.find("c2pa.ingredient"), b"parentOf", b"parentXX"),
        "c2pa.ingredient.v3 cannot be read",
    ),
    "no actions": (lambda m, s: m.drop("c2pa.actions"), "c2pa.actions.v2 was taken out"),
    "no binding": (lambda m, s: m.drop("c2pa.soft-binding"), "c2pa.soft-binding was taken out"),
    "no hash": (lambda m, s: m.drop("c2pa.hash.data"), "c2pa.hash.data was taken out"),
    "no ingredient": (lambda m, s: m.drop("c2pa.ingredient"), "c2pa.ingredient.v3 was taken out"),
    "no assertions": (lambda m, s: m.drop("c2pa.assertions"), "all assertions were taken out"),
    "added": (lambda m, s: add(m, "c2pa.soft-binding", "org.example.more"), ADDED),
    "renamed": (lambda m, s: m.find("c2pa.soft-binding").relabel("c2pa.soft-bindinX"), ADDED),
    "no CBOR": (
        lambda m, s: setattr(content(m.find("c2pa.actions")), "data", b"\xff\0\x11"),
        "c2pa.actions.v2 cannot be read",
    ),
    "nested": (
        lambda m, s: setattr(content(m.find("c2pa.actions")), "data", b"\x81" * 100_000 + b"\0"),
        "c2pa.actions.v2 cannot be read",
    ),
    "claim": (lambda m, s: put(m.find("c2pa.claim"), b"tfwm", b"eves"), UNFIT),
    "damaged claim": (lambda m, s: flip(m.find("c2pa.claim"), 0), "the claim cannot be read"),
    "no claim": (lambda m, s: m.drop("c2pa.claim"), "the claim was taken out"),
    "two claims": (
        lambda m, s: m.children.insert(2, copy.deepcopy(m.find("c2pa.claim"))),
        "several claims",
    ),
    "signature": (lambda m, s: flip(m.find("c2pa.signature"), -20), UNFIT),
    "no signature": (lambda m, s: m.drop("c2pa.signature"), "the signature was taken out"),
    "damaged signature": (
        lambda m, s: setattr(content(m.find("c2pa.signature")), "data", b"\xa0" * 20),
        "the signature cannot be read",
    ),
    "signature of another": (
        lambda m, s: setattr(
            content(m.find("c2pa.signature")),
            "data",
            content(s.children[1].find("c2pa.signature")).data,
        ),
        UNFIT,
    ),
    "certificate": (
        lambda m, s: put(m.find("c2pa.signature"), b"TEST certificate: s", b"REAL certificate: s"),
        UNFIT,
    ),
    "parent gone": (lambda m, s: s.children.pop(1), "manifest of an ingredient was taken out"),
    "parent changed": (
        lambda m, s: put(
            s.children[1].find("c2pa.actions"), b"trainedAlgorithmic", b"digitalCaptureXXXX"
        ),
        "in the manifest of an ingredient, c2pa.actions.v2 was changed",
    ),
    "parent's signature": (
        lambda m, s: flip(s.children[1].find("c2pa.signature"), -20),
        "in the manifest of an ingredient, the signature does not fit",
    ),
    "only the parent": (lambda m, s: s.children.pop(-1), MOVED),
    "other name": (lambda m, s: m.relabel(m.label[:-4] + "0000"), "the manifest is not signed"),
    "empty": (lambda m, s: s.children.__delitem__(slice(1, None)), "the manifest store is empty"),
}
IN_THE_FILE = {
    "pixels": (
        lambda png: join(
            (name, body[:-9] + bytes([body[-9] ^ 1]) + body[-8:] if name == b"IDAT" else body)
            for name, body in chunks(png)
        ),
        CHANGED,
    ),
    "more": (lambda png: png + b"more", CHANGED),
    "text": (lambda png: join([*chunks(png)][:-1] + [(b"tEXt", b"a\0b"), (b"IEND", b"")]), CHANGED),
    "cut": (lambda png: png[:-3000], "the file is damaged or cut off"),
    "cut store": (lambda png: with_store(png, store_of(png)[:3000]), "is cut off or damaged"),
    "noise": (lambda png: with_store(png, bytes(range(256)) * 9), "is no JUMBF"),
    "two stores": (
        lambda png: join([[*chunks(png)][0], (b"caBX", store_of(png)), *[*chunks(png)][1:]]),
        "several manifest stores",
    ),
}
# Manifests that are signed, by somebody who writes them by hand.
SIGNED = {
    "no soft binding": ([CREATED, WATERMARKED], "names no watermark"),
    "not begun": ([WATERMARKED], "first action must be created or opened"),
    "created twice": ([CREATED, CREATED], "more than one c2pa.created"),
    "no source type": ([{"action": "c2pa.created"}], "must have a digitalSourceType"),
    "opened nothing": ([{"action": "c2pa.opened"}], "names an ingredient that is not there"),
    "two parents": ([OPENED], "it names several parents"),
}


@pytest.fixture(scope="module")
def png(signed, signer, watermarker, tmp_path_factory):
    """A signed PNG whose parent has a manifest as well."""
    path = tmp_path_factory.mktemp("forged") / "signed.png"
    sign(signed[0], path, signer=signer, message="Ada", network=watermarker.network)
    return path.read_bytes()


@pytest.fixture(scope="module")
def other_picture():
    buffer = io.BytesIO()
    Image.fromarray(data.coffee()[:320, :320]).save(buffer, "PNG")
    return buffer.getvalue()


def told(encoded, what):
    report = read_manifest(encoded)
    assert not report.holds and what in report.problem, report
    assert "\n" not in report.problem and len(report.problem) < 160
    return report


@pytest.mark.parametrize("forge, what", IN_THE_STORE.values(), ids=list(IN_THE_STORE))
def test_forged_stores(forge, what, png):
    (store,) = parse(store_of(png))
    forge(store.children[-1], store)
    told(with_store(png, store.tobytes()), what)


@pytest.mark.parametrize("forge, what", IN_THE_FILE.values(), ids=list(IN_THE_FILE))
def test_changed_files(forge, what, png):
    told(forge(png), what)


@pytest.mark.parametrize("actions, what", SIGNED.values(), ids=list(SIGNED))
def test_signed_by_hand(actions, what, png, signer):
    parents = ("a", "b") if what == SIGNED["two parents"][1] else ()
    report = told(by_hand(png, signer, actions, parents), what)
    assert report.signature_holds and report.hash_holds


def by_hand(png, signer, actions, parents=(), remote=None):
    assertions = [{"label": "c2pa.actions.v2", "data": {"actions": actions}, "created": True}]
    content = {"claim_generator_info": [{"name": "eve"}], "assertions": assertions}
    signed = io.BytesIO()
    with c2pa.Builder(content, context=c2pa.Context.from_dict(SETTINGS)) as builder:
        for label in parents:
            told = {"title": label, "relationship": "parentOf", "label": label}
            builder.add_ingredient(told, "image/png", io.BytesIO(png))
        if remote:
            builder.set_no_embed()
            builder.set_remote_url(remote)
        builder.sign(signer.open(), "image/png", io.BytesIO(with_store(png, None)), signed)
    return signed.getvalue()


def test_a_key_of_another_certificate(png):
    (chain, _), (_, key) = make_test_certificate(), make_test_certificate()
    told(by_hand(png, Signer(chain, "es256", key), [CREATED]), UNFIT)


def test_a_manifest_that_lies_elsewhere(png, signer):
    url = "https://example.org/manifest.c2pa"
    report = told(by_hand(png, signer, [CREATED], remote=url), f"lies at {url}")
    assert report.remote_url == url and "not fetched" in report.problem


@pytest.mark.slow
def test_an_expired_certificate(png):
    chain, key = make_test_certificate(days=3 / 86400)
    encoded = by_hand(png, Signer(chain, "es256", key), [CREATED])
    assert read_manifest(encoded).holds
    time.sleep(5)
    told(encoded, "the certificate has expired")


def test_a_manifest_of_another_picture(png, other_picture, watermarker):
    parts = [*chunks(other_picture)]
    copied = join([parts[0], (b"caBX", store_of(png)), *parts[1:]])
    verdict = inspect(copied, watermarker=watermarker).verdict
    assert verdict.conclusion == "broken" and not verdict.contradictions
    assert verdict.line.endswith("or the manifest is another picture's")
    # A mark that is read in place tells that the picture was not cut.
    marked = watermarker.embed_bytes(other_picture, message_of(png))
    parts = [*chunks(marked)]
    copied = join([parts[0], (b"caBX", store_of(png)), *parts[1:]])
    verdict = inspect(copied, watermarker=watermarker).verdict
    assert verdict.conclusion == "contradicted"
    assert verdict.line.startswith("the manifest was copied from another picture")


def message_of(png):
    return read_manifest(png).soft_bindings[0].message


@pytest.mark.parametrize("name", ["crop", "turn", "mirror"])
def test_a_photo_s_own_manifest_is_not_called_another_one_s(name, picture, sign_bytes, watermarker):
    """One's own signed photo, cut or turned by a program that keeps the manifest."""
    encoded, _ = sign_bytes(picture, key="secret", file_format="png")
    image = Image.open(io.BytesIO(encoded))
    buffer = io.BytesIO()
    {
        "crop": lambda: image.crop((80, 80, 320, 320)),
        "turn": lambda: image.transpose(Image.ROTATE_90),
        "mirror": lambda: image.transpose(Image.FLIP_LEFT_RIGHT),
    }[name]().save(buffer, "PNG")
    parts = [*chunks(buffer.getvalue())]
    kept = join([parts[0], (b"caBX", store_of(encoded)), *parts[1:]])
    for how in ({}, {"key": "secret"}, {"key": "secret", "search": "crop"}):
        verdict = inspect(kept, watermarker=watermarker, **how).verdict
        assert not verdict.contradictions and verdict.conclusion in ("broken", "marked")
        if verdict.conclusion == "broken" and name != "crop":
            assert "looks like the one that was signed" in verdict.line


def test_a_camera_s_manifest_over_a_generated_picture(picture, signer, watermarker):
    """Both hold by themselves: the mark of the generator tells what the manifest hides."""
    marked = watermarker.embed_bytes(picture, "gen:acme/3.1/Zk3vT0aLq9w")
    content = definition(
        [fingerprint_binding(fingerprint(marked))], Claims("print"), [], "image/jpeg"
    )
    content = json.loads(json.dumps(content).replace("watermarked.bound", "cropped"))
    forged = io.BytesIO()
    with c2pa.Builder(content, context=c2pa.Context.from_dict(SETTINGS)) as builder:
        builder.sign(signer.open(), "image/jpeg", io.BytesIO(marked), forged)
    found = inspect(forged.getvalue(), watermarker=watermarker)
    assert found.manifest.holds and found.stamp.generator == "acme"
    assert found.verdict.conclusion == "contradicted"
    assert "manifest says captured by a camera, mark says generated" in found.verdict.line


def test_thirty_are_told_apart():
    tables = IN_THE_STORE, IN_THE_FILE, SIGNED
    lines = {what for table in tables for _, what in table.values()}
    assert len(lines) >= 30


def test_what_was_edited_without_a_key_is_not_believed(signed, watermarker):
    """Neither the signer nor the source type, though the mark of this key is there."""
    encoded, _ = signed
    edited = encoded.replace(b"/trainedAlgorithmicMedia", b"/digitalCapture         ")
    assert edited != encoded
    found = inspect(edited, watermarker=watermarker)
    assert not found.manifest.signature_holds and found.mark.decision == "present"
    assert found.verdict.conclusion == "marked" and found.verdict.technique == "watermark"
    assert found.verdict.source_type is None and "proves nothing" in found.verdict.line
    without = inspect(edited, watermarker=watermarker, key="another")
    assert without.verdict.conclusion == "broken" and without.verdict.source_type is None
