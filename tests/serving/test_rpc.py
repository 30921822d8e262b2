"""TensorFlow Serving's gRPC interface, asked with its own messages where they are installed."""

import threading

import grpc
import numpy as np
import pytest

from tfwm.images import read_photo
from tfwm.serving import wire
from tfwm.serving.rpc import make_rpc
from tfwm.serving.signatures import SIGNATURES

TOKEN = "a-token-of-sixteen-or-more"


@pytest.fixture
def channel(served):
    """Function that starts a server and returns a channel to it."""
    started = []

    def start(**options):
        server, port, _ = make_rpc(served, "127.0.0.1", 0, threads=4, **options)
        most = [("grpc.max_receive_message_length", -1)]
        started.append((server, grpc.insecure_channel(f"127.0.0.1:{port}", most)))
        return started[-1][1]

    yield start
    for server, channel in started:
        channel.close()
        server.stop(0)


def call(channel, path, answer, request, **how):
    ask = channel.unary_unary(path, lambda x: x.SerializeToString(), answer.FromString)
    return ask(request, timeout=20, **how)


def test_predict(channel, embed_inputs, photos, watermarker):
    seen = []
    where = channel(observe=seen.append)
    request = wire.predict_request("photo", SIGNATURES["embed_bytes"], embed_inputs(), 1)
    answer = call(where, wire.PREDICT, wire.PredictResponse, request)
    outputs = {key: wire.from_tensor(x) for key, x in answer.outputs.items()}
    assert outputs["error"].tolist() == [b""] * len(photos) and answer.model_spec.version.value == 1
    for encoded, marked in zip(photos, outputs["image_bytes"], strict=True):
        ours = watermarker.prepare(encoded, "Ada", key="secret", bound=False).apply()
        np.testing.assert_array_equal(read_photo(marked).pixels, ours.pixels)
    request = wire.predict_request(
        "photo", SIGNATURES["extract_bytes"], {"image_bytes": outputs["image_bytes"]}
    )
    request.output_filter.append("votes")
    answer = call(where, wire.PREDICT, wire.PredictResponse, request)
    assert list(answer.outputs) == ["votes"]
    for votes in wire.from_tensor(answer.outputs["votes"]):
        assert watermarker.codec("secret").decode(votes).message == "Ada"
    assert [record["status"] for record in seen] == ["OK", "OK"]
    assert seen[0]["signature"] == "embed_bytes" and seen[0]["photos"] == len(photos)


def test_status_and_metadata(channel, served):
    where = channel()
    request = wire.GetModelStatusRequest()
    request.model_spec.name = "photo"
    answer = call(where, wire.STATUS, wire.GetModelStatusResponse, request)
    assert [x.state for x in answer.model_version_status] == [wire.AVAILABLE]
    request = wire.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "photo"
    answer = call(where, wire.METADATA, wire.GetModelMetadataResponse, request)
    found = wire.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(found)
    assert sorted(found.signature_def) == sorted(SIGNATURES)
    message = found.signature_def["embed_bytes"].inputs["message"]
    slots = served.models["photo"].slots
    assert [d.size for d in message.tensor_shape.dim] == [-1, slots] and message.dtype == 1


def test_health(channel):
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    stub = health_pb2_grpc.HealthStub(channel(token=TOKEN))
    with pytest.raises(grpc.RpcError) as told:
        stub.Check(health_pb2.HealthCheckRequest(service="photo"))
    assert told.value.code() == grpc.StatusCode.NOT_FOUND  # until the server tells it


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda r: setattr(r.model_spec, "name", "other"), "NOT_FOUND"),
        (lambda r: setattr(r.model_spec.version, "value", 2), "NOT_FOUND"),
        (lambda r: setattr(r.model_spec, "signature_name", "no"), "INVALID_ARGUMENT"),
        (lambda r: r.inputs["image_bytes"].tensor_shape.dim.add(size=2**40), "INVALID_ARGUMENT"),
        (lambda r: r.inputs["image_bytes"].tensor_shape.dim.add(size=-1), "INVALID_ARGUMENT"),
        (lambda r: setattr(r.inputs["image_bytes"], "dtype", 2), "INVALID_ARGUMENT"),
        (lambda r: r.inputs["other"].CopyFrom(r.inputs["image_bytes"]), "INVALID_ARGUMENT"),
        (
            lambda r: r.inputs["image_bytes"].string_val.append(bytes(3_000_000)),
            "RESOURCE_EXHAUSTED",
        ),
    ],
)
def test_wrong_requests(channel, photos, change, code):
    request = wire.predict_request(
        "photo", SIGNATURES["extract_bytes"], {"image_bytes": [photos[2]]}
    )
    change(request)
    with pytest.raises(grpc.RpcError) as told:
        call(channel(), wire.PREDICT, wire.PredictResponse, request)
    assert told.value.code().name == code and "\n" not in told.value.details()


def test_a_token(channel, photos):
    where = channel(token=TOKEN)
    request = wire.predict_request(
        "photo", SIGNATURES["extract_bytes"], {"image_bytes": [photos[2]]}
    )
    for sent in ([], [("authorization", "Bearer x")]):
        with pytest.raises(grpc.RpcError) as told:
            call(where, wire.PREDICT, wire.PredictResponse, request, metadata=sent)
        assert told.value.code() == grpc.StatusCode.UNAUTHENTICATED
    sent = [("authorization", f"Bearer {TOKEN}")]
    assert call(where, wire.PREDICT, wire.PredictResponse, request, metadata=sent).outputs


def test_no_room_is_told_as_such(channel, served, photos, monkeypatch):
    from tfwm.web import Gate

    monkeypatch.setattr(served, "gate", Gate(0))
    request = wire.predict_request(
        "photo", SIGNATURES["extract_bytes"], {"image_bytes": [photos[2]]}
    )
    with pytest.raises(grpc.RpcError) as told:
        call(channel(), wire.PREDICT, wire.PredictResponse, request)
    assert told.value.code() == grpc.StatusCode.UNAVAILABLE


def test_many_calls_at_once(channel, photos):
    where = channel()
    request = wire.predict_request(
        "photo", SIGNATURES["extract_bytes"], {"image_bytes": [photos[2]]}
    )
    found = []
    threads = [
        threading.Thread(
            target=lambda: found.append(call(where, wire.PREDICT, wire.PredictResponse, request))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer.SerializeToString(deterministic=True) for answer in found}) == 1


@pytest.mark.parametrize("names", [["x0", "x1"], ["image", "message", "strength"]])
def test_few_bytes_that_stand_for_many_values_are_refused(channel, names, monkeypatch):
    request = wire.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = "photo", "embed"
    for name in names:
        tensor = request.inputs[name]
        tensor.dtype = 9
        tensor.int64_val.append(1)
        tensor.tensor_shape.dim.add(size=2**23)
    where = channel()
    monkeypatch.setattr(wire, "from_tensor", lambda tensor: pytest.fail("was expanded"))
    with pytest.raises(grpc.RpcError, match="INVALID_ARGUMENT"):
        call(where, wire.PREDICT, wire.PredictResponse, request)


def stalled(channel, path, **how):
    """A call whose request never comes; returns its future and the event that ends the wait."""
    over = threading.Event()

    def requests():
        over.wait(20)
        yield from ()

    ask = channel.stream_unary(path, lambda x: x.SerializeToString(), bytes)
    return ask.future(requests(), timeout=20, **how), over


def test_strangers_take_no_place(channel, photos):
    where, waits = channel(token=TOKEN), []
    for _ in range(8):  # of 4 places; none of the requests ends before the last call
        future, over = stalled(where, wire.PREDICT)
        waits.append(over)
        assert future.exception().code() == grpc.StatusCode.UNAUTHENTICATED
    for over in waits:
        over.set()


def test_a_request_that_does_not_come_is_given_up(channel, photos, monkeypatch):
    monkeypatch.setattr("tfwm.serving.rpc.ARRIVAL", 0.5)
    seen = []
    where = channel(observe=seen.append)
    waits = [stalled(where, wire.PREDICT) for _ in range(4)]
    for future, over in waits:
        assert future.exception().code() == grpc.StatusCode.CANCELLED
        over.set()
    request = wire.predict_request(
        "photo", SIGNATURES["extract_bytes"], {"image_bytes": [photos[2]]}
    )
    assert call(where, wire.PREDICT, wire.PredictResponse, request).outputs
    assert [record["status"] for record in seen] == ["CANCELLED"] * 4 + ["OK"]


def test_health_is_not_watched(channel):
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    stub = health_pb2_grpc.HealthStub(channel(token=TOKEN))
    with pytest.raises(grpc.RpcError) as told:
        next(stub.Watch(health_pb2.HealthCheckRequest()))
    assert told.value.code() == grpc.StatusCode.UNIMPLEMENTED
