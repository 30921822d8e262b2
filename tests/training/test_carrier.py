import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.training import Carrier
from tfwm.training.carrier import common_part, learnable_part, repeated_part

PATTERN = np.tile(np.random.default_rng(0).normal(size=(4, 4, 3)), (8, 8, 1))[None]


@pytest.fixture
def grays():
    """Images of one gray each, from black to white."""
    return np.linspace(0, 1, 16).reshape(16, 1, 1, 1) * np.ones((16, 32, 32, 3))


def test_the_sign_is_a_cosine_of_brightness(grays, photo):
    sign = Carrier(2.0)(grays)
    assert sign.shape == (16, 32, 32, 1)
    expected = np.cos(4 * np.pi * (np.linspace(0, 1, 16) - 0.4))
    np.testing.assert_allclose(sign, expected.reshape(16, 1, 1, 1) * np.ones(sign.shape), atol=1e-5)
    seen = np.asarray(Carrier(2.0)(photo))
    noisy = np.asarray(Carrier(2.0)(photo + np.random.default_rng(0).normal(0, 0.03, photo.shape)))
    assert np.abs(seen).max() <= 1 and seen.std() > 0.4
    assert np.corrcoef(seen.ravel(), noisy.ravel())[0, 1] > 0.98


def test_cycles_grow_from_none(grays):
    carrier = Carrier(1.0, start=2, steps=4)
    shares = []
    for _ in range(8):
        sign = carrier(grays, training=True)
        shares.append(float(carrier.grown()))
        assert shares[-1] > 0 or len(shares) > 2 or np.all(sign == 1)
    assert shares == [0, 0, 0.25, 0.5, 0.75, 1, 1, 1]
    carrier(grays)
    assert float(carrier.calls) == 8
    again = Carrier.from_config(carrier.get_config())
    assert (again.cycles, again.start, again.steps) == (1.0, 2, 4)
    assert Carrier(1.0).grown() == 1.0


def test_what_follows_the_sign_is_learnable_and_not_common(grays):
    sign = Carrier(1.5)(grays)
    residual = tf.cast(PATTERN, tf.float32) * sign
    np.testing.assert_allclose(learnable_part(residual, sign, 4), residual, atol=1e-5)
    share = float(tf.reduce_mean(common_part(residual, 4) ** 2))
    assert share < 0.05
    fixed = tf.tile(tf.cast(PATTERN, tf.float32), (16, 1, 1, 1))
    assert float(tf.reduce_mean(common_part(fixed, 4) ** 2)) == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(learnable_part(fixed, 1.0, 4), fixed[:1], atol=1e-5)


def test_common_parts_have_a_gradient_that_makes_them_smaller():
    residual = tf.Variable(np.random.default_rng(1).normal(size=(8, 8, 8, 1)) + 1.0)
    with tf.GradientTape() as tape:
        share = tf.reduce_mean(common_part(residual, 4) ** 2)
    residual.assign_sub(20.0 * tape.gradient(share, residual))
    assert tf.reduce_mean(common_part(residual, 4) ** 2) < share
    assert repeated_part(residual, 4).shape == (1, 8, 8, 1)


@pytest.mark.parametrize("arguments", [{"cycles": 0}, {"cycles": 1, "start": -1}])
def test_numbers_that_cannot_be(arguments):
    with pytest.raises(ValueError, match="Expected cycles above 0"):
        Carrier(**arguments)


def test_it_is_saved_with_its_count(tmp_path, grays):
    carrier = Carrier(1.0, start=1, steps=9)
    image = keras.Input((32, 32, 3))
    model = keras.Model(image, carrier(image))
    carrier(grays, training=True)
    model.save(tmp_path / "carrier.keras")
    again = keras.models.load_model(tmp_path / "carrier.keras")
    assert float(again.layers[-1].calls) == 1
