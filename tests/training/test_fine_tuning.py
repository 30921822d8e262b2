import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.training import FineTuned


@pytest.fixture
def host():
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.Conv2D(3, 1)]
    return keras.Sequential([keras.Input((8, 8, 3)), *layers])


@pytest.fixture
def pair():
    image, target = np.random.default_rng(0).random((2, 4, 8, 8, 3), "float32")
    return image, target[:, :6, :6]


def built(host, pair, *arguments):
    tuned = FineTuned(host, "mse", *arguments)
    tuned.build(*(x.shape for x in pair))
    return tuned


def test_takes_the_steps_of_adam(host, pair):
    tuned, copy = built(host, pair, 100, 0.01), keras.models.clone_model(host)
    copy.set_weights(host.get_weights())
    before = host.get_weights()
    copy.compile(keras.optimizers.Adam(0.01), "mse")
    for _ in range(5):
        np.testing.assert_allclose(tuned(*pair), copy(pair[0]), atol=1e-4)
        copy.train_on_batch(*pair)
    assert np.abs(np.asarray(tuned(*pair)) - host(pair[0])).max() > 0.02
    for weight, old in zip(host.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_starts_again_after_its_steps(host, pair):
    tuned, longer = built(host, pair, 3, 0.01), built(host, pair, 100, 0.01)
    first = [np.asarray(tuned(*pair)) for _ in range(4)]
    again = [np.asarray(tuned(*pair)) for _ in range(3)]
    np.testing.assert_allclose(again, first[:3], atol=1e-6)  # Adam's state is new as well
    going_on = [np.asarray(longer(*pair)) for _ in range(5)]
    np.testing.assert_allclose(going_on[:4], first, atol=1e-6)
    assert np.abs(going_on[4] - first[0]).max() > 1e-2


def test_gradients_go_to_the_host_at_the_fine_tuned_weights(host, pair):
    tuned = built(host, pair, 100, 0.01)
    for _ in range(3):
        tuned(*pair)
    copy = keras.models.clone_model(host)
    changes = [np.asarray(change) for change in tuned.change]
    copy.set_weights([w + d for w, d in zip(host.get_weights(), changes, strict=True)])
    found, expected = [], []
    for network, output, into in (
        (host, lambda: tuned(*pair), found),
        (copy, lambda: copy(pair[0]), expected),
    ):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(output())
        into += tape.gradient(loss, [w.value for w in network.trainable_variables])
    for gradient, reference in zip(found, expected, strict=True):
        np.testing.assert_allclose(gradient, reference, rtol=1e-4, atol=1e-4)


def test_is_saved_with_the_trainer_s_weights(host, pair):
    tuned, other = built(host, pair), built(host, pair)
    for _ in range(2):
        tuned(*pair)
    other.set_weights(tuned.get_weights())
    assert float(np.asarray(other.taken)) == 2
    np.testing.assert_array_equal(tuned(*pair), other(*pair))


@pytest.mark.parametrize("arguments", [(0,), (2.5,), (5, -1.0)])
def test_bad_settings(host, arguments):
    with pytest.raises(ValueError, match="Expected .* Received: (steps|learning_rate)="):
        FineTuned(host, "mse", *arguments)
