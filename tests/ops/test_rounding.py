import numpy as np
import pytest
import tensorflow as tf

from tfwm.ops import rounding

X = np.array([-1.5, -0.6, -0.2, 0.0, 0.3, 0.5, 1.5, 2.7], np.float32)


def value_and_gradient(function, x=X):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return y.numpy(), tape.gradient(y, x).numpy()


@pytest.mark.parametrize(
    "function, reference",
    [
        (lambda x: rounding.straight_through(tf.round(x), x), np.rint),
        (lambda x: rounding.straight_through(tf.floor(x), x), np.floor),
        (rounding.straight_through_clip, lambda x: np.clip(x, 0, 1)),
    ],
)
def test_straight_through(function, reference):
    value, gradient = value_and_gradient(function)
    np.testing.assert_array_equal(value, reference(X))
    np.testing.assert_array_equal(gradient, np.ones_like(X))


def test_cubic_round():
    value, gradient = value_and_gradient(rounding.cubic_round)
    error = X - np.rint(X)
    np.testing.assert_allclose(value, np.rint(X) + error**3, rtol=1e-6)
    np.testing.assert_allclose(gradient, 3 * error**2, rtol=1e-6)


def test_cubic_round_at_zero():
    value, gradient = value_and_gradient(rounding.cubic_round_at_zero)
    near_zero = np.abs(X) < 0.5
    np.testing.assert_allclose(value, np.where(near_zero, X**3, X), rtol=1e-6)
    np.testing.assert_allclose(gradient, np.where(near_zero, 3 * X**2, 1), rtol=1e-6)
