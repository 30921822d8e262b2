import keras
import numpy as np
import pytest

from tfwm.layers import Enlarge


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
