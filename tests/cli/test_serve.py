"""`tfwm serve` as a process: its start, its end, and what it says."""

import contextlib
import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

from tfwm.serving.serve import serve
from tfwm.serving.token import read_token

PROGRAM = Path(__file__).with_name("run_checker.py")
TOKEN = "0123456789abcdef"


@contextlib.contextmanager
def started(*words, seconds=0.0, port=0, **variables):
    """A server in a process of its own: yields it and its address."""
    command = [sys.executable, str(PROGRAM), "serve", "--port", str(port), *words]
    env = {**os.environ, "CHECKER_SECONDS": str(seconds), **variables}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=env, **pipes) as process:
        try:
            line = process.stdout.readline()
            yield process, line.split(",")[0].split()[0]
        finally:
            process.kill()


def ask(address, path="/v1/models/photo", body=None, **headers):
    request = urllib.request.Request(address + path, body, headers)
    return urllib.request.urlopen(request, timeout=60)


def picture():
    buffer = io.BytesIO()
    Image.fromarray(data.coffee()[:320, :320]).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.slow
def test_requests_in_work_are_answered_before_it_ends(tmp_path):
    (tmp_path / "token").write_text(TOKEN + "\n")
    words = ("--grpc-port", "0", "--token-file", str(tmp_path / "token"))
    sent = {"Authorization": f"Bearer {TOKEN}"}
    with started(*words, seconds=1) as (process, address):
        with pytest.raises(urllib.error.HTTPError, match="401"):
            ask(address)
        answers = []
        path = "/v1/models/checker:embed?message=a&format=png"
        work = threading.Thread(
            target=lambda: answers.append(ask(address, path, picture(), **sent).status)
        )
        work.start()
        until = time.monotonic() + 60
        while "tfwm_in_work 1.0" not in ask(address, "/metrics", **sent).read().decode():
            assert time.monotonic() < until
        process.send_signal(signal.SIGTERM)
        work.join(60)
        out, log = process.communicate(timeout=60)
        assert answers == [200] and process.returncode == 0 and out == ""
    records = [json.loads(line) for line in log.splitlines()]
    (marked,) = [record for record in records if record["method"] == "POST"]
    assert marked["status"] == 200 and marked["path"] == "/v1/models/checker:embed"
    assert marked["seconds"] >= 1 and marked["signature"] == "embed" and marked["sent"] > 1000
    assert TOKEN not in log


@pytest.mark.slow
def test_it_is_as_quiet_as_asked_and_ends_at_ctrl_c():
    with started("--no-grpc", "--no-access-log") as (process, address):
        assert ask(address, "/v1/models/checker").status == 200
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == ("", "") and process.returncode == 0


def test_a_token_from_the_environment(monkeypatch):
    monkeypatch.setenv("TFWM_TOKEN", TOKEN)
    assert read_token() == TOKEN
    for wrong in ("short", "é" * 20, "with blanks in between"):
        monkeypatch.setenv("TFWM_TOKEN", wrong)
        with pytest.raises(ValueError, match="at least 16 printable"):
            read_token()
    monkeypatch.delenv("TFWM_TOKEN")
    assert read_token() is None


def test_a_port_in_use_is_one_line(quadrant_network):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for ports in ({"port": port}, {"port": 0, "grpc_port": port}):
            with pytest.raises(OSError, match="choose another port"):
                serve({"photo": quadrant_network}, **ports)


@pytest.mark.slow
def test_clients_that_try_again_finish_though_the_server_is_killed():
    photo, answers, path = picture(), [], "/v1/models/checker:embed?message=a&format=png"

    def client():
        for _ in range(3):
            until = time.monotonic() + 120
            while time.monotonic() < until:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    answers.append(ask(address, path, photo).read())
                    break
                time.sleep(0.2)

    with started("--no-grpc", "--no-access-log", seconds=0.3) as (process, address):
        work = [threading.Thread(target=client) for _ in range(4)]
        for thread in work:
            thread.start()
        while len(answers) < 2:
            time.sleep(0.05)
        process.kill()
        process.wait()
        port = address.rsplit(":", 1)[1]
        with started("--no-grpc", "--no-access-log", port=port) as (_, again):
            assert again == address
            for thread in work:
                thread.join(150)
    assert len(answers) == 12 and len(set(answers)) == 1
