import keras
import numpy as np
import pytest

from tfwm.layers import ReflectionPadding


@pytest.mark.parametrize("size", [0, 1, 3])
def test_equals_numpy(size):
    image = np.random.default_rng(0).normal(size=(2, 5, 7, 3)).astype("float32")
    sides = ((0, 0), (size, size), (size, size), (0, 0))
    np.testing.assert_array_equal(ReflectionPadding(size)(image), np.pad(image, sides, "reflect"))


def test_saves_and_loads(tmp_path):
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
