import keras
import numpy as np

from tfwm.layers import RandomMessage

IMAGES = np.zeros((64, 8, 8, 1), "float32")


def test_bits_are_fair_and_fresh():
    layer = RandomMessage((4, 4, 1), seed=0)
    first, second = np.asarray(layer(IMAGES)), np.asarray(layer(IMAGES))
    assert set(np.unique(first)) == {0.0, 1.0}
    assert abs(first.mean() - 0.5) < 0.06  # 1024 bits: 4 sigma
    assert not np.array_equal(first, second)


def test_repeats_by_seed():
    np.testing.assert_array_equal(
        RandomMessage((30,), seed=5)(IMAGES), RandomMessage((30,), seed=5)(IMAGES)
    )


def test_weights_file_goes_on_with_fresh_messages(tmp_path):
    model = keras.Sequential([keras.Input((8, 8, 1)), RandomMessage((30,), seed=5)])
    first = np.asarray(model(IMAGES))
    model.save_weights(tmp_path / "model.weights.h5")
    expected = np.asarray(model(IMAGES))
    again = keras.Sequential([keras.Input((8, 8, 1)), RandomMessage((30,), seed=5)])
    again.load_weights(tmp_path / "model.weights.h5")
    resumed = np.asarray(again(IMAGES))
    np.testing.assert_array_equal(resumed, expected)
    assert not np.array_equal(resumed, first)
