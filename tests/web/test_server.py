"""The limits of time and room of the HTTP server of all services."""

import contextlib
import http.client
import socket
import threading
import time
import urllib.request

import flask
import pytest

from tfwm.web import Busy, NotFound, make_app
from tfwm.web import server as servers

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"


def app(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % len(body) if environ["PATH_INFO"] != "/large" else bytes(1 << 25)]


@pytest.fixture
def connect(serving, monkeypatch):
    """A function that opens a connection to a server with small limits."""
    monkeypatch.setattr(servers, "LOOK", 0.05)
    monkeypatch.setattr(servers, "GRACE", 0.2)
    monkeypatch.setattr(servers, "CONNECTIONS", 12)
    monkeypatch.setattr(servers, "FAIR", 50)
    opened = []

    def run(sent=b""):
        if not opened:
            opened.append(serving(app))
        opened.append(socket.create_connection(opened[0][7:].split(":"), timeout=5))
        opened[-1].sendall(sent)
        return opened[-1]

    yield run
    for connection in opened[1:]:
        connection.close()


def drip(connection, seconds):
    """Sends a byte now and then; returns what came back, and after how long."""
    start = time.monotonic()
    connection.settimeout(0.05)
    while time.monotonic() - start < seconds:
        try:
            connection.sendall(b".")
            return connection.recv(1000), time.monotonic() - start
        except TimeoutError:
            continue
        except OSError:
            break
    return b"", time.monotonic() - start


@pytest.mark.parametrize("sent", [HEAD, b"GET /"], ids=["body", "head"])
def test_a_request_has_to_arrive_in_time_however_it_drips(connect, monkeypatch, sent):
    monkeypatch.setattr(servers, "RECEIVE", 0.5)
    answer, seconds = drip(connect(sent), 10)
    assert answer.startswith(b"HTTP/1.1 408 ") or answer.startswith(b"HTTP/1.0 408 ")
    assert 0.4 < seconds < 5


def test_many_slow_senders_leave_room_for_others(connect):
    port = connect(HEAD + b".").getpeername()[1]
    slow = [connect(HEAD + b"." * (number % 2)) for number in range(30)]
    start = time.monotonic()
    for _ in range(3):
        status = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10)
        assert status.read() == b"0" and slow
    assert time.monotonic() - start < 8


def test_a_sender_that_is_fast_stays_where_slow_ones_have_to_go(connect):
    fast = connect(HEAD + b"." * 900)
    slow = [connect(HEAD + b".") for _ in range(20)]
    time.sleep(1.5)
    fast.sendall(b"." * 100)
    assert fast.recv(1000).startswith(b"HTTP/1.1 200 ") and slow


def test_who_does_not_take_the_answer_is_sent_away(connect, monkeypatch):
    monkeypatch.setattr(servers, "SEND", 0.5)
    reader = connect(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    received, end = 0, time.monotonic() + 10
    with contextlib.suppress(ConnectionError):
        while part := reader.recv(1 << 18 if time.monotonic() < end else 1 << 25):
            received += len(part)
            time.sleep(0.05)
    assert received < 1 << 25 and time.monotonic() < end


def test_bodies_that_are_received_at_once_are_bounded(connect, monkeypatch):
    monkeypatch.setattr(servers, "HELD", 3000)
    for _ in range(8):
        connect(HEAD + b"." * 900)
    time.sleep(0.5)
    last = connect(HEAD + b"." * 1000)
    assert last.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_a_connection_serves_several_requests(connect):
    connection = http.client.HTTPConnection(*connect().getpeername())
    for size in (0, 10, 100):
        connection.request("POST", "/", bytes(size))
        assert connection.getresponse().read() == b"%d" % size
    connection.close()


def test_what_is_in_work_is_answered_when_it_stops():
    begun, go_on, seen = threading.Event(), threading.Event(), []

    def slow(environ, start_response):
        begun.set()
        go_on.wait(10)
        return app(environ, start_response)

    server = servers.make_server(slow, "127.0.0.1", 0, 2, 1 << 20, seen.append)
    address = "127.0.0.1", server.effective_port
    running = threading.Thread(target=server.run)
    running.start()
    idle = socket.create_connection(address, timeout=5)
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(HEAD + bytes(1000))
        assert begun.wait(5)
        server.stop()
        assert idle.recv(10) == b""
        with pytest.raises(OSError):
            socket.create_connection(address, timeout=1).recv(10)
        go_on.set()
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    running.join(5)
    assert not running.is_alive()
    server.close()
    assert [(one["status"], one["received"], one["sent"]) for one in seen] == [(200, 1000, 4)]


def test_bodies_that_are_too_large_are_read_to_their_end_and_refused(serving):
    plain = make_app(1000)
    plain.post("/")(lambda: flask.request.get_data())
    address = serving(plain, most_bytes=1000)
    for size, status in ((1000, 200), (4000, 413), (5000, 413)):
        connection = http.client.HTTPConnection(address[7:])
        connection.request("POST", "/", bytes(size))
        assert connection.getresponse().status == status
        connection.close()


def test_errors_are_one_line(serving):
    plain = make_app(1000)

    def fail(name):
        raise {"busy": Busy("b"), "none": NotFound("n"), "bad": ValueError("v\nw")}.get(
            name, RuntimeError("secret")
        )

    plain.get("/<name>")(fail)
    client = plain.test_client()
    for name, status, text in (
        ("busy", 503, "b"),
        ("none", 404, "n"),
        ("bad", 400, "v w"),
        ("x", 500, "Something went wrong here."),
    ):
        answer = client.get(f"/{name}")
        assert (answer.status_code, answer.json) == (status, {"error": text})
    assert client.get("/busy").headers["Retry-After"] == "1"


@pytest.mark.parametrize("host", ["", "nonsense.invalid", "http://127.0.0.1", "127.0.0.1:80", "é"])
def test_a_host_that_is_none(host):
    with pytest.raises(ValueError, match="Expected a name or an address of this .*0.0.0.0"):
        servers.make_server(app, host, 0, 1, 100)


def test_a_host_of_another_computer():
    with pytest.raises(OSError, match="192.0.2.1:0 .*: choose another host"):
        servers.make_server(app, "192.0.2.1", 0, 1, 100)
