"""The client, against the server that tfwm brings: photos there, keys and messages here."""

import contextlib
import io
import json
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest
from PIL import Image

from tfwm.cli import main
from tfwm.images import ImageError, read_photo
from tfwm.serving import Client, RemoteWatermarker, ServerError
from tfwm.serving.rest import make_rest
from tfwm.serving.rpc import make_rpc

KEY, MESSAGE = "a secret that stays here", "Ada Lovelace 1843"
SCHEMES = ("grpc", "http")


class Wire:
    """Passes bytes on to a server, and keeps those that went there."""

    def __init__(self, port):
        self.sent, self._port = bytearray(), port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                there = socket.create_connection(("127.0.0.1", self._port))
                for way in ((here, there, self.sent), (there, here, bytearray())):
                    threading.Thread(target=self._pass, args=way, daemon=True).start()

    def _pass(self, source, target, kept):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                kept += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def close(self):
        self._listener.close()


@pytest.fixture
def wire(served, serving):
    """Function of a scheme that starts a server and returns the `Wire` to it."""
    with contextlib.ExitStack() as stack:

        def start(scheme, **options):
            if scheme == "grpc":
                server, port, _ = make_rpc(served, "127.0.0.1", 0, threads=4, **options)
                stack.callback(server.stop, 0)
            else:
                address = serving(make_rest(served, **options), threads=8, most_bytes=8_000_000)
                port = int(address.rpartition(":")[2])
            found = Wire(port)
            stack.callback(found.close)
            return found

        yield start


@pytest.fixture
def card(watermarker):
    return {"name": "photo", **watermarker.network.card}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_marks_and_reads_and_the_key_stays_here(wire, scheme, photos, card, watermarker):
    line = wire(scheme)
    with Client(f"{scheme}://127.0.0.1:{line.port}", card) as client:
        marked = client.embed_bytes(photos[1], MESSAGE, key=KEY, file_format="png")
        mark = watermarker.prepare(photos[1], MESSAGE, key=KEY, bound=False)
        expected = mark.apply(marked.strength)
        np.testing.assert_array_equal(read_photo(marked.encoded).pixels, expected.pixels)
        assert marked.margin >= 2 and marked.p_value < 1e-6
        found = client.extract_bytes(marked.encoded, key=KEY)
        assert (found.message, found.decision) == (MESSAGE, "present")
        assert client.extract_bytes(marked.encoded, key="another").decision == "absent"
        assert client.extract_bytes(photos[1], key=KEY).decision == "absent"
    sent = bytes(line.sent)
    assert len(sent) > len(photos[1])
    for secret in (KEY, MESSAGE):
        assert secret.encode() not in sent
    with pytest.raises(ImageError, match="is not an image"):
        Client(f"{scheme}://127.0.0.1:{line.port}", card).embed_bytes(b"nothing", MESSAGE)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_watermarker_of_a_server_is_the_one_here(wire, scheme, photos, card, watermarker, tmp_path):
    line = wire(scheme)
    remote = RemoteWatermarker(f"{scheme}://127.0.0.1:{line.port}", card)
    picture = Image.open(io.BytesIO(photos[0])).crop((0, 0, 256, 192))
    picture.save(tmp_path / "a.png")
    for place, marker in (("here", watermarker), ("there", remote.open())):
        marker.embed_file(tmp_path / "a.png", tmp_path / f"{place}.png", MESSAGE, key=KEY)
    assert (tmp_path / "here.png").read_bytes() == (tmp_path / "there.png").read_bytes()
    assert KEY.encode() not in line.sent and MESSAGE.encode() not in line.sent
    if scheme == "http":  # JSON of many images is too much for this server
        return
    assert remote.network.parallel == 8  # for folder runs
    cut = np.ascontiguousarray(read_photo(tmp_path / "there.png").pixels[9:, 5:])
    assert remote.extract(cut, key=KEY, search="crop").message == MESSAGE


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("token", ["two\nlines", "é" * 20, "a b", "", b"hidden", 7])
def test_a_token_that_no_header_holds(scheme, token, card):
    with pytest.raises(ValueError, match="printable ASCII characters, without spaces") as told:
        Client(f"{scheme}://127.0.0.1:1", card, token=token)
    assert "\n" not in str(told.value) and "hidden" not in str(told.value)


def test_what_is_too_large_is_not_sent_again(wire, card, served, monkeypatch):
    client = Client(f"grpc://127.0.0.1:{wire('grpc').port}", card, timeout=5.0)
    asked, ask = [], client._connection._ask
    monkeypatch.setattr(
        client._connection, "_ask", lambda *args: (asked.append(args), ask(*args))[1]
    )
    with pytest.raises(ValueError, match="message larger than max"):
        client.read_votes(b"x" * (served.limits.body + 1))
    assert len(asked) == 1


def test_waits_for_a_server_that_is_away_or_busy(serving, card, caplog, monkeypatch):
    import flask

    from tfwm.serving import transport

    app, calls = flask.Flask("busy"), []

    @app.post("/v1/models/photo:predict")
    def predict():
        calls.append(1)
        if len(calls) < 3:
            return {"error": "no room"}, 503
        return {"outputs": {"votes": [[0.0] * 1024], "error": [""]}}

    url = serving(app)
    assert not Client(url, card).read_votes(b"x").any()
    assert len(calls) == 3
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    assert not caplog.messages  # a short pause is not told
    monkeypatch.setattr(transport, "TOLD_WAIT", 0.1)
    for scheme in SCHEMES:
        with pytest.raises(ServerError, match=f"{scheme}.*did not answer within 0.5 s"):
            Client(f"{scheme}://127.0.0.1:{port}", card, timeout=0.5).read_votes(b"x")
        (told,) = [x for x in caplog.messages if x.startswith(f"{scheme}://")]
        assert "is asked for 0 s more" in told and "\n" not in told


@pytest.mark.parametrize("scheme", SCHEMES)
def test_refusals_are_told_at_once(wire, scheme, card):
    line = wire(scheme, token="a-token-of-sixteen-or-more")
    url = f"{scheme}://127.0.0.1:{line.port}"
    with pytest.raises(ValueError, match="refused the request"):
        RemoteWatermarker(url, card, token="wrong").open()
    RemoteWatermarker(url, card, token="a-token-of-sixteen-or-more").open()
    with pytest.raises(ValueError, match="refused the request"):
        RemoteWatermarker(url, card, token="a-token-of-sixteen-or-more", model="nothing").open()


@pytest.mark.parametrize("url", ["ftp://a:1", "127.0.0.1:8500", "http://", "http://a/b"])
def test_wrong_addresses(url, card):
    with pytest.raises(ValueError, match="Expected grpc://HOST:PORT"):
        Client(url, card)


@pytest.mark.slow
def test_commands(photos, tmp_path, capsys, serving):
    from tfwm.networks import load_network
    from tfwm.serving.serve import Served

    served = Served({"photo": load_network("photo")})
    url = serving(make_rest(served), threads=8, most_bytes=64_000_000)
    folder = tmp_path / "in"
    folder.mkdir()
    for number, name in ((0, "a.jpg"), (2, "b.png")):
        (folder / name).write_bytes(photos[number])
    how = ["--key", KEY, "--server", url]
    assert main(["embed", str(folder), "-o", str(tmp_path / "out"), "--message", "Ada", *how]) == 0
    for name in ("a.jpg", "b.png"):
        assert main(["extract", str(tmp_path / "out" / name), *how]) == 0
        assert "Ada" in capsys.readouterr().out
    single = ["embed", str(folder / "b.png"), "--message", "Ada", "--key", KEY]
    assert main([*single, "-o", str(tmp_path / "b.png")]) == 0
    here, there = (read_photo(tmp_path / path).pixels for path in ("b.png", "out/b.png"))
    off = np.abs(here.astype(int) - there)
    assert off.max() <= 1 and (off > 0).mean() < 1e-4
    assert main(["extract", str(folder / "a.jpg"), "--server", "ftp://x"]) == 2


def test_starts_no_tensorflow():
    command = (
        "import sys, json; from tfwm.serving import RemoteWatermarker; "
        "RemoteWatermarker('http://127.0.0.1:1'); print(json.dumps('tensorflow' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    assert json.loads(done.stdout) is False, done.stderr
