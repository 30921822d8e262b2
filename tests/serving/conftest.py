import io
import json
import urllib.error
import urllib.request

import numpy as np
import pytest
from PIL import Image

from tfwm.serving.models import Limits
from tfwm.serving.rest import make_rest
from tfwm.serving.serve import Served

MESSAGE = "Ada"


@pytest.fixture(scope="session")
def slots(watermarker):
    """The bits of a message, as a client makes them with its key."""
    from tfwm.payload import encode_slots

    return encode_slots(watermarker.codec("secret"), MESSAGE).astype(np.float32)


@pytest.fixture(scope="session")
def photos():
    """Bytes of files of real photos: JPEG, PNG, gray PNG, and a JPEG that lies on its side."""
    from skimage import data

    turned = Image.Exif()
    turned[0x0112] = 6
    pictures = [
        (data.astronaut()[:256, 100:420], "JPEG", {"quality": 90}),
        (data.coffee()[:256, 200:520], "PNG", {}),
        (data.camera()[:256, :256], "PNG", {}),
        (data.coffee()[:256, :320], "JPEG", {"quality": 90, "exif": turned}),
    ]
    encoded = []
    for pixels, file_format, options in pictures:
        buffer = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, file_format, **options)
        encoded.append(buffer.getvalue())
    return encoded


@pytest.fixture(scope="session")
def png():
    """Function that returns the bytes of a picture's PNG file."""

    def run(picture):
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        return buffer.getvalue()

    return run


@pytest.fixture(scope="session")
def served(watermarker):
    """Models with the network without training, and small limits."""
    limits = Limits(items=8, body=2_000_000, pixels=2_000_000, waiting=40)
    return Served({"photo": watermarker.network}, limits)


@pytest.fixture
def address(served, serving):
    """Address of a REST server."""
    return serving(make_rest(served, served.metrics), threads=16, most_bytes=2_000_000)


@pytest.fixture
def embed_inputs(photos, slots):
    """Function of photos that returns the inputs of `embed_bytes`."""

    def make(encoded=photos, file_format="png"):
        count = len(encoded)
        return {
            "image_bytes": list(encoded),
            "message": np.tile(slots, (count, 1)),
            "strength": np.ones(count, np.float32),
            "format": [file_format.encode()] * count,
            "quality": np.full(count, 95, np.int32),
        }

    return make


@pytest.fixture
def post():
    """Sends JSON or bytes; returns `(status, headers, answer)`."""

    def run(url, body, **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(url, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, _read(answer)
        except urllib.error.HTTPError as error:
            return error.code, error.headers, _read(error)

    return run


def _read(answer):
    data = answer.read()
    return json.loads(data) if answer.headers["Content-Type"] == "application/json" else data
