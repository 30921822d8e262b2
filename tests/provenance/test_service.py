import collections
import io
import itertools
import random
import runpy
import struct
import threading
import urllib.error
import urllib.request
import zlib
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import pytest
from PIL import Image

from tfwm.fingerprints import ALGORITHM as FINGERPRINT
from tfwm.images.containers import PNG_START, png_chunk
from tfwm.provenance import StoreClient, read_manifest
from tfwm.provenance import service as services
from tfwm.provenance.recovery import look_up
from tfwm.provenance.service import make_app
from tfwm.web.limits import MAX_SCANS

BINDING = "/v1/matches/byBinding"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def client(kept, watermarker):
    return make_app(kept[0], watermarker, key="secret").test_client()


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


def test_a_stripped_copy_leads_to_the_manifest(client, kept, copy_of):
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


def test_strangers_get_a_coarse_verdict(client, kept, copy_of):
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
    assert told["apiEndpoint"] == "/v1"
    forged = client.get("/.well-known/c2pa-soft-binding-resolution", headers={"Host": "evil.org"})
    assert b"evil" not in forged.data
    with pytest.raises(ValueError, match="public_url"):
        make_app(kept[0], public_url="c2pa.example.org")
    outside = make_app(kept[0], public_url="https://c2pa.example.org/").test_client()
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


@pytest.mark.parametrize(
    "body",
    [
        *(b"[]", b"{", b'{"alg": 3, "value": "b"}', b'"a"', b"[" * 60000, b'{"a":' * 10000),
        *(b'{"alg": "\\ud800", "value": "x"}', b'{"alg": "a", "value": "\\ud800"}', b"\xff"),
        *(b'{"alg": "a\\u0000", "value": "b"}', b'{"alg": ' + b"1" * 6000 + b"}"),
    ],
    ids=range(11),
)
def test_wrong_json_is_refused(client, body):
    answer = client.post(BINDING, data=body, content_type="application/json")
    assert answer.status_code == 400 and "\n" not in answer.json["detail"]
    assert client.post(BINDING, data=body, content_type="text/plain").status_code == 415


def test_large_pictures_are_refused_before_they_are_decoded(client, monkeypatch, kept):
    monkeypatch.setattr(services, "read_any", None)
    for path in ("/v1/matches/byContent", "/v1/verdict"):
        for data, told in (
            # 7000 x 7000, 16-bit RGBA: 392 MB, and many times that at work.
            (flat_png(7000, 7000, 16, 6), "392 MB"),
            (flat_png(8000, 8000, 1, 0), "megapixels"),
            (many_scans(), "scans"),
        ):
            answer = client.post(path, data=data, content_type="image/png")
            assert answer.status_code == 400 and told in answer.json["detail"]


def test_a_tiff_of_many_jpeg_strips_is_read(kept):
    buffer = io.BytesIO()
    Image.new("L", (64, 3000)).save(buffer, "TIFF", compression="jpeg", tiffinfo={278: 8})
    assert buffer.getvalue().count(b"\xff\xda") > MAX_SCANS
    how = {"data": buffer.getvalue(), "content_type": "image/tiff"}
    answer = make_app(kept[0]).test_client().post("/v1/matches/byContent", **how)
    assert answer.json == {"matches": []}


def flat_png(width, height, depth, kind):
    """The start of a PNG; its pixels are never read."""
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    chunks = (b"IHDR", head), (b"IDAT", zlib.compress(bytes(1000)))
    return PNG_START + b"".join(png_chunk(*chunk) for chunk in chunks)


def many_scans():
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "JPEG", progressive=True)
    encoded = buffer.getvalue()
    return encoded[:-2] + encoded[encoded.rindex(b"\xff\xda") : -2] * 100 + b"\xff\xd9"


def test_pictures_beyond_the_cap_are_told_to_come_back_and_the_rest_is_answered(
    monkeypatch, kept, copy_of, serving
):
    started, go_on = threading.Event(), threading.Event()

    def slow(*_, **__):
        started.set()
        assert go_on.wait(20)
        return look_up(*_, **__)

    monkeypatch.setattr(services, "look_up", slow)
    monkeypatch.setattr(services, "WAITING", 2)
    how = {"data": copy_of(kept[1]), "content_type": "image/jpeg"}
    address = serving(make_app(kept[0]), services.READERS + services.WAITING + services.CHEAP)
    with ThreadPoolExecutor(6) as pool:
        posts = [pool.submit(post, address, how["data"]) for _ in range(6)]
        assert started.wait(20)
        refused = [done.result() for done in itertools.islice(as_completed(posts), 3)]
        assert {status for status, _ in refused} == {503}
        assert {headers["Retry-After"] for _, headers in refused} == {"60"}
        status = urllib.request.urlopen(f"{address}/v1/services/status", timeout=5)
        assert status.status == 200 and not all(posting.done() for posting in posts)
        go_on.set()
        assert sorted(posting.result()[0] for posting in posts) == [200] * 3 + [503] * 3


def test_there_are_threads_for_all_pictures_that_may_wait(monkeypatch, kept):
    made = []
    monkeypatch.setattr("tfwm.web.server.make_server", lambda *a: made.append(a) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        services.serve(kept[0])
    assert made[0][3] > services.READERS + services.WAITING


def test_pages_of_all_sites_may_ask(client):
    """A browser asks first whether it may send a type that forms do not send."""
    asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "content-type"
    for path in (BINDING, "/v1/matches/byContent", "/v1/verdict"):
        answer = client.options(path, headers=asked)
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Access-Control-Allow-Headers"] == "Content-Type"


def test_an_address_of_ipv6_is_told_as_clients_take_it(kept):
    class Told(Exception):
        pass

    def ready(address):
        assert StoreClient(address)._fetcher._home[1] == "::1"
        raise Told(address)

    with pytest.raises(Told, match=r"http://\[::1\]:[0-9]+$"):
        services.serve(kept[0], host="::1", port=0, ready=ready)


def test_who_waits_too_long_is_told_to_come_back(monkeypatch, kept, copy_of):
    go_on = threading.Event()
    monkeypatch.setattr(services, "look_up", lambda *_, **__: (go_on.wait(20), ([], 0))[1])
    monkeypatch.setattr(services, "PATIENCE", 0.05)
    app, how = make_app(kept[0]), {"data": copy_of(kept[1]), "content_type": "image/jpeg"}
    with ThreadPoolExecutor(2) as pool:
        posts = [
            pool.submit(app.test_client().post, "/v1/matches/byContent", **how) for _ in range(2)
        ]
        assert next(as_completed(posts)).result().status_code == 503
        go_on.set()
        assert sorted(posting.result().status_code for posting in posts) == [200, 503]


def post(address, body):
    request = urllib.request.Request(f"{address}/v1/matches/byContent", body)
    request.add_header("Content-Type", "image/jpeg")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.headers


@pytest.mark.slow
def test_random_requests_never_fail(client, kept):
    hostile = runpy.run_path(str(ROOT / "benchmarks/service.py"))["hostile"]
    dice, found = random.Random(1), collections.Counter()
    for _ in range(1500):
        method, path, body, headers = hostile(dice, kept[1])
        answer = client.open(path, method=method, data=body, headers=headers)
        found[answer.status_code] += 1
        assert answer.status_code < 500, (method, path, body, headers)
        assert b"evil" not in answer.data
    assert found[200] > 50 and found[400] > 200


def test_what_is_no_picture_is_refused_and_not_called_broken(client):
    answer = client.post("/v1/verdict", data=b"%PDF-1.4", content_type="image/jpeg")
    assert answer.status_code == 400 and "conclusion" not in answer.json
