"""TensorFlow Serving's REST interface, JSON of its row and column formats, as a Flask app."""

import base64
import binascii
import hmac
import json
import threading

from tfwm.checks import need
from tfwm.marking.check import BESIDE
from tfwm.serving.models import DEFAULT
from tfwm.serving.signatures import FORMATS, SIGNATURES
from tfwm.web import Room, make_app
from tfwm.web.app import EXTRA
from tfwm.web.observe import ABOUT

BASE = "/v1/models/<name>"
VERSION = f"{BASE}/versions/<int:version>"
OPEN = ("/healthz", "/readyz")  # to whoever asks, without a token
METRICS = ("/metrics", "/monitoring/prometheus/metrics")
KINDS = {"float32": "DT_FLOAT", "int32": "DT_INT32", "string": "DT_STRING"}
# What JSON of numbers takes in Python is many times its text: so many values at most.
MOST_VALUES = 4_000_000
# A body, what is parsed of it, and the answer, as a multiple of the body.
IN_MEMORY, BODIES = 4, 2**29
NUMBERS = {"strength": float, "quality": int}
OVER_ASKED = {"1": True, BESIDE: BESIDE}


def make_rest(served, metrics=None, token=None):
    """Returns the `flask.Flask` application of some models.

    Args:
        served: `tfwm.serving.serve.Served`.
        metrics: `tfwm.serving.metrics.Metrics`.
        token: secret that a client sends as `Authorization: Bearer TOKEN`.
    """
    flask = need("flask", EXTRA)
    app = make_app(served.limits.body)
    bodies, parsing = Room(BODIES, served.limits.patience), threading.Lock()

    @app.before_request
    def check_token():
        flask.request.environ.setdefault(ABOUT, {})
        sent = flask.request.headers.get("Authorization", "")
        if flask.request.path not in OPEN and not allowed(token, sent):
            refusal = {"error": "Expected the header Authorization: Bearer TOKEN."}
            return refusal, 401, {"WWW-Authenticate": "Bearer"}

    @app.get("/healthz")
    def healthz():
        return {"status": "ok"}

    @app.get("/readyz")
    def readyz():
        if served.ready:
            return {"status": "ok"}
        return {"status": "stopping"}, 503, {"Retry-After": "1"}

    def predict(name, version=None):
        model = served.model(name, version)
        with served.gate, bodies.hold(IN_MEMORY * (flask.request.content_length or 0)):
            data = flask.request.get_data(cache=False)
            with parsing:
                asked = parse(data)
            del data
            signature, inputs, row = read_request(asked)
            flask.request.environ[ABOUT].update(model=name, signature=signature)
            outputs = model.predict(signature, inputs)
            flask.request.environ[ABOUT]["photos"] = len(next(iter(outputs.values())))
            return flask.Response(write_answer(outputs, row), mimetype="application/json")

    def status(name, version=None):
        state = {"error_code": "OK", "error_message": ""}
        number = str(served.model(name, version).version)
        told = {"version": number, "state": "AVAILABLE", "status": state}
        return {"model_version_status": [told]}

    def metadata(name, version=None):
        return describe(served.model(name, version))

    for path in (BASE, VERSION):
        app.add_url_rule(path, path, status)
        app.add_url_rule(f"{path}/metadata", f"{path}/metadata", metadata)
        app.add_url_rule(f"{path}:predict", f"{path}:predict", predict, methods=["POST"])
    _add_plain(app, flask, served, bodies)
    if metrics is not None:
        for path in METRICS:
            app.add_url_rule(path, path, lambda: flask.Response(*metrics.page()))
    return app


def _add_plain(app, flask, served, bodies):
    """A photo in, a photo or its message out, without JSON: for people, with a message for all."""

    @app.post(f"{BASE}:embed")
    def embed(name):
        model, asked = served.model(name), flask.request.args
        file_format = asked.get("format", "keep")
        if not asked.get("message") or file_format not in FORMATS:
            raise ValueError(f"Expected ?message=TEXT, and format as one of {', '.join(FORMATS)}")
        how = {"over": OVER_ASKED.get(asked.get("over"), False)}
        how |= {key: _number(asked[key], kind) for key, kind in NUMBERS.items() if key in asked}
        flask.request.environ[ABOUT].update(model=name, signature="embed")
        with served.gate, bodies.hold(IN_MEMORY * (flask.request.content_length or 0)):
            how["file_format"] = "jpg" if file_format == "jpeg" else file_format
            marked = model.mark_plain(flask.request.get_data(cache=False), asked["message"], **how)
        flask.request.environ[ABOUT]["photos"] = 1
        return flask.Response(marked, mimetype=_media_type(marked))

    @app.post(f"{BASE}:extract")
    def extract(name):
        flask.request.environ[ABOUT].update(model=name, signature="extract")
        with served.gate, bodies.hold(IN_MEMORY * (flask.request.content_length or 0)):
            encoded = flask.request.get_data(cache=False)
            found = served.model(name).read_plain(encoded).to_dict()
        flask.request.environ[ABOUT]["photos"] = 1
        told = {key: found[key] for key in ("decision", "message", "p_value", "reason")}
        return json.loads(json.dumps(told, default=str))


def allowed(token, sent):
    """Whether what a client sent, `Bearer TOKEN`, is the token; compared in constant time."""
    if token is None:
        return True
    return hmac.compare_digest(sent.encode("utf-8", "replace"), f"Bearer {token}".encode())


def parse(data):
    """Returns the object in the JSON of a request, or raises `ValueError`."""
    if data.count(b",") + data.count(b"[") > MOST_VALUES:
        raise ValueError(
            f"Expected JSON of at most {MOST_VALUES} values: send arrays by gRPC, photos as files."
        )
    try:
        asked = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise ValueError(f"Expected JSON. Received: {reason}") from None
    if not isinstance(asked, dict):
        raise ValueError("Expected a JSON object with instances or inputs")
    return asked


def read_request(asked):
    """Returns `(signature's name, inputs, whether in row format)` of a JSON object."""
    name = asked.get("signature_name", DEFAULT) or DEFAULT
    unknown = set(asked) - {"signature_name", "instances", "inputs"}
    if unknown or not isinstance(name, str) or ("instances" in asked) == ("inputs" in asked):
        raise ValueError("Expected signature_name, and either instances or inputs")
    signature = SIGNATURES.get("embed" if name == DEFAULT else name)
    if signature is None:
        raise ValueError(f"Expected a signature of {', '.join(SIGNATURES)}. Received: {name!r:.40}")
    names = [tensor.name for tensor in signature.inputs]
    if row := "instances" in asked:
        inputs = _columns(asked["instances"], names)
    else:
        inputs = asked["inputs"]
        if len(names) == 1 and not (isinstance(inputs, dict) and names[0] in inputs):
            inputs = {names[0]: inputs}
        if not isinstance(inputs, dict):
            raise ValueError(f"Expected inputs as an object with {', '.join(names)}")
    read = {}
    for tensor in signature.inputs:
        if tensor.name in inputs:
            values = inputs[tensor.name]
            if not isinstance(values, list):
                raise ValueError(f"Expected {tensor.name} as a list, one for each photo or image")
            read[tensor.name] = list(map(_text, values)) if tensor.dtype == "string" else values
    return signature.name, read | {key: [] for key in inputs if key not in read}, row


def _columns(rows, names):
    if not isinstance(rows, list) or not rows:
        raise ValueError("Expected instances as a list of at least one")
    if len(names) == 1 and not (isinstance(rows[0], dict) and names[0] in rows[0]):
        return {names[0]: rows}
    if not all(isinstance(row, dict) and set(row) == set(names) for row in rows):
        raise ValueError(f"Expected each instance as an object with {', '.join(names)}")
    return {name: [row[name] for row in rows] for name in names}


def _text(value):
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, dict) and set(value) == {"b64"} and isinstance(value["b64"], str):
        try:
            return base64.b64decode(value["b64"], validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("Expected base64 in b64") from None
    raise ValueError('Expected a text, or bytes as {"b64": "..."}')


def write_answer(outputs, row):
    """Returns the JSON of outputs, in the format of the request.

    A single output stands for itself, as with TensorFlow Serving. Names that end in `_bytes` are
    base64. NaN and infinity are written as such, which is not strictly JSON.
    """
    columns = {}
    for name, values in outputs.items():
        if values.dtype != object:
            columns[name] = values.tolist()
        elif name.endswith("_bytes"):
            columns[name] = [{"b64": base64.b64encode(value).decode()} for value in values]
        else:
            columns[name] = [value.decode("utf-8", "replace") for value in values]
    if len(columns) == 1:
        (told,) = columns.values()
    elif row:
        rows = zip(*columns.values(), strict=True)
        told = [dict(zip(columns, values, strict=True)) for values in rows]
    else:
        told = columns
    return json.dumps({"predictions" if row else "outputs": told})


def describe(model):
    """Returns the metadata of a model, as TensorFlow Serving's JSON has it."""
    known = model.known_sides()

    def info(tensor):
        sides = [{"size": str(-1 if s is None else s), "name": ""} for s in tensor.sides(**known)]
        shape = {"dim": sides, "unknown_rank": False}
        return {"dtype": KINDS[tensor.dtype], "tensor_shape": shape, "name": tensor.name}

    signatures = {
        name: {
            "inputs": {tensor.name: info(tensor) for tensor in signature.inputs},
            "outputs": {tensor.name: info(tensor) for tensor in signature.outputs},
            "method_name": "tensorflow/serving/predict",
        }
        for name, signature in SIGNATURES.items()
    }
    spec = {"name": model.name, "signature_name": "", "version": str(model.version)}
    return {"model_spec": spec, "metadata": {"signature_def": {"signature_def": signatures}}}


def _no_constant(name):
    raise ValueError(f"{name}, which is not JSON")


def _number(text, kind):
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"Expected a number. Received: {text!r:.40}") from None


def _media_type(encoded):
    return {b"\xff\xd8": "image/jpeg", b"\x89P": "image/png"}.get(
        encoded[:2], "application/octet-stream"
    )
