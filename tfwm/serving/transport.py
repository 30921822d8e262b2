"""One request to a server and its answer, by gRPC or REST: pools, deadlines, retries."""

import base64
import json
import random
import time
import urllib.parse

import numpy as np

from tfwm.checks import need, one_line
from tfwm.serving import wire
from tfwm.serving.signatures import SIGNATURES

EXTRA = "serving"
PORTS = {"grpc": 8500, "http": 8501, "https": 443}
# A try that fails waits so many seconds, then twice as many, up to the longest; less by chance, so
# that clients of a server that comes back do not all come at once.
FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0
LARGEST = 2**30
BUSY = (408, 425, 429, 500, 502, 503, 504)


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
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname or parts.path not in ("", "/"):
        raise ValueError(
            f"Expected grpc://HOST:PORT, http://HOST:PORT or https://HOST:PORT. Received: {url}"
        )
    address = parts.hostname, parts.port or PORTS[parts.scheme]
    if parts.scheme == "grpc":
        return _Rpc(url, address, token, timeout)
    return _Rest(url, address, token, timeout, connections, parts.scheme)


class _Connection:
    """What both have in common: tries until one succeeds or the time is up."""

    def __init__(self, url, timeout):
        self.url, self.timeout = url, timeout

    def predict(self, model, name, inputs):
        """Returns the outputs of a signature, a dict of arrays; strings are arrays of bytes.

        Args:
            model: name at the server.
            name: of the signature.
            inputs: dict of arrays or lists.

        Raises:
            ValueError: the server refuses what is asked.
            ServerError: it cannot be reached or does not answer in time.
        """
        return self._tried(lambda left: self._predict(model, SIGNATURES[name], inputs, left))

    def ready(self, model):
        """Raises `ServerError` or `ValueError` unless the server has the model ready."""
        if wire.AVAILABLE not in self._tried(lambda left: self._states(model, left)):
            raise ServerError(f"{self.url} has {model}, which is not ready: ask again later.")

    def _tried(self, attempt):
        end, wait = time.monotonic() + self.timeout, FIRST_WAIT
        while True:
            try:
                return attempt(max(end - time.monotonic(), 0.001))
            except _Again as error:
                pause = wait * random.uniform(0.5, 1.0)
                if time.monotonic() + pause >= end:
                    raise ServerError(
                        f"{self.url} did not answer within {self.timeout:g} s: {error}"
                    ) from error
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
        self._channel = grpc.insecure_channel("{}:{}".format(*address), list(options.items()))
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
            told = one_line(error.details() or error.code().name)
            if error.code() in again:
                raise _Again(told) from error
            if error.code() == codes.DEADLINE_EXCEEDED:
                raise ServerError(
                    f"{self.url} did not answer within {self.timeout:g} s."
                ) from error
            raise ValueError(f"{self.url} refused the request: {told}") from error

    def _predict(self, model, signature, inputs, left):
        request = wire.predict_request(model, signature, inputs)
        answer = self._call(wire.PREDICT, request, wire.PredictResponse, left)
        return {name: wire.from_tensor(tensor) for name, tensor in answer.outputs.items()}

    def _states(self, model, left):
        request = wire.GetModelStatusRequest()
        request.model_spec.name = model
        answer = self._call(wire.STATUS, request, wire.GetModelStatusResponse, left)
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
        try:
            answer = self._pool.request(
                method, path, body=body, headers=headers, timeout=left, pool_timeout=left
            )
        except self._errors.HTTPError as error:
            raise _Again(one_line(error)) from error
        try:
            told = json.loads(answer.data)
        except ValueError:
            told = {"error": f"status {answer.status}"}
        if answer.status in BUSY:
            raise _Again(one_line(told.get("error", answer.status)))
        if answer.status != 200:
            text = one_line(told.get("error", answer.status))
            raise ValueError(f"{self.url} refused the request: {text}")
        return told

    def _predict(self, model, signature, inputs, left):
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
        outputs = self._call("POST", path, left, asked)["outputs"]
        if len(signature.outputs) == 1 and not isinstance(outputs, dict):
            outputs = {signature.outputs[0].name: outputs}
        return {tensor.name: _array(outputs[tensor.name], tensor) for tensor in signature.outputs}

    def _states(self, model, left):
        path = f"/v1/models/{urllib.parse.quote(model, safe='')}"
        told = self._call("GET", path, left)["model_version_status"]
        return [wire.AVAILABLE if version["state"] == "AVAILABLE" else 0 for version in told]

    def close(self):
        """Closes the connections."""
        self._pool.close()


def _bytes(value):
    return value.encode() if isinstance(value, str) else bytes(value)


def _array(values, tensor):
    if tensor.dtype != "string":
        return np.asarray(values, tensor.dtype)
    array = np.empty(len(values), object)
    array[:] = [
        base64.b64decode(x["b64"]) if isinstance(x, dict) else x.encode("utf-8") for x in values
    ]
    return array
