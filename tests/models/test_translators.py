import re

import keras
import numpy as np
import pytest

from tfwm.models import translators
from tfwm.models.translators import Enlarge, ReflectionPadding
from tfwm.ops.color import rgb_to_gray, rgb_to_yuv


@pytest.fixture
def image(photo):
    return photo[:, :32, :48]


def without_last(model, name):
    """The network with its last convolution set to nothing."""
    layer = model.get_layer(name)
    layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])
    return model


@pytest.mark.parametrize(
    "build, arguments, last",
    [
        (translators.build_unet, {"depth": 3, "residual": True}, "up1"),
        (translators.build_resnet, {"blocks": 1, "residual": True}, "last"),
        (translators.build_super_resolver, {"blocks": 1, "scale": 2}, "last"),
    ],
)
def test_residual_networks_without_a_change_give_the_image(build, arguments, last, image):
    model = build(width=4, **arguments)
    size = np.array(image.shape[1:3]) * arguments.get("scale", 1)
    enlarged = keras.ops.image.resize(image, size, "bilinear")
    begin = np.abs(np.asarray(model(image)) - enlarged).mean()
    assert 0 < begin < 0.2
    np.testing.assert_allclose(without_last(model, last)(image), enlarged, atol=1e-6)


@pytest.mark.parametrize(
    "build, arguments, last",
    [
        (translators.build_unet, {"depth": 2}, "up1"),
        (translators.build_resnet, {"blocks": 0}, "last"),
    ],
)
def test_residual_is_up_to_half_the_range_and_clipped(build, arguments, last, image):
    model = build(residual=True, width=4, **arguments)
    model.get_layer(last).bias.assign([100.0, -100.0, 0.0])
    out = np.asarray(model(image))
    np.testing.assert_allclose(out[..., 0], np.clip(image[..., 0] + 0.5, 0, 1), atol=1e-6)
    np.testing.assert_allclose(out[..., 1], np.clip(image[..., 1] - 0.5, 0, 1), atol=1e-6)


def test_direct_networks_give_any_channels(photo, gray_photo):
    color = translators.build_unet(1, 3, 4, 3)
    assert color(gray_photo[:, :32, :48]).shape == (1, 32, 48, 3)
    gray = translators.build_resnet(0, 3, 1, 4)
    out = without_last(gray, "last")(photo[:, :32, :48])
    np.testing.assert_allclose(out, np.full((1, 32, 48, 1), 0.5))


def test_dropout_in_training_only(photo):
    keras.utils.set_random_seed(0)
    model = translators.build_unet(width=2, depth=6, dropout=0.5)
    assert [x.name for x in model.layers if "dropout" in x.name] == ["up5_dropout"]
    names = [x.name for x in translators.build_unet(width=1, dropout=0.5).layers]
    assert [name for name in names if "dropout" in name] == [f"up{i}_dropout" for i in (7, 6, 5)]
    image = photo[:, :64, :64]
    np.testing.assert_array_equal(model(image), model(image))
    assert np.abs(np.asarray(model(image, training=True)) - model(image, training=True)).max() > 0


def test_blocks_and_their_convolutions():
    def convolutions(**arguments):
        model = translators.build_resnet(3, width=1, **arguments)
        return [x.name for x in model.layers if "block1" in x.name and hasattr(x, "kernel")]

    assert convolutions() == ["block1_conv1", "block1_conv2"]
    assert convolutions(block_depth=1) == ["block1_conv1"]


def test_reflection_leaves_no_frame():
    """What a wide convolution sees of a plain image is plain up to the borders."""
    model = translators.build_super_resolver(width=4, blocks=0, scale=2)
    plain = np.full((1, 24, 24, 3), 0.4, "float32")
    seen = keras.Model(model.input, model.get_layer("first").output)(plain)
    np.testing.assert_allclose(seen, np.broadcast_to(seen[:, :1, :1], seen.shape), atol=1e-5)


@pytest.mark.parametrize(
    "build, arguments",
    [
        (translators.build_unet, {"depth": 1}),
        (translators.build_unet, {"normalization": "layer"}),
        (translators.build_unet, {"channels_in": 0}),
        (translators.build_resnet, {"blocks": -1}),
        (translators.build_resnet, {"block_depth": 0}),
        (translators.build_super_resolver, {"scale": 3}),
        (translators.build_super_resolver, {"blocks": 1.5}),
    ],
)
def test_bad_arguments(build, arguments):
    ((key, value),) = arguments.items()
    with pytest.raises(ValueError, match=re.escape(f"Received: {key}={value!r}")):
        build(**arguments)


def test_residual_needs_as_many_channels():
    with pytest.raises(ValueError, match="Received: channels_in=3, channels_out=1"):
        translators.build_resnet(0, 3, 1, 4, residual=True)


@pytest.mark.parametrize(
    "build, last",
    [
        (lambda: translators.build_unet(1, 3, 4, 3, residual=True), "up1"),
        (lambda: translators.build_resnet(0, 1, 3, 4, residual=True), "last"),
    ],
)
def test_gray_input_is_given_its_chroma(build, last, gray_photo):
    gray = gray_photo[:, :32, :48]
    model = build()
    colored = np.asarray(model(gray))
    assert colored.shape == (1, 32, 48, 3)
    inside = ((colored > 0) & (colored < 1)).all(-1, keepdims=True)  # not clipped
    assert inside.mean() > 0.5
    np.testing.assert_allclose(np.asarray(rgb_to_gray(colored))[inside], gray[inside], atol=1e-5)
    assert np.ptp(colored, axis=-1).max() > 0.01
    plain = without_last(model, last)(gray)
    np.testing.assert_allclose(plain, np.repeat(gray, 3, -1), atol=1e-6)


def test_chroma_reaches_every_color():
    color = np.array([[[[1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]], [[0.3, 0.9, 0.1]]]], "float32")
    yuv = np.asarray(rgb_to_yuv(color))
    chroma = yuv[..., 1:] / translators.LARGEST_CHROMA
    assert np.abs(chroma).max() == pytest.approx(1.0, abs=1e-4)
    found = translators.AddChroma()([yuv[..., :1], chroma])
    np.testing.assert_allclose(found, color, atol=1e-5)


def test_equals_up_sampling_of_keras(photo):
    small = photo[:, :12, :20]
    reference = keras.layers.UpSampling2D(4, interpolation="bilinear")(small)
    np.testing.assert_allclose(Enlarge(4)(small), reference, atol=1e-6)
    np.testing.assert_array_equal(Enlarge(1)(small), small)


def test_saves_and_loads(tmp_path, photo):
    inputs = keras.Input((None, 20, 3))
    outputs = Enlarge(2)(inputs)
    assert outputs.shape == (None, None, 40, 3)
    model = keras.Model(inputs, outputs)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(photo[:, :8, :20]), model(photo[:, :8, :20]))


def test_bad_scale():
    with pytest.raises(ValueError, match="Received: scale=0"):
        Enlarge(0)


@pytest.mark.parametrize("size", [0, 1, 3])
def test_equals_numpy(size):
    image = np.random.default_rng(0).normal(size=(2, 5, 7, 3)).astype("float32")
    sides = ((0, 0), (size, size), (size, size), (0, 0))
    np.testing.assert_array_equal(ReflectionPadding(size)(image), np.pad(image, sides, "reflect"))


def test_reflection_padding_saves_and_loads(tmp_path):
    inputs = keras.Input((None, 6, 2))
    outputs = ReflectionPadding(2)(inputs)
    assert outputs.shape == (None, None, 10, 2)
    model = keras.Model(inputs, outputs)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(1, 4, 6, 2)).astype("float32")
    np.testing.assert_array_equal(loaded(x), model(x))


@pytest.mark.parametrize("size", [-1, 1.5])
def test_bad_size(size):
    with pytest.raises(ValueError, match=f"Received: size={size}"):
        ReflectionPadding(size)
