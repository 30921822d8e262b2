"""What a served network answers, without HTTP or gRPC."""

import numpy as np
import pytest
from PIL import Image

import tfwm
from tfwm.images import read_photo
from tfwm.serving.models import Limits, Model
from tfwm.web import Busy


@pytest.fixture(scope="module")
def model(served):
    return served.models["photo"]


def test_marked_pixels_are_those_of_the_watermarker(model, watermarker, photos, embed_inputs):
    found = model.predict("embed_bytes", embed_inputs())
    assert found["error"].tolist() == [b""] * len(photos)
    for encoded, marked, psnr in zip(photos, found["image_bytes"], found["psnr"], strict=True):
        ours = watermarker.prepare(encoded, "Ada", key="secret", bound=False).apply()
        np.testing.assert_array_equal(read_photo(marked).pixels, ours.pixels)
        mark = watermarker.prepare(encoded, "Ada", key="secret", bound=False)
        assert psnr == pytest.approx(mark.psnr(ours))
        assert watermarker.extract(marked, key="secret").message == "Ada"


def test_votes_are_those_of_the_watermarker(model, watermarker, photos, embed_inputs):
    marked = model.predict("embed_bytes", embed_inputs(file_format="keep"))["image_bytes"]
    found = model.predict("extract_bytes", {"image_bytes": marked})
    assert found["votes"].shape == (len(photos), model.slots) and not any(found["error"])
    for encoded, votes in zip(marked, found["votes"], strict=True):
        np.testing.assert_array_equal(votes, watermarker.read_votes(encoded))
        assert watermarker.codec("secret").decode(votes).message == "Ada"


def test_a_network_behind_a_filter_is_served_as_arrays(photos):
    network = tfwm.load("photo-private").network
    private = Model(network)
    assert private.network.phases == network.phases > 0
    image = np.random.default_rng(0).random((1, 64, 64, 1), np.float32)
    found = private.predict("extract", {"image": image})["logits"]
    np.testing.assert_allclose(found, network.extract(image), atol=1e-4)
    with pytest.raises(ValueError, match="RemoteWatermarker does all that. Received: extract_b"):
        private.predict("extract_bytes", {"image_bytes": [photos[0]]})


def test_formats_and_what_a_file_carries(model, photos, embed_inputs):
    kinds = {"png": ["PNG"] * 4, "jpeg": ["JPEG"] * 4, "keep": ["JPEG", "PNG", "PNG", "JPEG"]}
    for name, expected in kinds.items():
        found = model.predict("embed_bytes", embed_inputs(file_format=name))["image_bytes"]
        assert [read_photo(encoded).file_format for encoded in found] == expected
    upright = read_photo(found[3])
    assert upright.pixels.shape == read_photo(photos[3]).pixels.shape


def test_one_bad_photo_does_not_harm_the_others(model, photos, embed_inputs):
    inputs = embed_inputs([photos[0], b"no photo", b"", photos[1][:-500], photos[0], photos[0]])
    inputs["strength"][4] = -1
    inputs["message"][5, 3] = 0.5
    found = model.predict("embed_bytes", inputs)
    assert found["error"][0] == b"" and read_photo(found["image_bytes"][0]).pixels.size
    words = [b"not an image", b"empty", b"damaged", b"strength", b"message of 0 and 1"]
    for n, word in enumerate(words, 1):
        assert word in found["error"][n] and b"\n" not in found["error"][n]
        assert found["image_bytes"][n] == b"" and np.isnan(found["psnr"][n])
    read = model.predict("extract_bytes", {"image_bytes": [photos[0], b"x"]})
    assert np.isnan(read["votes"][1]).all() and np.isfinite(read["votes"][0]).all()


def test_pixels_of_a_request_are_bounded_before_they_are_decoded(model, photos, monkeypatch, png):
    large = png(Image.new("L", (1500, 1400)))
    middle = png(Image.new("RGB", (1000, 900)))
    read = model.predict(
        "extract_bytes", {"image_bytes": [large, middle, photos[0], middle, middle]}
    )
    assert b"at most 2 megapixels" in read["error"][0] and read["error"][1:4].tolist() == [b""] * 3
    assert b"in another one" in read["error"][4]


@pytest.mark.parametrize(
    ("name", "change", "word"),
    [
        ("nothing", {}, "a signature of embed_bytes"),
        ("extract_bytes", {"image_bytes": []}, "1 to 8 photos"),
        ("extract_bytes", {"image_bytes": [b""] * 9}, "1 to 8 photos"),
        ("extract_bytes", {"other": [b""]}, "Expected the inputs image_bytes"),
        ("extract_bytes", {"image_bytes": [1]}, "Expected image_bytes of string"),
        ("embed_bytes", {"message": np.zeros((4, 3))}, "of shape"),
        ("embed_bytes", {"strength": 1.0}, "of shape"),
        ("embed_bytes", {"strength": ["a"] * 4}, "Expected strength of float32"),
        ("embed_bytes", {"quality": np.ones(3)}, "as many of each"),
        ("embed_bytes", {"quality": np.full(4, 2**32 + 95)}, "whole ones of 32 bits"),
        ("embed_bytes", {"quality": [95.0, 95.0, 95.0, 1e300]}, "whole ones of 32 bits"),
        ("extract", {"image": np.zeros((1, 8, 8, 3))}, "of shape"),
        ("extract", {"image": np.zeros((1, 9, 8, 1))}, "multiple of 8"),
        ("extract", {"image": np.zeros((1, 2048, 2048, 1), np.float32)}, "send photos as files"),
    ],
)
def test_wrong_requests(model, embed_inputs, name, change, word):
    inputs = {**embed_inputs(), **change} if name == "embed_bytes" else change
    with pytest.raises(ValueError, match=word):
        model.predict(name, inputs)


def test_arrays_are_those_of_the_network(model, quadrant_network):
    image = np.random.default_rng(1).random((3, 32, 40, 1), np.float32)
    message = np.ones((3, *quadrant_network.message_shape(32, 40)), np.float32)
    strength = np.float32([1, 0.5, 2])
    inputs = {"image": image, "message": message, "strength": strength}
    for name in ("", "serving_default", "embed"):
        marked = model.predict(name, inputs)["watermarked"]
        np.testing.assert_array_equal(marked, quadrant_network.embed(image, message, strength))
    logits = model.predict("extract", {"image": image})["logits"]
    np.testing.assert_array_equal(logits, quadrant_network.extract(image))


@pytest.mark.parametrize("strength", [np.nan, np.inf, 0, -1, 1e9])
def test_arrays_take_the_strengths_that_photos_take(model, strength):
    inputs = {"image": np.zeros((2, 32, 40, 1), np.float32), "message": np.ones((2, 4, 5, 1))}
    with pytest.raises(ValueError, match="a strength above 0"):
        model.predict("embed", {**inputs, "strength": [1, strength]})


def test_arrays_that_wait_too_long_are_told_so(watermarker, monkeypatch):
    model = Model(watermarker.network)
    asked = []

    def late(*_, patience):
        asked.append(patience)
        raise Busy("late")

    monkeypatch.setattr(model.network, "_batcher", late)
    with pytest.raises(Busy):
        model.predict("extract", {"image": np.zeros((1, 32, 40, 1), np.float32)}, patience=0.5)
    assert 0 < asked[0] <= 0.5


def test_our_own_faults_are_not_told(model, photos, monkeypatch, caplog):
    def broken(photo):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(model._watermarker, "read_votes", broken)
    found = model.predict("extract_bytes", {"image_bytes": [photos[0]]})
    assert found["error"][0] == b"Something went wrong here." and "secret detail" in caplog.text


def test_who_waits_too_long_is_told_so(watermarker, photos, monkeypatch):
    import threading

    model, go_on = Model(watermarker.network, limits=Limits(workers=1)), threading.Event()
    monkeypatch.setattr(
        model._watermarker, "read_votes", lambda _: go_on.wait(5) and np.zeros(1024)
    )
    threading.Timer(0.3, go_on.set).start()
    with pytest.raises(Busy):
        model.predict("extract_bytes", {"image_bytes": [photos[0]] * 2}, patience=0.1)


def test_without_batching_the_result_is_the_same(watermarker, embed_inputs, model):
    plain = Model(watermarker.network, max_batch=1)
    assert plain.network is watermarker.network
    ours, theirs = (m.predict("embed_bytes", embed_inputs()) for m in (plain, model))
    assert ours["image_bytes"].tolist() == theirs["image_bytes"].tolist()
