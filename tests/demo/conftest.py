import http.client
import io
import json
import threading

import pytest
from PIL import Image

from tfwm.demo import make_server
from tfwm.demo.envelope import pack, unpack

TYPE = "application/octet-stream"


@pytest.fixture(scope="session")
def server(watermarker):
    with make_server(watermarker, port=0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def coffee():
    """A colour photo, 400 x 600 uint8."""
    from skimage import data

    return data.coffee()


@pytest.fixture(scope="session")
def png():
    """Encodes an array as the bytes of a PNG file."""

    def png(image, **options):
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "PNG", **options)
        return buffer.getvalue()

    return png


@pytest.fixture
def call(server):
    """Sends a request and returns `(status, headers, body)`."""

    def call(method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        answer = response.status, response.headers, response.read()
        connection.close()
        return answer

    return call


@pytest.fixture
def ask(call):
    """Asks for an action as the page does; a refusal comes back as its text."""

    def ask(action, photo, **fields):
        fields = {name: value for name, value in fields.items() if value is not None}
        body = pack(fields, {"photo": photo})
        status, headers, answer = call("POST", f"/api/{action}", body, Content_Type=TYPE)
        if status != 200:
            return status, json.loads(answer)["error"]
        if action == "read":
            return status, [json.loads(line) for line in answer.splitlines()]
        return unpack(answer)

    return ask
