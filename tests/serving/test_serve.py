"""How a server ends."""

import contextlib
import socket
import threading
import time

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tfwm.serving import serve as serving
from tfwm.serving import wire


@pytest.fixture
def stopping(monkeypatch):
    """Takes what signals would call."""
    found = []

    @contextlib.contextmanager
    def keep(stop):
        found.append(stop)
        yield

    monkeypatch.setattr("tfwm.web.server.stopped_by_signals", keep)
    return found


def test_both_protocols_end_in_the_time_of_one(watermarker, stopping, monkeypatch):
    monkeypatch.setattr(serving, "DRAIN", 1.5)
    ready, places, told = threading.Event(), [], []
    how = {"port": 0, "grpc_port": 0, "access_log": False}
    monkeypatch.setattr(serving, "_tell_health", lambda *args: told.append(args[-1]))

    def run():
        networks = {"photo": watermarker.network}
        serving.serve(networks, ready=lambda *a: (places.extend(a), ready.set()), **how)

    server = threading.Thread(target=run)
    server.start()
    assert ready.wait(30)
    host, _, port = places[0].removeprefix("http://").rpartition(":")
    with (
        socket.create_connection((host, int(port))) as slow,
        grpc.insecure_channel(places[1]) as channel,
    ):
        slow.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")
        assert health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        never = threading.Event()
        held = channel.stream_unary(wire.PREDICT).future(iter(never.wait, True))
        time.sleep(0.3)
        start = time.monotonic()
        stopping[0]()
        assert told == [True, False]
        server.join(10)
        assert 1 < time.monotonic() - start < 2.5
        never.set()
        held.cancel()
