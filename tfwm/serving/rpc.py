"""TensorFlow Serving's gRPC interface and gRPC's health service."""

import concurrent.futures
import logging
import threading
import time

import numpy as np

from tfwm.checks import need
from tfwm.serving import wire
from tfwm.serving.models import check_names, signature_of
from tfwm.serving.rest import allowed
from tfwm.serving.signatures import SIGNATURES
from tfwm.web import Busy, NotFound
from tfwm.web.address import host_port
from tfwm.web.app import EXTRA

MOST_ELEMENTS = 2**24
# A connection lives for so many seconds, and what is on it then for so many more: nobody holds a
# place for ever by sending slowly. Clients connect again by themselves.
AGE, GRACE = 120, 60
# A request must have come after so many seconds.
ARRIVAL = 60
HEALTH = "/grpc.health.v1.Health/Check"
METADATA_FIELD = "signature_def"
NO_TOKEN = "Expected the metadata authorization: Bearer TOKEN."
log = logging.getLogger(__name__)


def make_rpc(served, host, port, *, threads, token=None, observe=None):
    """Returns a started `grpc.Server`, the port it listens at, and its health servicer.

    Args:
        served: `tfwm.serving.serve.Served`.
        host: address to listen at.
        port: number of the port; 0 takes any free one.
        threads: requests at once; more are refused.
        token: see `tfwm.serving.rest.make_rest`.
        observe: called once for each answer with a dict.
    """
    grpc = need("grpc", EXTRA)
    health = need("grpc_health.v1.health", EXTRA)
    health_pb2 = need("grpc_health.v1.health_pb2", EXTRA)
    options = {
        "grpc.max_receive_message_length": served.limits.body,
        "grpc.max_send_message_length": -1,
        "grpc.max_connection_age_ms": 1000 * AGE,
        "grpc.max_connection_age_grace_ms": 1000 * GRACE,
        "grpc.keepalive_time_ms": 30_000,
        "grpc.keepalive_timeout_ms": 20_000,
        "grpc.max_metadata_size": 8192,
        "grpc.so_reuseport": 0,
    }
    server = grpc.server(
        concurrent.futures.ThreadPoolExecutor(threads, "rpc"),
        options=list(options.items()),
        maximum_concurrent_rpcs=threads,
    )
    servicer = health.HealthServicer()
    calls = _Calls(grpc, served, observe)
    for path, run, request, answer, secret in (
        (wire.PREDICT, calls.predict, wire.PredictRequest, wire.PredictResponse, token),
        (
            wire.METADATA,
            calls.metadata,
            wire.GetModelMetadataRequest,
            wire.GetModelMetadataResponse,
            token,
        ),
        (wire.STATUS, calls.status, wire.GetModelStatusRequest, wire.GetModelStatusResponse, token),
        # `Watch` is left out: everybody may ask for health, and it would keep a place for long.
        (
            HEALTH,
            lambda request, context, _: servicer.Check(request, context),
            health_pb2.HealthCheckRequest,
            health_pb2.HealthCheckResponse,
            None,
        ),
    ):
        service, name = path[1:].split("/")
        # As a stream of requests, so that a call is answered, or refused, before its request is
        # here; on the wire both are the same.
        handler = grpc.stream_unary_rpc_method_handler(
            calls.guarded(path, run, secret),
            request_deserializer=request.FromString,
            response_serializer=answer.SerializeToString,
        )
        server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(service, {name: handler})]
        )
    try:
        port = server.add_insecure_port(host_port(host, port))
    except RuntimeError as error:
        raise OSError(
            f"Nothing can listen at {host_port(host, port)} for gRPC: choose another port, or 0 "
            "for any."
        ) from error
    server.start()
    return server, port, servicer


class _Calls:
    """What the service answers to each call."""

    def __init__(self, grpc, served, observe):
        self._codes, self._served, self._observe = grpc.StatusCode, served, observe

    def guarded(self, path, run, token):
        """Returns a handler that checks the token, tells errors in one line, and keeps count."""

        def handle(requests, context):
            start = time.perf_counter()
            record = {"protocol": "grpc", "client": context.peer(), "path": path}
            record |= {"received": 0, "sent": 0}
            code, text, answer = self._codes.OK, "", None
            try:
                sent = dict(context.invocation_metadata()).get("authorization", "")
                if not allowed(token, sent):
                    code, text = self._codes.UNAUTHENTICATED, NO_TOKEN
                elif (request := _first(requests, context)) is None:
                    code, text = self._codes.CANCELLED, "The request did not come."
                else:
                    record["received"] = request.ByteSize()
                    answer = run(request, context, record)
                    record["sent"] = answer.ByteSize()
            except NotFound as error:
                code, text = self._codes.NOT_FOUND, str(error)
            except ValueError as error:
                code, text = self._codes.INVALID_ARGUMENT, " ".join(str(error).split())
            except Busy as error:
                code, text = self._codes.UNAVAILABLE, str(error)
            except MemoryError:
                code, text = self._codes.RESOURCE_EXHAUSTED, "There is not enough memory for this."
            except Exception:
                log.exception("failed at %s", path)
                code, text = self._codes.INTERNAL, "Something went wrong here."
            if self._observe is not None:
                seconds = time.perf_counter() - start
                self._observe({**record, "status": code.name, "seconds": seconds})
            if answer is None:
                context.abort(code, text)
            return answer

        return handle

    def predict(self, request, context, record):
        """Answers `Predict`."""
        model = self._model(request)
        name = request.model_spec.signature_name
        inputs = _arrays(name, request.inputs)
        record |= {"model": model.name, "signature": name if name in SIGNATURES else ""}
        left = context.time_remaining()
        with self._served.gate:
            outputs = model.predict(name, inputs, None if left is None else max(left, 0.01))
        answer = wire.PredictResponse()
        answer.model_spec.CopyFrom(request.model_spec)
        answer.model_spec.version.value = model.version
        for key, values in outputs.items():
            if request.output_filter and key not in request.output_filter:
                continue
            dtype = "string" if values.dtype == object else str(values.dtype)
            answer.outputs[key].CopyFrom(wire.to_tensor(values, dtype))
            record["photos"] = len(values)
        return answer

    def metadata(self, request, context, record):
        """Answers `GetModelMetadata`."""
        if list(request.metadata_field) != [METADATA_FIELD]:
            raise ValueError(f"Expected {METADATA_FIELD} as metadata_field")
        model = self._model(request)
        found = wire.SignatureDefMap()
        for name, signature in SIGNATURES.items():
            entry = found.signature_def[name]
            entry.method_name = "tensorflow/serving/predict"
            for end in ("inputs", "outputs"):
                for tensor in getattr(signature, end):
                    told = getattr(entry, end)[tensor.name]
                    told.name, told.dtype = tensor.name, wire.NUMBERS[tensor.dtype]
                    for side in tensor.sides(**model.known_sides()):
                        told.tensor_shape.dim.add(size=-1 if side is None else side)
        answer = wire.GetModelMetadataResponse()
        answer.model_spec.name, answer.model_spec.version.value = model.name, model.version
        answer.metadata[METADATA_FIELD].Pack(found)
        return answer

    def status(self, request, context, record):
        """Answers `GetModelStatus`."""
        model = self._model(request)
        answer = wire.GetModelStatusResponse()
        told = answer.model_version_status.add(version=model.version, state=wire.AVAILABLE)
        told.status.error_message = ""
        return answer

    def _model(self, request):
        spec = request.model_spec
        version = spec.version.value if spec.HasField("version") else None
        return self._served.model(spec.name, version)


def _first(requests, context):
    """The request of a call, or `None` if it was given up or takes too long to come."""
    clock = threading.Timer(ARRIVAL, context.cancel)
    clock.daemon = True
    clock.start()
    try:
        return next(requests, None)
    except Exception:  # of gRPC: cancelled, or no such message
        return None
    finally:
        clock.cancel()


def _arrays(name, tensors):
    """The inputs of a request. A few bytes may stand for many values: sizes are checked first."""
    check_names(signature_of(name), tensors)
    shapes = [[dim.size for dim in tensor.tensor_shape.dim] for tensor in tensors.values()]
    counts = [np.prod(shape, dtype=np.float64) for shape in shapes]
    if not 0 <= min(counts) <= sum(counts) <= MOST_ELEMENTS:
        raise ValueError(
            f"Expected at most {MOST_ELEMENTS} values. Received: shapes {shapes}"[:200]
        )
    return {key: wire.from_tensor(tensor) for key, tensor in tensors.items()}
