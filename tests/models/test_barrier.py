import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfwm.models import barrier


def convolutions(model):
    return [layer for layer in model.layers if hasattr(layer, "kernel")]


def given(image, watermark, strength=1.0):
    return {"image": image, "message": watermark, "strength": np.full(len(image), strength)}


@pytest.fixture(scope="module")
def embedder():
    return barrier.build_embedder(watermark_channels=1, width=4, depth=3, residual_limit=0.1)


@pytest.fixture(scope="module")
def extractor():
    return barrier.build_extractor(
        watermark_channels=1, width=4, halvings=2, dilations=(1, 2), output="sigmoid"
    )


@pytest.fixture
def inputs(photo, gray_photo):
    return given(photo[:, :32, :48], gray_photo[:, :32, :48])


def test_layers_of_the_code():
    """Its number of weights is in `test_image_networks.py`."""
    embedder = barrier.build_embedder(width=2)
    downs = [x.kernel.shape[-1] for x in convolutions(embedder) if x.name.startswith("down")]
    assert downs == [2, 4, 8, 16, 16, 16, 16]
    names = [layer.name for layer in embedder.layers]
    assert "down1_norm" not in names and "down2_norm" in names
    assert "down6_norm" in names and "down7_norm" not in names and "up7_norm" in names
    biases = [layer.name for layer in convolutions(embedder) if layer.use_bias]
    assert biases == ["up1"]
    extractor = barrier.build_extractor(width=2)
    seen = [extractor.get_layer(f"block{i}_conv2").dilation_rate[0] for i in range(1, 10)]
    assert seen == [2, 2, 2, 2, 4, 4, 4, 4, 1]


def test_change_is_bounded_and_begins_small(embedder, inputs):
    marked = np.asarray(embedder(inputs))
    change = np.abs(marked - inputs["image"])
    assert 0 < change.max() < 0.03
    embedder.get_layer("up1").bias.assign([100.0, -100.0, 0.0])
    change = np.asarray(embedder(inputs)) - inputs["image"]
    embedder.get_layer("up1").bias.assign([0.0, 0.0, 0.0])
    np.testing.assert_allclose(change[..., 0], 0.1, atol=1e-6)
    np.testing.assert_allclose(change[..., 1], -0.1, atol=1e-6)


def test_direct_output_is_the_codes(inputs):
    embedder = barrier.build_embedder(watermark_channels=1, width=4, depth=3)
    marked = np.asarray(embedder(inputs))
    assert marked.shape == (1, 32, 48, 3) and 0.3 < marked.min() and marked.max() < 0.7


def test_watermark_changes_the_mark(embedder, inputs):
    other = {**inputs, "message": 1 - inputs["message"]}
    assert np.abs(np.asarray(embedder(inputs)) - np.asarray(embedder(other))).max() > 1e-5


def test_strength_scales_the_change(embedder, inputs):
    half = {**inputs, "strength": 0.5 * inputs["strength"]}
    changes = [np.asarray(embedder(given)) - inputs["image"] for given in (inputs, half)]
    np.testing.assert_allclose(changes[1], 0.5 * changes[0], atol=1e-6)


def test_any_size(embedder, extractor, photo, gray_photo):
    for height, width in ((24, 40), (64, 16)):
        image, watermark = photo[:, :height, :width], gray_photo[:, :height, :width]
        marked = embedder(given(image, watermark))
        assert marked.shape == image.shape and extractor(marked).shape == watermark.shape


def test_outputs_of_the_extractor(extractor, inputs):
    read = np.asarray(extractor(inputs["image"]))
    assert 0 < read.min() and read.max() < 1
    plain = barrier.build_extractor(width=4, dilations=())
    read = np.asarray(plain(inputs["image"]))
    assert read.shape == (1, 32, 48, 3) and read.min() == 0 and read.max() > 0


def test_fit_watermark_tiles():
    mark = np.random.default_rng(0).random((3, 5, 3)).astype("float32")
    tiled = barrier.fit_watermark(mark, (8, 9), "tile")
    np.testing.assert_array_equal(tiled, np.tile(mark, (3, 2, 1))[:8, :9])


def test_fit_watermark_nearest_keeps_two_colors():
    mark = np.random.default_rng(0).integers(0, 2, (21, 21, 1)).astype("float32")
    large = barrier.fit_watermark(mark, (63, 42), "nearest")
    np.testing.assert_array_equal(large, np.kron(mark, np.ones((3, 2, 1))))


def test_fit_watermark_resizes_as_pillow(gray_photo):
    mark = gray_photo[0, :40, :60]
    picture = Image.fromarray(mark[..., 0]).resize((32, 96), Image.Resampling.BILINEAR)
    fitted = barrier.fit_watermark(mark, (96, 32))
    np.testing.assert_allclose(fitted[..., 0], np.asarray(picture), atol=1e-5)


def test_fit_watermark_to_a_size_known_later(gray_photo):
    mark = gray_photo[0, :20, :30]

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3))])
    def fitted(image):
        size = tf.unstack(tf.shape(image)[1:3])
        return [barrier.fit_watermark(mark, size, method) for method in barrier.FITS]

    for found, method in zip(fitted(np.zeros((1, 16, 48, 3))), barrier.FITS, strict=True):
        expected = barrier.fit_watermark(mark, (16, 48), method)
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    "build, arguments",
    [
        (barrier.build_embedder, {"width": 0}),
        (barrier.build_embedder, {"depth": 1}),
        (barrier.build_embedder, {"normalization": "layer"}),
        (barrier.build_embedder, {"residual_limit": 0}),
        (barrier.build_embedder, {"residual_limit": 2.0}),
        (barrier.build_extractor, {"halvings": 0}),
        (barrier.build_extractor, {"dilations": (1, 0)}),
        (barrier.build_extractor, {"output": "tanh"}),
        (barrier.build_extractor, {"watermark_channels": 0}),
    ],
)
def test_bad_arguments(build, arguments):
    ((key, value),) = arguments.items()
    with pytest.raises(ValueError, match=re.escape(f"{key}={value!r}")):
        build(**arguments)


def test_bad_watermarks():
    with pytest.raises(ValueError, match="Received: method='cubic'"):
        barrier.fit_watermark(np.zeros((4, 4, 1)), (8, 8), "cubic")
    with pytest.raises(ValueError, match=r"Received: watermark of shape \(4, 4\)"):
        barrier.fit_watermark(np.zeros((4, 4)), (8, 8))


@pytest.mark.parametrize("seed", range(3))
def test_a_relu_begins_near_white(seed, photo):
    """From a bias of 0, most of a channel is 0 at first."""
    keras.utils.set_random_seed(seed)
    extractor = barrier.build_extractor(width=16, halvings=2, output="relu")
    alive = np.mean(np.asarray(extractor(photo[:, :64, :64])) > 0, axis=(0, 1, 2))
    assert alive.min() > 0.7
