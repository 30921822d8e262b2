import io
import json
import threading

import pytest
from PIL import Image

from tfwm.provenance import ManifestStore, fingerprint, open_store, read_manifest
from tfwm.provenance import service as services
from tfwm.provenance.fingerprints import ALGORITHM as FINGERPRINT
from tfwm.provenance.fingerprints import to_value as fingerprint_value
from tfwm.provenance.service import make_app

BINDING = "/v1/matches/byBinding"


@pytest.fixture(scope="module")
def kept(tmp_path_factory, picture, sign_bytes):
    """`(store, bytes, SignReport)` of one signed picture."""
    store = ManifestStore(tmp_path_factory.mktemp("store") / "manifests.db", create=True)
    return store, *sign_bytes(picture, key="secret", store=store)


@pytest.fixture
def client(kept, watermarker):
    return make_app(kept[0], watermarker, key="secret").test_client()


@pytest.fixture
def address(kept, watermarker):
    """Of a real server, in a thread."""
    import waitress

    app = make_app(kept[0], watermarker, key="secret")
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=2)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join(timeout=5)


def copy_of(encoded, **options):
    """A copy without metadata, saved again as JPEG."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(encoded)).save(buffer, "JPEG", **{"quality": 75} | options)
    return buffer.getvalue()


def test_a_binding_leads_to_the_manifest(client, kept):
    _, _, report = kept
    asked = {"alg": report.algorithm, "value": report.value}
    for answer in (client.get(BINDING, query_string=asked), client.post(BINDING, json=asked)):
        assert answer.status_code == 200
        expected = [{"manifestId": report.manifest.label, "similarityScore": 100}]
        assert answer.json == {"matches": expected}
    found = client.get(f"/v1/manifests/{report.manifest.label}")
    assert found.data == report.store and found.mimetype == "application/c2pa"
    assert read_manifest(None, manifest=found.data).label == report.manifest.label
    other = {**asked, "value": "AWFkYQ=="}
    assert client.get(BINDING, query_string=other).json == {"matches": []}


def test_a_stripped_copy_leads_to_the_manifest(client, kept):
    _, signed, report = kept
    copy = copy_of(signed)
    assert read_manifest(copy) is None
    for options in ({}, {"alg": report.algorithm}, {"alg": FINGERPRINT}):
        answer = client.post(
            "/v1/matches/byContent", data=copy, content_type="image/jpeg", query_string=options
        )
        assert answer.status_code == 200, answer.data
        assert answer.json["matches"][0]["manifestId"] == report.manifest.label
        assert answer.json["matches"][0]["similarityScore"] % 10 == 0


def test_what_was_never_signed_leads_nowhere(client):
    buffer = io.BytesIO()
    Image.effect_noise((128, 128), 60).save(buffer, "PNG")
    answer = client.post("/v1/matches/byContent", data=buffer.getvalue(), content_type="image/png")
    assert answer.json == {"matches": []}


def test_strangers_get_a_coarse_verdict(client, kept):
    buffer = io.BytesIO()
    Image.effect_noise((128, 128), 60).save(buffer, "PNG")
    for data, conclusion, technique in (
        (kept[1], "signed", "signed metadata and watermark"),
        (copy_of(kept[1]), "recovered", "watermark, and the signed metadata that it leads to"),
        (buffer.getvalue(), "nothing", "none"),
    ):
        answer = client.post("/v1/verdict", data=data, content_type="image/jpeg")
        assert answer.status_code == 200, answer.data
        assert answer.json["conclusion"] == conclusion and answer.json["technique"] == technique
        known = {"conclusion", "technique", "confidence", "generated", "ask"}
        assert set(answer.json) == known
    assert client.post("/v1/verdict", data=b"a", content_type="text/plain").status_code == 415
    assert client.post("/v1/verdict", data=b"a", content_type="image/png").status_code == 400


def test_what_the_service_says_of_itself(client, kept):
    algorithms = client.get("/v1/services/supportedAlgorithms").json
    assert {"alg": kept[2].algorithm} in algorithms["watermarks"]
    assert algorithms["fingerprints"] == [{"alg": FINGERPRINT}]
    assert client.get("/v1/services/capabilities").json == {
        "c2paSpecificationVersion": "2.4.0",
        "supportedCapabilities": ["queryByContent"],
    }
    assert client.get("/v1/services/status").json["timestamp"].endswith("Z")
    told = client.get("/.well-known/c2pa-soft-binding-resolution").json
    assert told["apiEndpoint"] == "http://localhost/v1"
    outside = make_app(kept[0], address="https://c2pa.example.org/").test_client()
    told = outside.get("/.well-known/c2pa-soft-binding-resolution").json
    assert told["apiEndpoint"] == "https://c2pa.example.org/v1"


@pytest.mark.parametrize(
    "path, options, status",
    [
        (BINDING, {}, 400),
        (BINDING, {"alg": "a"}, 400),
        (BINDING, {"alg": "a", "value": " "}, 400),
        (BINDING, {"alg": "a", "value": "b", "maxResults": "0"}, 400),
        (BINDING, {"alg": "a", "value": "b", "maxResults": "ten"}, 400),
        (BINDING, {"alg": FINGERPRINT, "value": "AWFkYQ=="}, 400),
        (BINDING, {"alg": "a", "value": "b" * 2049}, 414),
        ("/v1/manifests/urn:c2pa:none", {}, 404),
        ("/v1/none", {}, 404),
        ("/v1/matches/byContent", {}, 405),
    ],
)
def test_wrong_questions_get_one_line(client, path, options, status):
    answer = client.get(path, query_string=options)
    assert answer.status_code == status and list(answer.json) == ["detail"]
    assert "\n" not in answer.json["detail"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "data, kind, status",
    [
        (b"no picture", "image/jpeg", 400),
        (b"", "image/jpeg", 400),
        (b"text", "text/plain", 415),
        (b"x" * (services.MAX_BODY + 1), "image/jpeg", 413),
    ],
    ids=["no picture", "empty", "text", "large"],
)
def test_what_is_no_picture_is_refused(client, data, kind, status):
    answer = client.post("/v1/matches/byContent", data=data, content_type=kind)
    assert answer.status_code == status and "\n" not in answer.json["detail"]


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"alg": 3, "value": "b"}', b'"a"'])
def test_wrong_json_is_refused(client, body):
    answer = client.post(BINDING, data=body, content_type="application/json")
    assert answer.status_code == 400 and "\n" not in answer.json["detail"]
    assert client.post(BINDING, data=body, content_type="text/plain").status_code == 415


def test_too_many_pixels_and_too_much_work_are_refused(client, monkeypatch, kept):
    how = {"data": copy_of(kept[1]), "content_type": "image/jpeg"}
    monkeypatch.setattr(services, "MAX_PIXELS", 1000)
    answer = client.post("/v1/matches/byContent", **how)
    assert answer.status_code == 400 and "megapixels" in answer.json["detail"]
    monkeypatch.undo()
    monkeypatch.setattr(services, "PATIENCE", 0.01)
    monkeypatch.setattr(services, "READERS", 0)
    busy = make_app(kept[0]).test_client().post("/v1/matches/byContent", **how)
    assert busy.status_code == 503 and busy.headers["Retry-After"] == "60"


def test_the_client_asks_a_real_server(address, kept):
    _, signed, report = kept
    for place in (address, f"{address}/v1", f"{address}/v1/"):
        store = open_store(place)
        assert store.find(report.algorithm, report.value)[0].id == report.manifest.label
        assert store.manifest(report.manifest.label) == report.store
    value = fingerprint_value(fingerprint(copy_of(signed)))
    assert store.find(FINGERPRINT, value)[0].id == report.manifest.label
    with pytest.raises(KeyError):
        store.manifest("urn:c2pa:none")


def test_the_client_says_in_one_line_what_is_wrong(address):
    for place, told in (
        ("http://127.0.0.1:9", "cannot be reached"),
        (f"{address}/none", "refused: HTTP 404"),
        ("http://", "Expected an address"),
    ):
        with pytest.raises((OSError, ValueError), match=told) as error:
            open_store(place).find("a", "b")
        assert "\n" not in str(error.value)


def test_answers_that_are_none_are_refused(address, monkeypatch):
    store = open_store(f"{address}/v1")
    for content in (b"[]", b"<html>", json.dumps({"apiEndpoint": 3}).encode()):
        monkeypatch.setattr(type(store), "_get", lambda *_, content=content: content)
        with pytest.raises(OSError):
            open_store("http://127.0.0.1/")
    matches = b'{"matches": [3, {"manifestId": 4}, {"manifestId": "a", "similarityScore": "b"}]}'
    monkeypatch.setattr(type(store), "_get", lambda *_: matches)
    assert [(m.id, m.score) for m in store.find("a", "b")] == [("a", 100)]
