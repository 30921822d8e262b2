import keras
import numpy as np
import pytest

from tfwm.layers import InstanceNormalization


@pytest.fixture
def features():
    return np.random.default_rng(0).normal(3.0, 2.0, (2, 6, 10, 4)).astype("float32")


def test_equals_group_normalization_of_keras(features):
    reference = keras.layers.GroupNormalization(-1, epsilon=1e-5, center=False, scale=False)
    np.testing.assert_allclose(InstanceNormalization()(features), reference(features), atol=2e-6)


def test_vectors_are_normalised_over_their_features(features):
    vectors = features.reshape(2, -1)
    reference = keras.layers.LayerNormalization(epsilon=1e-5, center=False, scale=False)
    np.testing.assert_allclose(InstanceNormalization()(vectors), reference(vectors), atol=2e-6)


def test_no_weights_and_no_difference_in_training(features):
    layer = InstanceNormalization()
    np.testing.assert_array_equal(layer(features, training=True), layer(features))
    assert layer.weights == []


def test_statistics_of_bfloat16_are_exact(features):
    """In bfloat16 a mean of 300 and a deviation of 1 would be lost."""
    layer = InstanceNormalization(dtype="mixed_bfloat16")
    out = np.asarray(layer(features)).astype("float32")
    assert layer(features).dtype == "bfloat16"
    np.testing.assert_allclose(out.mean(axis=(1, 2)), 0, atol=0.01)
    np.testing.assert_allclose(out.std(axis=(1, 2)), 1, atol=0.01)


def test_constant_channel_gives_zeros():
    out = InstanceNormalization()(np.full((1, 4, 4, 2), 0.7, "float32"))
    np.testing.assert_allclose(out, 0, atol=1e-4)


def test_saves_and_loads(tmp_path, features):
    inputs = keras.Input((None, None, 4))
    model = keras.Model(inputs, InstanceNormalization(1e-3)(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(features), model(features))
    assert loaded.layers[-1].epsilon == 1e-3


def test_affine_has_a_scale_and_offset_for_each_channel(features):
    layer = InstanceNormalization(affine=True)
    np.testing.assert_array_equal(layer(features), InstanceNormalization()(features))
    reference = keras.layers.GroupNormalization(-1, epsilon=1e-5)
    reference.build(features.shape)
    weights = [np.array([1.0, 2.0, -1.0, 0.5]), np.array([0.0, 3.0, 1.0, -2.0])]
    layer.set_weights(weights)
    reference.set_weights(weights)
    np.testing.assert_allclose(layer(features), reference(features), atol=5e-6)
    again = InstanceNormalization.from_config(layer.get_config())
    assert again.affine
