"""The client of a service, which may be hostile."""

import contextlib
import http.server
import io
import json
import socket
import threading
import time

import numpy as np
import pytest
from PIL import Image

from tfwm.cli.inspect import page_of
from tfwm.fingerprints import ALGORITHM as FINGERPRINT
from tfwm.fingerprints import to_value
from tfwm.provenance import fetch, fingerprint, inspect, inspect_folder, open_store, recover
from tfwm.provenance.fetch import Fetcher, NotFollowed
from tfwm.provenance.service import make_app


@pytest.fixture
def address(kept, watermarker, serving):
    """Of a real service."""
    return serving(make_app(kept[0], watermarker, key="secret"))


@pytest.fixture
def hostile():
    """Address, answers and requests of a service that does what `answers` says for a path."""
    answers, asked = {}, []

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append((self.command, self.path, dict(self.headers), body))
            first = next((name for name in answers if self.path.startswith(name)), None)
            answer = answers.get(first, 404)
            if callable(answer):
                return answer(self)
            if isinstance(answer, int):
                return self.send_error(answer)
            self.send_response(302 if isinstance(answer, str) else 200)
            data = b"" if isinstance(answer, str) else answer
            if isinstance(answer, str):
                self.send_header("Location", answer)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", answers, asked
    server.shutdown()
    server.server_close()


def matches(*found):
    return json.dumps({"matches": found}).encode()


def one_line_of(call, kind=OSError):
    with pytest.raises(kind) as error:
        call()
    text = str(error.value)
    assert "\n" not in text and 10 < len(text) < 300
    return text


def test_the_client_asks_a_real_server(address, kept, copy_of):
    _, signed, report = kept
    for place in (address, f"{address}/v1", f"{address}/v1/"):
        store = open_store(place)
        assert store.find(report.algorithm, report.value)[0].id == report.manifest.label
        assert store.manifest(report.manifest.label) == report.store
    value = to_value(fingerprint(copy_of(signed)))
    assert store.find(FINGERPRINT, value)[0].id == report.manifest.label
    with pytest.raises(KeyError):
        store.manifest("urn:c2pa:none")


def test_the_client_says_in_one_line_what_is_wrong(address):
    assert "cannot be reached" in one_line_of(
        lambda: open_store("http://127.0.0.1:9").find("a", "b")
    )
    refused = one_line_of(lambda: open_store(f"{address}/none").find("a", "b"))
    assert "refused: HTTP 404" in refused
    for place in ("http://", "http://[oops", "http://a@b/", "http://a b/"):
        told = one_line_of(lambda place=place: open_store(place), ValueError)
        assert "Expected an address" in told


@pytest.mark.parametrize(
    "content",
    [
        *(b"[]", b"<html>", b"\xff" * 100, b'{"matches":' + b"[" * 200000 + b"}", b"", b"null"),
        b'{"matches": ' + b"1" * 6000 + b"}",
    ],
    ids=range(7),
)
def test_answers_that_are_no_json_are_refused(hostile, content):
    address, answers, _ = hostile
    answers["/"] = content
    told = one_line_of(lambda: open_store(f"{address}/v1").find("a", "b"))
    assert "did not answer with JSON" in told


def test_what_is_no_match_is_left_out(hostile):
    address, answers, _ = hostile
    store = open_store(f"{address}/v1")
    answers["/v1/matches"] = matches(
        *(3, None, {"manifestId": 4}, {"manifestId": ""}, {"manifestId": "\ud800"}),
        *({"manifestId": "a\nb"}, {"manifestId": "x" * 5000}),
        {"manifestId": "a", "similarityScore": "b", "endpoint": 3},
        {"manifestId": "b", "similarityScore": -(10**30)},
    )
    assert [(m.id, m.score, m.endpoint) for m in store.find("a", "b")] == [
        ("a", 100, None),
        ("b", 0, None),
    ]


def test_a_manifest_that_is_promised_only_is_passed_over(hostile, kept, copy_of):
    address, answers, asked = hostile
    _, signed, report = kept
    answers["/v1/matches"] = matches({"manifestId": "urn:x"}, {"manifestId": report.manifest.label})
    answers[f"/v1/manifests/{report.manifest.label}"] = report.store
    back = recover(copy_of(signed), open_store(f"{address}/v1"))
    assert back.id == report.manifest.label
    assert any(path.endswith("/manifests/urn:x") for _, path, _, _ in asked)


def test_answers_are_bounded_in_size(hostile):
    address, answers, _ = hostile
    answers["/"] = b" " * ((1 << 20) + 1)
    assert "more than 1 MiB" in one_line_of(lambda: open_store(f"{address}/v1").find("a", "b"))


def test_a_busy_service_is_told(hostile):
    address, answers, _ = hostile
    for answers["/"] in (429, 503):
        assert "is busy" in one_line_of(lambda: open_store(f"{address}/v1").find("a", "b"))


def test_answers_that_break_off_are_refused(hostile):
    address, answers, _ = hostile

    def cut(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"matches": []}')

    answers["/"] = cut
    assert "broke its answer off" in one_line_of(lambda: open_store(f"{address}/v1").find("a", "b"))


@pytest.mark.parametrize("part", ["head", "body"])
def test_answers_have_to_come_in_time_however_they_drip(hostile, monkeypatch, part):
    monkeypatch.setattr(fetch, "SECONDS", 0.5)
    address, answers, _ = hostile

    def drip(handler):
        if part == "body":
            handler.send_response(200)
            handler.send_header("Content-Length", "1000000")
            handler.end_headers()
        else:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-A: ")
        for _ in range(100):
            try:
                handler.wfile.write(b" ")
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.1)

    answers["/"] = drip
    start = time.monotonic()
    told = one_line_of(lambda: open_store(f"{address}/v1").find("a", "b"))
    assert "did not answer within" in told
    assert time.monotonic() - start < 4


def test_a_handshake_has_to_come_in_time(monkeypatch):
    monkeypatch.setattr(fetch, "SECONDS", 0.5)

    def drip():
        with server.accept()[0] as connection, contextlib.suppress(OSError):
            connection.sendall(b"\x16\x03\x03\x40\x00")
            for _ in range(100):
                connection.sendall(b"\x02")
                time.sleep(0.1)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        place = f"https://127.0.0.1:{server.getsockname()[1]}/v1"
        start = time.monotonic()
        assert "did not answer within" in one_line_of(lambda: open_store(place).find("a", "b"))
        assert time.monotonic() - start < 4
        thread.join(10)


def test_redirects_stay_on_the_host(hostile):
    address, answers, asked = hostile
    store = open_store(f"{address}/v1")
    answers["/v1/matches"] = "/v2/matches"
    answers["/v2/matches"] = matches({"manifestId": "a"})
    assert store.find("a", "b")[0].id == "a"
    for place in ("http://127.0.0.1:1/x", "https://example.org/", "//example.org/"):
        answers["/v1/matches"] = place
        with pytest.raises(NotFollowed, match="--follow"):
            store.find("a", "b")
    for place in ("file:///etc/passwd", "ftp://127.0.0.1/", "http://[oops", "data:,a"):
        answers["/v1/matches"] = place
        for follow in (False, True):
            store = open_store(f"{address}/v1", follow=follow)
            assert "names an address that is none" in one_line_of(lambda s=store: s.find("a", "b"))
    answers["/v1/matches"] = "/v1/matches"
    assert "on and on" in one_line_of(lambda: store.find("a", "b"))
    assert len(asked) < 30


@pytest.mark.parametrize(
    "place", ["127.0.0.1", "localhost", "[::1]", "[::ffff:10.0.0.1]", "169.254.169.254", "10.0.0.1"]
)
def test_nobody_leads_us_to_private_addresses(hostile, place):
    address, answers, asked = hostile
    answers["/v1/matches"] = matches({"manifestId": "a", "endpoint": f"http://{place}:1/internal"})
    store = open_store(f"{address}/v1", follow=True)
    match = store.find("a", "b")[0]
    told = one_line_of(lambda: store.manifest(match.id, match.endpoint))
    assert "not a public address" in told
    answers["/v1/manifests"] = f"http://{place}:1/internal"
    assert "not a public address" in one_line_of(lambda: store.manifest("a"))
    with pytest.raises(NotFollowed):
        open_store(f"{address}/v1").manifest("a", match.endpoint)


def test_with_tls_is_never_left_for_without():
    assert Fetcher("http://example.org/v1").check("https://example.org/a")
    assert Fetcher("https://example.org", True).check("https://example.com/a")
    with pytest.raises(OSError, match="without TLS"):
        Fetcher("https://example.org", True).check("http://example.com/a")
    for home in ("https://example.org", "http://example.org:8080"):
        with pytest.raises(NotFollowed):
            Fetcher(home).check("http://example.org/a")


def test_the_local_answer_does_not_wait_for_a_service(hostile, kept, copy_of, watermarker):
    address, answers, _ = hostile
    for place, answer, told in (
        ("http://127.0.0.1:9", 404, "cannot be reached"),
        (address, 503, "is busy"),
        (f"{address}/v1", b"<html>", "did not answer with JSON"),
    ):
        answers["/"] = answer
        for send in (False, True):
            store = open_store(place, send_picture=send)
            for key, conclusion in (("secret", "marked"), (None, "nothing")):
                copy = copy_of(kept[1])
                found = inspect(copy, key=key, watermarker=watermarker, store=store)
                assert found.verdict.conclusion == conclusion and found.recovery is None
                assert told in found.service_error and found.service is None
                assert any(told in line for line in found.unchecked)
                assert found.to_dict()["service_error"] == found.service_error


def test_a_service_that_fails_after_its_first_answer(hostile, kept, copy_of, watermarker):
    address, answers, _ = hostile
    _, signed, report = kept
    answers["/v1/matches"] = matches({"manifestId": report.manifest.label})
    answers[f"/v1/manifests/{report.manifest.label}"] = report.store
    answers["/v1/verdict"] = 500
    store = open_store(f"{address}/v1", send_picture=True)
    found = inspect(copy_of(signed), watermarker=watermarker, store=store)
    assert found.recovery.id == report.manifest.label and "HTTP 500" in found.service_error


def test_a_manifest_elsewhere_is_told_as_not_checked(hostile, kept, copy_of, watermarker):
    address, answers, _ = hostile
    answers["/v1/matches"] = matches({"manifestId": "a", "endpoint": "https://example.org/v1"})
    store = open_store(f"{address}/v1")
    found = inspect(copy_of(kept[1]), key="secret", watermarker=watermarker, store=store)
    assert found.recovery is None and any("--follow" in line for line in found.unchecked)


def test_a_picture_is_sent_only_where_it_is_asked_for(
    address, kept, copy_of, watermarker, tmp_path
):
    copy = copy_of(kept[1])
    quiet = inspect(copy, watermarker=watermarker, store=open_store(address))
    assert quiet.service is None and any("--send-picture" in line for line in quiet.unchecked)
    assert quiet.recovery.by == "fingerprint"
    assert sum("revoked" in line for line in quiet.unchecked) == 1  # of the manifest found again
    open_to_it = open_store(address, send_picture=True)
    told = inspect(copy, watermarker=watermarker, store=open_to_it)
    assert told.service["conclusion"] == "recovered" and told.service["generated"] is None
    assert "watermark" in told.service["technique"] and told.recovery.id == kept[2].manifest.label
    assert not any("--send-picture" in line for line in told.unchecked)
    assert told.to_dict()["service"] == told.service
    (tmp_path / "copy.jpg").write_bytes(copy)
    row = inspect_folder([tmp_path / "copy.jpg"], watermarker=watermarker, store=open_to_it)[0]
    assert row["service"] == "recovered" and row["message"] is None
    assert (
        "service",
        "recovered: rests on watermark, and the signed metadata that it leads to",
    ) in [*page_of(told)]
    read_here = inspect(copy, key="secret", watermarker=watermarker, store=open_to_it)
    assert read_here.service is None and read_here.recovery.by == "watermark"


def test_what_is_sent_are_pixels_only(hostile, watermarker):
    address, answers, asked = hostile
    answers["/v1/matches"] = matches()
    answers["/v1/verdict"] = b'{"conclusion": 3, "generated": "yes", "ask": "%s"}' % (b"x" * 5000)
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[270], exif[315] = "where I live", "Ada"
    noise = np.random.default_rng(0).integers(0, 255, (64, 96, 4), np.uint8)
    Image.fromarray(noise).save(buffer, "PNG", exif=exif)
    store = open_store(f"{address}/v1", send_picture=True)
    found = inspect(buffer.getvalue(), watermarker=watermarker, store=store)
    bodies = [body for method, _, _, body in asked if method == "POST"]
    assert len(bodies) == 2 and b"Ada" in buffer.getvalue()
    for body in bodies:
        sent = Image.open(io.BytesIO(body))
        assert sent.size == (96, 64) and sent.format == "JPEG" and not sent.getexif()
        assert b"Ada" not in body and b"live" not in body
    assert found.service["conclusion"] is None and found.service["generated"] is None
    assert len(found.service["ask"]) == 100
    answers["/v1/verdict"] = 404
    assert inspect(buffer.getvalue(), watermarker=watermarker, store=store).service is None


def test_a_picture_is_sent_nowhere_else(hostile):
    address, answers, asked = hostile
    answers["/v1/matches"] = "/v2/matches"
    store = open_store(f"{address}/v1", follow=True, send_picture=True)
    picture = np.zeros((32, 32, 3), np.uint8)
    assert "wants the picture sent elsewhere" in one_line_of(lambda: store.by_content(picture))
    assert len(asked) == 1
    for option in ("follow", "send_picture"):
        with pytest.raises(ValueError, match="address of a service"):
            open_store("manifests.db", **{option: True})
