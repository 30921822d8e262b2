import json
import socket
import sys
import threading
import time

import numpy as np
import pytest

from tfwm.demo import make_server
from tfwm.demo import server as server_module
from tfwm.demo.envelope import pack
from tfwm.demo.sliders import SLIDERS

MESSAGE = "(c) 2026 Ada Lovelace"
TYPE = "application/octet-stream"


# The page


def test_page_and_its_files(call, server):
    status, headers, body = call("GET", "/")
    text = body.decode()
    assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Network quadrant" in text and "http://" not in text and "https://" not in text
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe-inline" not in headers["Content-Security-Policy"]
    assert "<script>" not in text and "style=" not in text and "onclick" not in text
    for path, kind in [("/page.css", "css"), ("/demo.js", "javascript"), ("/example.png", "png")]:
        status, headers, body = call("GET", path)
        assert status == 200 and kind in headers["Content-Type"] and len(body) > 500
    assert server.server_address[0] == "127.0.0.1"


def test_every_field_has_a_label(call):
    text = call("GET", "/")[2].decode()
    for slider in SLIDERS[1:]:
        assert f'<label for="damage-{slider.name}">' in text
    for name in ("message", "key", "strength", "psnr", "quality", "search", "read-key", "file"):
        assert f'for="{name}"' in text and f'id="{name}"' in text


@pytest.mark.parametrize("path", ["/nothing", "/../setup.cfg", "/demo.py", "/%2e%2e/setup.cfg"])
def test_other_files_are_not_served(call, path):
    status, _, body = call("GET", path)
    assert status == 404 and json.loads(body)["error"] == "There is no such page."


def test_a_closed_page_ends_the_search(server, coffee, watermarker, monkeypatch, png):
    stopped = []

    def extract(photo, *, progress, **options):
        try:
            for _ in range(10_000):
                progress(0.5, "scale")
        except ConnectionError:
            stopped.append(True)
            raise

    monkeypatch.setattr(watermarker, "extract", extract)
    body = pack({"search": "scale"}, {"photo": png(coffee)})
    head = f"POST /api/read HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n"
    head += f"Content-Type: {TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(server.server_address) as connection:
        connection.sendall(head.encode() + body)
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
    for _ in range(200):
        if stopped:
            break
        socket.create_connection(server.server_address).close()
    assert stopped


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-1e999"])
def test_numbers_that_json_has_not(call, coffee, number, png):
    photo = png(coffee)
    for field in (b'"quality": %b', b'"quality": 9, "damages": {"crop": %b}'):
        head = b'{"format": "jpg", %b, "parts": {"photo": %d}}\n' % (field % number, len(photo))
        status, _, answer = call("POST", "/api/damage", head + photo, Content_Type=TYPE)
        assert status == 400 and "Expected" in json.loads(answer)["error"]


@pytest.mark.parametrize(
    "body",
    [b"", b"\n", b"[]\n", b"{}", b'{"parts": {"photo": 9}}\nabc', b"\xff\n", b'{"parts": 3}\n']
    + [b'{"parts": {"photo": -1}}\n', b"[" * 100_000],
)
def test_bad_envelopes(call, body):
    status, _, answer = call("POST", "/api/open", body, Content_Type=TYPE)
    error = json.loads(answer)["error"]
    assert status == 400 and ("reload the page" in error or "empty" in error)


def test_a_fault_of_ours_is_logged_and_not_shown(
    ask, coffee, watermarker, monkeypatch, caplog, png
):
    def broken(*arguments, **options):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(watermarker, "prepare", broken)
    status, text = ask("mark", png(coffee), message="hi", strength=1)
    assert status == 500 and "secret detail" not in text
    assert "secret detail" in caplog.text
    monkeypatch.setattr(watermarker, "extract", broken)
    assert ask("read", png(coffee), search="none")[0] == 500


def test_a_library_that_lacks_is_told_in_a_line(call, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "skimage.data", None)
    status, _, body = call("GET", "/example.png")
    assert status == 501 and "pip install 'tfwm[evaluate]'" in json.loads(body)["error"]
    assert caplog.text == ""


# Other sites


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil:80"])
def test_other_hosts_are_refused(call, host):
    for method, path in (("GET", "/"), ("POST", "/api/open")):
        status, _, body = call(method, path, Host=host)
        assert status == 403 and "only one address" in json.loads(body)["error"]


def test_browsers_leave_out_port_80():
    assert "127.0.0.1" in server_module.hosts_of(80) and "localhost:80" in server_module.hosts_of(
        80
    )
    assert server_module.hosts_of(8765) == {"127.0.0.1:8765", "localhost:8765"}


def test_other_origins_are_refused(call, server, coffee, png):
    body = pack({}, {"photo": png(coffee)})
    own = f"http://127.0.0.1:{server.server_port}"
    for headers, status in [
        ({"Origin": own}, 200),
        ({"Origin": own, "Sec_Fetch_Site": "same-origin"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": f"http://127.0.0.1:{server.server_port + 1}"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
    ]:
        assert call("POST", "/api/open", body, Content_Type=TYPE, **headers)[0] == status, headers
    assert call("POST", "/api/open", body, Content_Type="text/plain")[0] == 415
    assert call("POST", "/api/open", body)[0] == 415
    assert call("GET", "/api/open")[0] == 404
    for path in ("/api/example", "/api/", "/api/__init__", "/open", "/api/settings"):
        assert call("POST", path, body, Content_Type=TYPE)[0] == 404


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "TRACE"])
def test_other_methods_are_refused(call, method):
    status, headers, body = call(method, "/api/open")
    assert status == 501 and "error" in json.loads(body)
    assert "Access-Control-Allow-Origin" not in headers


def raw(server, *lines):
    """Sends the head of a request and returns the status of the answer."""
    head = [f"POST /api/open HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}", *lines, "", ""]
    with socket.create_connection(server.server_address, timeout=60) as connection:
        connection.sendall("\r\n".join(head).encode())
        return int(connection.makefile("rb").readline().split()[1])


def test_size_is_limited(server, ask, monkeypatch):
    monkeypatch.setattr(server_module, "MAX_BODY", 1 << 20)
    assert "at most 1 MB" in ask("open", bytes(3 << 20))[1]
    kind = f"Content-Type: {TYPE}"
    assert raw(server, kind) == 411
    assert raw(server, kind, "Transfer-Encoding: chunked") == 411
    assert raw(server, kind, "Transfer-Encoding: chunked", "Content-Length: 5") == 411
    for length in ("-5", "many", "1_0", "\u0663", "9" * 5000):
        assert raw(server, kind, f"Content-Length: {length}") == 411
    assert raw(server, kind, f"Content-Length: {1 << 40}") == 413


def test_headers_of_every_answer(call):
    for method, path in (("GET", "/"), ("GET", "/nothing"), ("POST", "/api/open")):
        headers = call(method, path)[1]
        for name, value in server_module.HEADERS.items():
            assert headers[name] == value
        assert "Python" not in headers["Server"]


# Starting


def test_a_taken_port_is_named(server, watermarker):
    with pytest.raises(OSError, match=f"Port {server.server_port} is in use: choose another"):
        make_server(watermarker, server.server_port)
    with pytest.raises(ValueError, match="0 to 65535"):
        make_server(watermarker, 70_000)


def test_serve_says_where_and_stops(watermarker, monkeypatch):
    from tfwm.demo import serve as serve_module
    from tfwm.demo.server import DemoServer

    opened, told = [], []

    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(DemoServer, "serve_forever", interrupted)
    monkeypatch.setattr("webbrowser.open", opened.append)
    serve_module(watermarker, port=0, ready=told.append)
    assert opened == told and told[0].startswith("http://127.0.0.1:")
    serve_module(watermarker, port=0, open_browser=False)
    assert len(opened) == 1


def test_what_is_in_work_at_once_is_bounded(server, coffee, png, ask, monkeypatch):
    """Photos wait for one thread, and beyond those that may wait they are told to come back."""
    began, go_on, most = [], threading.Event(), server.turns.most

    def slow(fields, parts):
        began.append(threading.current_thread().name)
        go_on.wait(20)
        return {}, {}

    monkeypatch.setattr(server.actions, "open", slow)
    answers = []
    work = [
        threading.Thread(target=lambda: answers.append(ask("open", b"photo")))
        for _ in range(most + 3)
    ]
    for thread in work:
        thread.start()
    while len(answers) < 3:
        time.sleep(0.01)
    assert len(began) == 1 and {status for status, _ in answers} == {503}
    assert "try again" in answers[0][1]
    go_on.set()
    for thread in work:
        thread.join(20)
    assert len(answers) == most + 3 and len(set(began)) == 1
    deadline = time.monotonic() + 20
    while server.room.used and time.monotonic() < deadline:  # given back after the answer
        time.sleep(0.01)
    assert server.room.used == 0
    monkeypatch.undo()
    assert ask("open", png(coffee))[0]["width"] == 600


def test_bombs_are_not_decoded(ask, png, monkeypatch):
    monkeypatch.setattr("tfwm.demo.actions.decode_photo", None)
    bomb = png(np.zeros((8000, 8000), np.uint8))
    status, text = ask("open", bomb)
    assert status == 400 and "at most 40 megapixels" in text
