import keras
import numpy as np
import pytest

from tfwm.layers import SqueezeExcite


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
