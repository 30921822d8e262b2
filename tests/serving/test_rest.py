"""TensorFlow Serving's REST interface, over a real socket where it matters."""

import base64
import json
import random
import re
import socket
import threading
import time
import urllib.request

import numpy as np
import pytest
from PIL import Image

from tfwm.images import read_photo
from tfwm.serving.rest import make_rest, parse
from tfwm.serving.serve import Served
from tfwm.web import server as servers
from tfwm.web.observe import observed

PREDICT = "/v1/models/photo:predict"
TOKEN = "a token of sixteen or more".replace(" ", "-")


@pytest.fixture(scope="module")
def client(served):
    return make_rest(served, served.metrics).test_client()


def b64(encoded):
    return {"b64": base64.b64encode(encoded).decode()}


@pytest.fixture
def rows(embed_inputs):
    """The row format of `embed_bytes`."""

    def make(**how):
        inputs = embed_inputs(**how)
        return [
            {
                "image_bytes": b64(inputs["image_bytes"][n]),
                "message": inputs["message"][n].tolist(),
                "strength": 1.0,
                "format": inputs["format"][n].decode(),
                "quality": 95,
            }
            for n in range(len(inputs["quality"]))
        ]

    return make


def test_row_and_column_format(client, rows, watermarker, photos):
    asked = {"signature_name": "embed_bytes", "instances": rows()}
    answer = client.post(PREDICT, json=asked)
    assert answer.status_code == 200, answer.json
    predictions = answer.json["predictions"]
    assert [row["error"] for row in predictions] == [""] * len(photos)
    marked = [base64.b64decode(row["image_bytes"]["b64"]) for row in predictions]
    columns = {key: [row[key] for row in rows()] for key in rows()[0]}
    asked = {"signature_name": "embed_bytes", "inputs": columns}
    again = client.post("/v1/models/photo/versions/1:predict", json=asked).json["outputs"]
    assert [base64.b64decode(x["b64"]) for x in again["image_bytes"]] == marked
    for encoded, photo in zip(marked, photos, strict=True):
        ours = watermarker.prepare(photo, "Ada", key="secret", bound=False).apply()
        np.testing.assert_array_equal(read_photo(encoded).pixels, ours.pixels)
    for read in (
        {"instances": [b64(x) for x in marked]},
        {"instances": [{"image_bytes": b64(x)} for x in marked]},
    ):
        found = client.post(PREDICT, json={"signature_name": "extract_bytes", **read})
        first = found.json["predictions"][0]["votes"]
        for row in found.json["predictions"]:
            votes = np.float32(row["votes"])
            assert watermarker.codec("secret").decode(votes).message == "Ada"
    for read in ({"inputs": [b64(marked[0])]}, {"inputs": {"image_bytes": [b64(marked[0])]}}):
        found = client.post(PREDICT, json={"signature_name": "extract_bytes", **read})
        assert found.json["outputs"]["votes"][0] == first


def test_a_single_output_stands_for_itself(client, quadrant_network):
    image = np.random.default_rng(0).random((2, 16, 24, 1), np.float32)
    logits = quadrant_network.extract(image)
    for format, key in (("instances", "predictions"), ("inputs", "outputs")):
        asked = {"signature_name": "extract", format: image.tolist()}
        answer = client.post(PREDICT, json=asked).json
        np.testing.assert_array_equal(np.float32(answer[key]), logits)


def test_a_bad_photo_is_named_and_nan_is_written(client, photos):
    asked = {"signature_name": "extract_bytes", "instances": [b64(b"none"), b64(photos[2])]}
    first, second = client.post(PREDICT, json=asked).json["predictions"]
    assert "not an image" in first["error"] and np.isnan(first["votes"]).all()
    assert second["error"] == "" and np.isfinite(second["votes"]).all()


def test_status_and_metadata(client):
    state = client.get("/v1/models/photo").json["model_version_status"][0]
    assert state["state"] == "AVAILABLE" and state["version"] == "1"
    told = client.get("/v1/models/photo/versions/1/metadata").json
    assert told["model_spec"] == {"name": "photo", "signature_name": "", "version": "1"}
    signatures = told["metadata"]["signature_def"]["signature_def"]
    message = signatures["embed_bytes"]["inputs"]["message"]
    assert message["dtype"] == "DT_FLOAT"
    assert [d["size"] for d in message["tensor_shape"]["dim"]] == ["-1", "1024"]
    for path in ("/v1/models/other", "/v1/models/photo/versions/2"):
        assert client.get(path).status_code == 404
        assert "Servable not found" in client.get(path).json["error"]
    assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "Expected JSON"),
        (b"[]", "a JSON object"),
        (b"{}", "either instances or inputs"),
        (b'{"instances": [1], "inputs": 2}', "either instances or inputs"),
        (b'{"instances": [1], "other": 2}', "either instances or inputs"),
        (b'{"signature_name": "no", "inputs": []}', "Expected a signature"),
        (b'{"signature_name": [1], "inputs": []}', "signature_name"),
        (b'{"signature_name": "extract_bytes", "inputs": 3}', "as a list"),
        (b'{"signature_name": "extract_bytes", "instances": []}', "at least one"),
        (b'{"signature_name": "extract_bytes", "instances": [{"b64": "!"}]}', "Expected base64"),
        (b'{"signature_name": "extract_bytes", "instances": [{"b64": 3}]}', "as a list|a text"),
        (b'{"signature_name": "embed_bytes", "instances": [{"a": 3}]}', "each instance"),
        (b'{"signature_name": "embed_bytes", "inputs": {"a": 3}}', "Expected the inputs"),
        (b'{"signature_name": "extract", "inputs": [[NaN]]}', "not JSON"),
        (b'{"signature_name": "extract", "inputs": [[1, [2]]]}', "Expected image"),
        (b'{"signature_name": "extract", "inputs": ["a"]}', "Expected image"),
        (b"[" * 100_000, "nested"),
        (b"[" + b"[]," * 100_000, "Expected JSON"),
        (b"\xff\xfe", "Expected JSON"),
    ],
)
def test_malformed_bodies(client, body, word):
    answer = client.post(PREDICT, data=body, content_type="application/json")
    assert answer.status_code == 400
    assert re.search(word, answer.json["error"]) and "\n" not in answer.json["error"]


def test_json_of_many_values_is_refused_unparsed(monkeypatch):
    monkeypatch.setattr("tfwm.serving.rest.MOST_VALUES", 10)
    with pytest.raises(ValueError, match="at most 10 values"):
        parse(json.dumps({"inputs": [[1] * 20]}).encode())


def test_a_token(served):
    client = make_rest(served, served.metrics, TOKEN).test_client()
    for header in ({}, {"Authorization": "Bearer x"}, {"Authorization": TOKEN}):
        refused = client.get("/v1/models/photo", headers=header)
        assert refused.status_code == 401 and refused.headers["WWW-Authenticate"] == "Bearer"
        assert client.get("/metrics", headers=header).status_code == 401
    right = {"Authorization": f"Bearer {TOKEN}"}
    assert client.get("/v1/models/photo", headers=right).status_code == 200
    assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200


def test_metrics(client, photos):
    asked = {"signature_name": "extract_bytes", "instances": [b64(photos[2])]}
    client.post(PREDICT, json=asked)
    for path in ("/metrics", "/monitoring/prometheus/metrics"):
        text = client.get(path).text
        assert 'tfwm_batch_size_count{call="extract"}' in text and "tfwm_in_work 0.0" in text


def test_photos_for_people(client, photos, watermarker):
    answer = client.post("/v1/models/photo:embed?message=Ada&format=png", data=photos[0])
    assert answer.mimetype == "image/png" and watermarker.extract(answer.data).message == "Ada"
    found = client.post("/v1/models/photo:extract", data=answer.data).json
    assert (found["decision"], found["message"]) == ("present", "Ada")
    for query in ("", "?message=", "?message=a&format=bmp", "?message=a&strength=x"):
        assert client.post(f"/v1/models/photo:embed{query}", data=photos[0]).status_code == 400
    assert client.post("/v1/models/photo:embed?message=a", data=b"").status_code == 400
    owned = watermarker.embed_bytes(photos[0], "Eve", key="secret", file_format="png")
    both = client.post("/v1/models/photo:embed?message=Ada&over=beside", data=owned).data
    read = [watermarker.extract(both, key=key, search="none").message for key in (None, "secret")]
    assert read == ["Ada", "Eve"]


def test_photos_are_counted_once_they_are_answered(served, photos):
    told = []
    app = make_rest(served)
    app.wsgi_app = observed(app.wsgi_app, told.append)
    client = app.test_client()
    for path, data, count in (
        ("embed?message=Ada", photos[2], 1),
        ("embed?message=Ada", b"no photo", 0),
        ("extract", photos[2], 1),
        ("extract", b"no photo", 0),
    ):
        client.post(f"/v1/models/photo:{path}", data=data)
        assert told[-1].get("photos", 0) == count, path


def test_the_server_stops_taking_requests(watermarker, photos):
    served = Served({"photo": watermarker.network})
    client = make_rest(served).test_client()
    served.ready = False
    for answer in (client.get("/readyz"), client.post(PREDICT, json={"inputs": []})):
        assert answer.status_code == 503 and answer.headers["Retry-After"] == "1"
    assert client.get("/healthz").status_code == 200


# Faults, over a socket


def body_of(photo):
    return json.dumps({"signature_name": "extract_bytes", "instances": [b64(photo)]}).encode()


def test_a_crowd_is_told_to_come_back_and_health_is_told_meanwhile(
    watermarker, serving, photos, post, monkeypatch
):
    from tfwm.serving.models import Limits

    served = Served({"photo": watermarker.network}, Limits(workers=1, waiting=1))
    go_on = threading.Event()
    monkeypatch.setattr(
        served.models["photo"]._watermarker,
        "read_votes",
        lambda _: go_on.wait(20) and np.zeros(1024, np.float32),
    )
    address = serving(make_rest(served, served.metrics), threads=served.gate.most + 2)
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(post(address + PREDICT, body_of(photos[2]))))
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    while len(answers) < 3:
        time.sleep(0.01)
    assert {(status, head["Retry-After"]) for status, head, _ in answers} == {(503, "1")}
    assert urllib.request.urlopen(f"{address}/healthz", timeout=5).status == 200
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert sorted(status for status, _, _ in answers) == [200] * 2 + [503] * 3


def test_half_sent_slow_and_oversized_requests_harm_nobody(address, post, photos, monkeypatch):
    monkeypatch.setattr(servers, "RECEIVE", 0.5)
    monkeypatch.setattr(servers, "LOOK", 0.05)
    where = address[7:].split(":")
    head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n".encode()
    half, slow = (socket.create_connection(where, 5) for _ in range(2))
    half.sendall(head % 1000 + b'{"inst')
    half.close()
    slow.sendall(head % 1000 + b'{"inst')
    status, _, answer = post(address + PREDICT, body_of(photos[2]))
    assert status == 200 and answer["predictions"][0]["error"] == ""
    assert slow.recv(1000).startswith(b"HTTP/1.1 408")
    slow.close()
    status, _, answer = post(address + PREDICT, b" " * 2_500_000)
    assert status == 413 and "error" in answer
    for sent, code in (
        (head % 10**10, b" 413"),
        (b"GET /\xff\xff HTTP/9.9\r\n\r\n", b" 4"),
        (b"NONSENSE\r\n\r\n", b" 400"),
        (head.replace(b"%d", b"-5"), b" 400"),
    ):
        with socket.create_connection(where, 5) as connection:
            connection.sendall(sent)
            assert code in connection.recv(100)[:12]
    assert post(address + PREDICT, body_of(photos[2]))[0] == 200


def test_bombs_are_refused_by_name(address, post, photos, png):
    bombs = [
        png(Image.new("1", (40_000, 2000))),
        png(Image.new("RGB", (4000, 1000))),
        photos[0][:-2] + b"\xff\xda" * 200,
    ]
    asked = [b64(bomb) for bomb in (*bombs, photos[2])]
    body = {"signature_name": "extract_bytes", "instances": asked}
    status, _, answer = post(address + PREDICT, body)
    errors = [row["error"] for row in answer["predictions"]]
    assert status == 200 and errors[-1] == ""
    assert "megapixels" in errors[0] and "megapixels" in errors[1] and "scans" in errors[2]


def strange(dice, photo):
    """Random bytes, those that start like a photo, and a photo with a few wrong bytes."""
    kind = dice.randrange(3)
    if kind == 0:
        return dice.randbytes(dice.randrange(2000))
    if kind == 1:
        start = dice.choice([b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF1234WEBP", b"GIF89a"])
        return start + dice.randbytes(dice.randrange(2000))
    damaged = bytearray(photo)
    for _ in range(dice.randrange(1, 30)):
        damaged[dice.randrange(len(damaged))] = dice.randrange(256)
    return bytes(damaged[: dice.randrange(1, len(damaged) + 1)])


@pytest.mark.parametrize("count", [30, pytest.param(1000, marks=pytest.mark.slow)])
def test_random_bytes_as_photos(address, post, photos, count):
    dice = random.Random(count)
    for _ in range(count // 5):
        asked = [b64(strange(dice, photos[2])) for _ in range(5)] + [b64(photos[2])]
        body = {"signature_name": "extract_bytes", "instances": asked}
        status, _, answer = post(address + PREDICT, body)
        errors = [row["error"] for row in answer["predictions"]]
        assert status == 200 and errors[-1] == ""
        assert not any("Something went wrong" in error or "\n" in error for error in errors)
