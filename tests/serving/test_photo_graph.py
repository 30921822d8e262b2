"""Photos in graphs of stock operations: decoded, turned, marked and read as Python does it."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfwm.images import psnr
from tfwm.images import read_photo as read
from tfwm.marking import Mark
from tfwm.networks import Network
from tfwm.serving.decode import read_photo
from tfwm.serving.marking_graph import PhotoGraph
from tfwm.watermarker import Watermarker


def file_of(picture, file_format, **options):
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def picture():
    from skimage import data

    return Image.fromarray(data.coffee()[:200, :300])


@pytest.fixture(scope="module")
def decode():
    """One trace for all."""
    spec = tf.TensorSpec((), tf.string)
    return tf.function(
        lambda data: read_photo(data, 1_000_000), input_signature=[spec], autograph=False
    )


def turned(number):
    exif = Image.Exif()
    exif[0x0112] = number
    return {"exif": exif.tobytes()}


FILES = {
    **{f"JPEG turned {n}": ("RGB", "JPEG", turned(n)) for n in range(1, 9)},
    **{f"PNG turned {n}": ("RGB", "PNG", turned(n)) for n in (3, 6)},
    "turned by XMP": ("RGB", "JPEG", {"xmp": b'<x tiff:Orientation="6"/>'}),
    "4:2:0": ("RGB", "JPEG", {"subsampling": 2, "quality": 60}),
    "progressive": ("RGB", "JPEG", {"progressive": True}),
    "gray JPEG": ("L", "JPEG", {}),
    "gray PNG": ("L", "PNG", {}),
    "black and white": ("1", "PNG", {}),
    "palette": ("P", "PNG", {}),
    "alpha": ("RGBA", "PNG", {}),
    "gray and alpha": ("LA", "PNG", {}),
    "one clear color": ("RGB", "PNG", {"transparency": (10, 20, 30)}),
}


@pytest.mark.parametrize("name", FILES)
def test_decodes_as_python_does(decode, picture, name):
    mode, file_format, options = FILES[name]
    data = file_of(picture.convert(mode), file_format, **options)
    found, photo = decode(data), read(data)
    assert found["error"] == b""
    assert bool(found["gray"]) == (photo.pixels.shape[2] == 1)
    assert bool(found["clear"]) == (photo.alpha is not None)
    np.testing.assert_array_equal(
        found["pixels"][..., :3], np.broadcast_to(photo.pixels, found["pixels"][..., :3].shape)
    )
    if photo.alpha is not None:
        np.testing.assert_array_equal(found["pixels"][..., 3], photo.alpha)


def test_each_bad_file_has_its_line(decode, picture):
    jpeg, png = file_of(picture, "JPEG"), file_of(picture, "PNG")
    deep = Image.fromarray(np.zeros((8, 8), np.uint16))
    bad = {
        b"": b"is empty",
        b"hello": b"is no JPEG or PNG",
        file_of(picture, "GIF"): b"is no JPEG or PNG",
        file_of(picture.convert("CMYK"), "JPEG"): b"such as CMYK",
        file_of(deep, "PNG"): b"16 bits",
        file_of(Image.new("L", (2000, 1000)), "PNG"): b"too large: 2000 x 1000 pixels",
        file_of(picture, "PNG", save_all=True, append_images=[picture.rotate(9)]): b"animation",
    }
    bad |= {part: b"damaged" for part in (jpeg[:3], jpeg[:20], jpeg[:900], jpeg[:-900])}
    bad |= {part: b"damaged" for part in (png[:8], png[:40], png[:900], png[:-900])}
    for data, text in bad.items():
        found = decode(data)
        assert text in found["error"].numpy()
        assert found["pixels"].shape == (0, 0, 4)


def test_no_bytes_make_it_fail(decode, picture):
    random = np.random.default_rng(0)
    files = [file_of(picture, "JPEG", **turned(6)), file_of(picture, "PNG", **turned(6))]
    lines = set()
    for number in range(200):
        data = bytearray(files[number % 2])
        for place in random.integers(0, 700 if number % 3 else len(data), 1 + number % 12):
            data[place] = random.integers(256)
        lines.add(decode(bytes(data))["error"].numpy())
    assert b"" in lines and len(lines) > 2


class Squeezed(Network):
    """64 bits in a photo squeezed to 64 x 64 pixels: squares of 8 x 8, lighter or darker."""

    def __init__(self):
        geometry = {"patch": [64, 64], "block": [64, 64], "channels": 3, "bits": 64, "whole": True}
        super().__init__("squeezed", {"geometry": geometry})

    def _embed(self, image, message, strength):
        grid = (2 * message.reshape(-1, 8, 8) - 1) * np.float32(strength) * 8 / 255
        return (image + np.kron(grid, np.ones((8, 8)))[..., None]).clip(0, 1).astype(np.float32)

    def _extract(self, image):
        return image.mean(-1).reshape(-1, 8, 8, 8, 8).mean((2, 4)).reshape(-1, 1, 1, 64)


def graph_of(network):
    """The graph around a network that is run by Python, so that its numbers are the same."""

    def embed(image, message, strength):
        marked = tf.numpy_function(network.embed, (image, message, strength), tf.float32)
        return tf.ensure_shape(marked, (1, None, None, network.channels))

    def extract(image):
        logits = tf.numpy_function(network.extract, (image,), tf.float32)
        return tf.ensure_shape(logits, (1, None, None, network.bits))

    return PhotoGraph(network, embed, extract)


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("colour_network", "whole")]


@pytest.mark.parametrize("kind", ["quadrant_network", *SLOW])
def test_marks_and_reads_as_python_does(kind, request, picture):
    network = Squeezed() if kind == "whole" else request.getfixturevalue(kind)
    watermarker, graph = Watermarker(network), graph_of(network)
    marking = tf.function(graph.mark, autograph=False, reduce_retracing=True)
    reading = tf.function(graph.votes, autograph=False, reduce_retracing=True)
    slots = np.random.default_rng(0).integers(0, 2, graph.slots).astype(np.float32)
    bright = picture.point(lambda level: min(3 * level, 255))  # where channels end at white
    sizes = [(300, 200), (1301, 907), (200, 1300)]
    for photo in [*(picture.resize(size) for size in sizes), bright, picture.convert("L")]:
        cover = read(file_of(photo, "PNG"))
        channels = cover.pixels.shape[2]
        pixels = np.ascontiguousarray(np.broadcast_to(cover.pixels, (*cover.pixels.shape[:2], 3)))
        marked, error = marking(pixels, tf.constant(channels == 1), slots, tf.constant(1.3))
        expected = Mark.of(network, cover, slots).apply(1.3)
        np.testing.assert_array_equal(marked[..., :channels], expected.pixels)
        quality = 10 * np.log10(255**2 / float(error))
        assert quality == pytest.approx(psnr(cover.pixels, expected.pixels), abs=1e-3)
        votes = watermarker.read_votes(expected)
        np.testing.assert_allclose(reading(marked), votes, rtol=1e-4, atol=1e-4)
