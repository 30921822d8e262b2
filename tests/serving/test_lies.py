"""Servers that lie, or are none: the client tells it in one line."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

import flask
import grpc
import numpy as np
import pytest

from tfwm.images import ImageError
from tfwm.serving import Client, RemoteWatermarker, ServerError, transport, wire
from tfwm.serving.rest import make_rest
from tfwm.serving.rpc import make_rpc
from tfwm.web.address import host_port

ODD = (
    None, True, -1, 10**400, 1e308, float("nan"), "", "x" * 999, "\n\x00", [], [[]], {}, [None],
    {"b64": "?"}, {"b64": 1}, [[1, [2]]], ["é"], {"outputs": 1}, "a\x1b[2Jb",
)  # fmt: skip


@pytest.fixture
def card(watermarker):
    return {"name": "photo", **watermarker.network.card}


def somewhere(value, chance):
    """A copy of JSON with one part of it changed."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        key = chance.choice(list(value))
        return {**value, key: somewhere(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.8:
        place = chance.randrange(len(value))
        return [*value[:place], somewhere(value[place], chance), *value[place + 1 :]]
    return chance.choice(ODD)


def tried(client, photo):
    """Whether the answer was taken; else it is refused in one line."""
    try:
        client.embed_bytes(photo, "Ada", file_format="png")
        return True
    except (ServerError, ImageError, ValueError) as error:
        assert len(str(error)) < 500 and str(error).isprintable()
        return False


def test_rest(served, serving, photos, card, monkeypatch):
    url = serving(make_rest(served), threads=4, most_bytes=8_000_000)
    client, chance = Client(url, card, timeout=5.0), random.Random(0)
    truth = {}
    ask = client._connection._ask

    def lie(model, signature, inputs, left):
        if signature.name not in truth:
            truth[signature.name] = ask(model, signature, inputs, left)
        return somewhere(truth[signature.name], chance)

    monkeypatch.setattr(client._connection, "_ask", lie)
    taken = sum(tried(client, photos[2]) for _ in range(60))
    assert set(truth) == {"embed_bytes", "extract_bytes"} and taken < 30


def test_rpc(served, photos, card, monkeypatch):
    server, port, _ = make_rpc(served, "127.0.0.1", 0, threads=4)
    client, chance = Client(f"grpc://127.0.0.1:{port}", card, timeout=5.0), random.Random(0)
    ask = client._connection._ask

    truth = {}

    def lie(model, signature, inputs, left):
        if signature.name not in truth:
            truth[signature.name] = ask(model, signature, inputs, left).SerializeToString()
        data = bytearray(truth[signature.name])
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(min(len(data), 120))] = chance.randrange(256)
        try:
            return wire.PredictResponse.FromString(bytes(data))
        except Exception:
            return wire.PredictResponse()

    monkeypatch.setattr(client._connection, "_ask", lie)
    try:
        for _ in range(60):
            tried(client, photos[2])
    finally:
        client.close()
        server.stop(0)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("<html>sign in</html>", "does not answer as TensorFlow Serving does"),
        ("[" * 100_000, "does not answer as TensorFlow Serving does"),
        ('{"outputs": {"votes": [[1, 2]], "error": [""]}}', "expected 1024 finite votes"),
        ('{"outputs": {"votes": [[1], [2]], "error": ["", ""]}}', "of 1 entries"),
        ('{"outputs": {"votes": [[NaN]], "error": ["it\\nis"]}}', "it"),
        (("", 302, {"Location": "http://127.0.0.1:1/"}), "refused the request: status 302"),
        ((["no", "object"], 400), "refused the request: status 400"),
        (({"error": {"odd": 1}}, 400), "refused the request: {'odd': 1}"),
    ],
)
def test_answers_that_are_none(serving, card, answer, text):
    app = flask.Flask("liar")
    app.post("/v1/models/photo:predict")(lambda: answer)
    with pytest.raises((ServerError, ValueError, ImageError)) as told:
        Client(serving(app), card).read_votes(b"x")
    assert text in str(told.value) and "\n" not in str(told.value)


def test_another_photo_is_not_taken_for_the_marked_one(serving, served, card, photos, monkeypatch):
    url = serving(make_rest(served), threads=4, most_bytes=8_000_000)
    client = Client(url, card)
    ask = client._connection.predict
    for given in (photos[0], b"no photo"):

        def swap(model, name, inputs, given=given):
            found = ask(model, name, inputs)
            if name == "embed_bytes":
                found["image_bytes"][0] = given
            return found

        monkeypatch.setattr(client._connection, "predict", swap)
        with pytest.raises(ServerError, match="gave back another file than the marked photo"):
            client.embed_bytes(photos[2], "Ada")


def test_another_network_there(serving, card):
    app = flask.Flask("another")
    app.post("/v1/models/photo:predict")(lambda: {"outputs": [[[[0.0]]]]})
    network = RemoteWatermarker(serving(app), card).network
    with pytest.raises(ServerError, match=r"expected finite values of shape \(8, 8, 1\)"):
        network.extract(np.zeros((1, 64, 64, 1), np.float32))


def test_an_answer_that_drips(serving, card):
    app = flask.Flask("slow")

    @app.post("/v1/models/photo:predict")
    def predict():
        def drip():
            for _ in range(15):
                time.sleep(0.1)
                yield b" " * 2**20

        return flask.Response(drip(), mimetype="application/json")

    with pytest.raises(ServerError, match="did not answer within 1 s: the answer takes too long"):
        Client(serving(app), card, timeout=1.0).read_votes(b"x")


def test_a_grpc_server_of_something_else(card):
    handler = grpc.unary_unary_rpc_method_handler(lambda request, context: b"\xff" * 9)
    service, name = wire.PREDICT[1:].split("/")
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(service, {name: handler})]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with pytest.raises(ServerError, match="does not answer as TensorFlow Serving does"):
            Client(f"grpc://127.0.0.1:{port}", card).read_votes(b"x")
    finally:
        server.stop(0)


@pytest.mark.parametrize(
    "url", ["http://user:hunter2@host:1", "grpc://hunter2@host", "http://hunter2:@[::1]:1"]
)
def test_a_password_in_an_address_is_not_told(url, card):
    with pytest.raises(ValueError, match="without a user and a password") as told:
        Client(url, card)
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize("url", ["http://a:b", "http://[::1", "http://a:99999", "http://a/?x=1"])
def test_addresses_that_are_none(url, card):
    with pytest.raises(ValueError, match="Expected grpc://HOST:PORT"):
        Client(url, card)


def test_addresses_of_ipv6():
    assert host_port("::1", 8500) == "[::1]:8500"
    assert host_port("a", 1) == "a:1"
    assert transport._parts("grpc://[::1]:8500") == ("grpc", "::1", 8500)
