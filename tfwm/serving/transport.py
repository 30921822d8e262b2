"""One request to a server and its answer, by gRPC or REST: pools, deadlines, retries."""

import base64
import contextlib
import json
import logging
import random
import time
import urllib.parse

import numpy as np

from tfwm.checks import need, one_line, shortened
from tfwm.console import in_one_line
from tfwm.serving import wire
from tfwm.serving.signatures import SIGNATURES
from tfwm.serving.token import check_token
from tfwm.web.address import host_port

EXTRA = "serving"
PORTS = {"grpc": 8500, "http": 8501, "https": 443}
# A try that fails waits so many seconds, then twice as many, up to the longest; less by chance, so
# that clients of a server that comes back do not all come at once.
FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0
# So long a pause is told, so that nobody waits without knowing for what.
TOLD_WAIT = 0.8
LARGEST, PART = 2**30, 2**20
BUSY = (408, 425, 429, 500, 502, 503, 504)
# What gRPC says of a message that is too large, here or there: it is so the next time too.
TOO_LARGE = "message larger than max"
log = logging.getLogger(__name__)


class ServerError(OSError):
    """A server that cannot be reached, or does not answer in time; its text is one line."""


class _Again(Exception):
    """What may be better the next time."""


def connect(url, token=None, timeout=60.0, connections=8):
    """Returns the connection to a server that speaks TensorFlow Serving's interface.

    Args:
        url: `grpc://host:port`, `http://host:port` or `https://host:port`.
        token: secret sent as `Authorization: Bearer TOKEN`.
        timeout: seconds that one request may take, with all its tries.
        connections: that REST keeps open at once; gRPC shares one.
    """
    scheme, host, port = _parts(url)
    address, token = (host, port or PORTS[scheme]), check_token(token)
    if scheme == "grpc":
        return _Rpc(url, address, token, timeout)
    return _Rest(url, address, token, timeout, connections, scheme)


def _parts(url):
    """Scheme, host and port of a server's address, which holds nothing else."""
    try:
        parts = urllib.parse.urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        scheme = host = port = parts = None
    if parts is not None and parts.username is not None:
        raise ValueError(
            "Expected the address of a server without a user and a password: give a token."
        )
    if scheme not in PORTS or not host or parts.path not in ("", "/") or parts.query:
        raise ValueError(
            "Expected grpc://HOST:PORT, http://HOST:PORT or https://HOST:PORT. "
            f"Received: {shortened(url)}"
        )
    return scheme, host, port


class _Connection:
    """What both have in common: tries until one succeeds or the time is up."""

    def __init__(self, url, timeout):
        self.url, self.timeout = url, timeout
        self._told = False

    def predict(self, model, name, inputs):
        """Returns the outputs of a signature, a dict of arrays; strings are arrays of bytes.

        Args:
            model: name at the server.
            name: of the signature.
            inputs: dict of arrays or lists.

        Raises:
            ValueError: the server refuses what is asked.
            ServerError: it cannot be reached, does not answer in time, or answers something else.
        """
        signature = SIGNATURES[name]
        answer = self._tried(lambda left: self._ask(model, signature, inputs, left))
        with self._understood():
            outputs = self._outputs(answer, signature)
            batch = len(next(iter(inputs.values())))
            return {tensor.name: _fit(outputs, tensor, batch) for tensor in signature.outputs}

    def ready(self, model):
        """Raises `ServerError` or `ValueError` unless the server has the model ready."""
        answer = self._tried(lambda left: self._status(model, left))
        with self._understood():
            states = self._states(answer)
        if wire.AVAILABLE not in states:
            raise ServerError(f"{self.url} has {model}, which is not ready: ask again later.")

    @contextlib.contextmanager
    def _understood(self):
        try:
            yield
        except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise ServerError(
                f"{self.url} does not answer as TensorFlow Serving does: {one_line(error)}"
            ) from error

    def _tried(self, attempt):
        end, wait = time.monotonic() + self.timeout, FIRST_WAIT
        while True:
            try:
                answer = attempt(max(end - time.monotonic(), 0.001))
                self._told = False
                return answer
            except _Again as error:
                pause = wait * random.uniform(0.5, 1.0)
                if time.monotonic() + pause >= end:
                    raise ServerError(
                        f"{self.url} did not answer within {self.timeout:g} s: {error}"
                    ) from error
                if wait >= TOLD_WAIT and not self._told:
                    self._told = True
                    left = end - time.monotonic()
                    log.warning("%s is asked for %.0f s more: %s", self.url, left, error)
                time.sleep(pause)
                wait = min(2 * wait, LONGEST_WAIT)


class _Rpc(_Connection):
    def __init__(self, url, address, token, timeout):
        super().__init__(url, timeout)
        self._grpc = grpc = need("grpc", EXTRA)
        options = {
            "grpc.max_receive_message_length": LARGEST,
            "grpc.max_send_message_length": LARGEST,
            "grpc.keepalive_time_ms": 60_000,
        }
        self._channel = grpc.insecure_channel(host_port(*address), list(options.items()))
        self._metadata = [("authorization", f"Bearer {token}")] if token else []

    def _call(self, path, request, answer, left):
        codes = self._grpc.StatusCode
        again = codes.UNAVAILABLE, codes.RESOURCE_EXHAUSTED, codes.ABORTED, codes.INTERNAL
        call = self._channel.unary_unary(
            path,
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        try:
            return call(request, timeout=left, metadata=self._metadata)
        except self._grpc.RpcError as error:
            told = in_one_line(one_line(error.details() or error.code().name))
            if "deserializing response" in told:
                raise ServerError(
                    f"{self.url} does not answer as TensorFlow Serving does."
                ) from error
            if error.code() in again and TOO_LARGE not in told:
                raise _Again(told) from error
            if error.code() == codes.DEADLINE_EXCEEDED:
                raise ServerError(
                    f"{self.url} did not answer within {self.timeout:g} s."
                ) from error
            raise ValueError(f"{self.url} refused the request: {told}") from error

    def _ask(self, model, signature, inputs, left):
        request = wire.predict_request(model, signature, inputs)
        return self._call(wire.PREDICT, request, wire.PredictResponse, left)

    def _outputs(self, answer, signature):
        return {t.name: wire.from_tensor(answer.outputs[t.name]) for t in signature.outputs}

    def _status(self, model, left):
        request = wire.GetModelStatusRequest()
        request.model_spec.name = model
        return self._call(wire.STATUS, request, wire.GetModelStatusResponse, left)

    def _states(self, answer):
        return [version.state for version in answer.model_version_status]

    def close(self):
        """Closes the connection."""
        self._channel.close()


class _Rest(_Connection):
    def __init__(self, url, address, token, timeout, connections, scheme):
        super().__init__(url, timeout)
        urllib3 = need("urllib3", EXTRA)
        self._errors = urllib3.exceptions
        pool = urllib3.HTTPSConnectionPool if scheme == "https" else urllib3.HTTPConnectionPool
        self._pool = pool(*address, maxsize=connections, block=True, retries=False)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def _call(self, method, path, left, asked=None):
        body = None if asked is None else json.dumps(asked).encode()
        headers = self._headers | {"Content-Type": "application/json"}
        end = time.monotonic() + left
        how = {"timeout": left, "pool_timeout": left, "preload_content": False}
        try:
            answer = self._pool.request(method, path, body=body, headers=headers, **how)
            data = self._whole(answer, end)
        except self._errors.HTTPError as error:
            raise _Again(one_line(error)) from error
        try:
            told = json.loads(data)
        except (ValueError, RecursionError):
            told = None
        if answer.status == 200:
            return told
        text = told.get("error") if isinstance(told, dict) else None
        text = in_one_line(one_line(text or f"status {answer.status}"))
        if answer.status in BUSY:
            raise _Again(text)
        raise ValueError(f"{self.url} refused the request: {text}")

    def _whole(self, answer, end):
        """The bytes of an answer that is not too large and does not drip in."""
        parts = []
        try:
            while part := answer.read(PART):
                parts.append(part)
                if len(parts) * PART > LARGEST:
                    raise ServerError(f"{self.url} answers more than {LARGEST} bytes.")
                if time.monotonic() > end:
                    raise _Again("the answer takes too long")
        except BaseException:
            answer.close()
            raise
        answer.release_conn()
        return b"".join(parts)

    def _ask(self, model, signature, inputs, left):
        sent = {}
        for tensor in signature.inputs:
            values = inputs[tensor.name]
            if tensor.dtype == "string":
                sent[tensor.name] = [{"b64": base64.b64encode(_bytes(x)).decode()} for x in values]
            elif tensor.dtype == "float32":  # with as many digits as it takes, which are fewer
                sent[tensor.name] = np.asarray(values, "float32").astype("U").astype(float).tolist()
            else:
                sent[tensor.name] = np.asarray(values, tensor.dtype).tolist()
        asked = {"signature_name": signature.name, "inputs": sent}
        path = f"/v1/models/{urllib.parse.quote(model, safe='')}:predict"
        return self._call("POST", path, left, asked)

    def _outputs(self, answer, signature):
        outputs = answer["outputs"]
        if len(signature.outputs) == 1 and not isinstance(outputs, dict):
            outputs = {signature.outputs[0].name: outputs}
        return {tensor.name: _array(outputs[tensor.name], tensor) for tensor in signature.outputs}

    def _status(self, model, left):
        return self._call("GET", f"/v1/models/{urllib.parse.quote(model, safe='')}", left)

    def _states(self, answer):
        told = answer["model_version_status"]
        return [wire.AVAILABLE if version["state"] == "AVAILABLE" else 0 for version in told]

    def close(self):
        """Closes the connections."""
        self._pool.close()


def _bytes(value):
    return value.encode() if isinstance(value, str) else bytes(value)


def _fit(outputs, tensor, batch):
    """An output of its type and as many sides as it should have, with an entry for each input."""
    values = outputs[tensor.name]
    dtype = object if tensor.dtype == "string" else tensor.dtype
    if values.dtype != dtype or values.ndim != len(tensor.shape) or len(values) != batch:
        raise ValueError(
            f"{tensor.name} is {values.dtype} of shape {values.shape}, not {tensor.dtype} of "
            f"{batch} entries"
        )
    return values


def _array(values, tensor):
    if tensor.dtype != "string":
        with np.errstate(over="ignore"):
            return np.asarray(values, tensor.dtype)
    array = np.empty(len(values), object)
    array[:] = [
        base64.b64decode(x["b64"]) if isinstance(x, dict) else x.encode("utf-8") for x in values
    ]
    return array
