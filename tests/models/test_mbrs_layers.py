import keras
import numpy as np
import pytest

from tfwm.models.mbrs import MessageSpread, SqueezeExcite

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("length, side", [(30, 16), (4, 2), (7, 6), (1, 4)])
def test_inverse_is_the_transpose(length, side):
    spread = MessageSpread(length, side)
    message = RNG.normal(size=(2, 2, 3, length)).astype("float32")
    places = spread(message)
    assert places.shape == (2, 2 * side, 3 * side, 1)
    logits = RNG.normal(size=places.shape).astype("float32")
    gathered = spread(logits, inverse=True)
    assert gathered.shape == message.shape
    np.testing.assert_allclose(
        np.sum(np.asarray(places) * logits), np.sum(message * np.asarray(gathered)), rtol=1e-4
    )


@pytest.mark.parametrize(
    "length, rectangle", [(30, (5, 6)), (5, (2, 3)), (64, (8, 8)), (1, (1, 1))]
)
def test_any_part_as_large_as_the_rectangle_holds_every_bit(length, rectangle):
    spread = MessageSpread(length, 19)
    assert spread.rectangle == rectangle
    one_bit_each = np.eye(length, dtype="float32")[:, None, None]
    seen = np.asarray(spread(one_bit_each))[..., 0]
    windows = np.lib.stride_tricks.sliding_window_view(seen, rectangle, axis=(1, 2))
    assert windows.max(axis=(-1, -2)).min() == 1


def test_each_place_holds_one_bit():
    spread = MessageSpread(30, 32)
    message = np.where(RNG.random((1, 1, 1, 30)) < 0.5, -1.0, 1.0).astype("float32")
    places = np.asarray(spread(message))
    np.testing.assert_array_equal(places[0, :5, :6, 0].ravel(), message.ravel())
    assert set(np.unique(places)) == {-1.0, 1.0}
    readings = (np.asarray(spread(places, inverse=True)) / message).ravel()
    # 32 rows hold 6 or 7 rectangles of 5, 32 columns 5 or 6 of 6.
    assert readings.sum() == 32 * 32 and readings.min() == 30 and readings.max() == 42


def test_tiles_keep_to_themselves():
    spread = MessageSpread(1, 4)
    message = np.zeros((1, 2, 2, 1), "float32")
    message[0, 1, 0] = 1
    places = np.array(spread(message))[0]
    assert places[4:, :4].min() == 1
    places[4:, :4] = 0
    assert not places.any()


def test_in_a_model(tmp_path):
    message = keras.Input((None, 2, 30))
    spread = MessageSpread(30, 16)
    places = spread(message)
    assert places.shape == (None, None, 32, 1)
    back = spread(places, inverse=True)
    assert back.shape == (None, None, 2, 30)
    model = keras.Model(message, back)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = RNG.normal(size=(1, 1, 2, 30)).astype("float32")
    np.testing.assert_array_equal(loaded(x), model(x))


@pytest.mark.parametrize("length, side", [(0, 16), (30, 5), (30, 0)])
def test_bad_arguments(length, side):
    with pytest.raises(ValueError, match=f"Received: length={length}, side={side}"):
        MessageSpread(length, side)


@pytest.fixture
def features():
    return np.random.default_rng(0).normal(1.0, 1.0, (2, 6, 10, 16)).astype("float32")


def test_equals_the_formula(features):
    layer = SqueezeExcite(4)
    layer.build(features.shape)
    rng = np.random.default_rng(1)
    k1, b1, k2, b2 = (rng.normal(size=w.shape).astype("float32") for w in layer.weights)
    layer.set_weights([k1, b1, k2, b2])
    assert k1.shape == (16, 4) and k2.shape == (4, 16)
    hidden = np.maximum(features.mean(axis=(1, 2)) @ k1 + b1, 0)
    gate = 1 / (1 + np.exp(-(hidden @ k2 + b2)))
    expected = features * gate[:, None, None]
    np.testing.assert_allclose(layer(features), expected, atol=1e-5)


def test_any_size_and_few_channels():
    layer = SqueezeExcite()
    assert layer(np.ones((1, 4, 4, 3), "float32")).shape == (1, 4, 4, 3)
    assert layer(np.ones((2, 9, 5, 3), "float32")).shape == (2, 9, 5, 3)
    assert layer.squeeze.units == 1


def test_saves_and_loads(tmp_path, features):
    inputs = keras.Input((None, None, 16))
    model = keras.Model(inputs, SqueezeExcite(2)(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(features), model(features))
    assert loaded.layers[-1].ratio == 2


def test_mixed_precision_keeps_the_type(features):
    layer = SqueezeExcite(dtype="mixed_bfloat16")
    assert layer(features).dtype == "bfloat16"


def test_bad_ratio():
    with pytest.raises(ValueError, match="ratio of at least 1. Received: ratio=0"):
        SqueezeExcite(0)
