import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.training import FineTuned, Innocent
from tfwm.training.simulated import innocent_outputs


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
    changes = [np.asarray(change) for change in tuned.own]
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


@pytest.fixture
def network():
    keras.utils.set_random_seed(1)
    layers = [
        keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
        keras.layers.Conv2D(3, 1),
    ]
    return keras.Sequential([keras.Input((8, 8, 3)), *layers])


def innocent(network, steps, **arguments):
    layer = Innocent(network, "mse", steps, **arguments)
    layer.build()
    return layer


@pytest.fixture
def images():
    return np.random.default_rng(1).random((4, 8, 8, 3), "float32")


def test_innocent_networks_learn(network, images):
    layer, before = innocent(network, 10**9, learning_rate=0.01), network.get_weights()
    first = np.asarray(layer(images, images))
    np.testing.assert_allclose(first, network(images), atol=1e-6)
    for _ in range(150):
        last = np.asarray(layer(images, images))
    assert np.mean((last - images) ** 2) < 0.2 * np.mean((first - images) ** 2)
    for weight, old in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)
    assert not layer.trainable_variables  # nothing for an optimizer


def test_innocent_networks_start_again_as_other_ones(network, images):
    layer = innocent(network, 1)  # anew at each step
    outputs = [np.asarray(layer(images, images)) for _ in range(3)]
    assert min(np.abs(a - b).max() for a, b in zip(outputs, outputs[1:], strict=False)) > 0.1
    kernel = np.asarray(layer.own[0])
    assert kernel.std() == pytest.approx(network.get_weights()[0].std(), rel=0.2)
    assert not np.asarray(layer.own[1]).any()  # biases start at 0
    assert float(np.asarray(layer.begun)) == 3
    twin = innocent(network, 1)
    np.testing.assert_array_equal([np.asarray(twin(images, images)) for _ in range(3)], outputs)
    other = innocent(network, 1, seed=5)
    other(images, images)
    assert np.abs(np.asarray(other(images, images)) - outputs[1]).max() > 0.1


def test_how_often_innocent_networks_start_again(network, images):
    layer = innocent(network, 5)
    run = tf.function(lambda: layer(images, images))
    for _ in range(400):
        run()
    assert float(np.asarray(layer.begun)) == pytest.approx(80, abs=25)


def test_innocent_networks_enlarge_after_every_other_start(images):
    same = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Identity()])
    layer = Innocent(same, "mse", 10**9)
    layer.build()
    gray = images[:, ::2, ::2, :1]
    squeezed = tf.image.resize(np.repeat(gray, 3, axis=-1), (8, 8), "bicubic")
    np.testing.assert_allclose(layer(gray, images), squeezed, atol=1e-6)
    layer.begun.assign(1)
    small = images.reshape(4, 2, 4, 2, 4, 3).mean((2, 4))
    np.testing.assert_allclose(
        layer(gray, images), tf.image.resize(small, (8, 8), "bicubic"), atol=1e-5
    )


def test_innocent_networks_run_under_xla(network, images):
    layers = [innocent(network, 10**9), innocent(network, 10**9)]
    for layer in layers:
        layer.begun.assign(1)
    small = images[:, ::2, ::2, :1]
    compiled = tf.function(lambda *pair: layers[0](*pair), jit_compile=True)
    np.testing.assert_allclose(compiled(small, images), layers[1](small, images), atol=1e-4)


def test_outputs_of_innocent_networks_are_constants_of_equal_parts(network, images):
    layers = [innocent(network, 10**9), innocent(network, 10**9, learning_rate=0.0)]
    with tf.GradientTape() as tape:
        tape.watch([w.value for w in network.variables])
        outputs = innocent_outputs(layers, images, images)
    expected = np.asarray(network(images))
    np.testing.assert_allclose(outputs, np.concatenate([expected[::2], expected[1::2]]), atol=1e-5)
    sources = [w.value for w in network.variables]
    assert not any(gradient is not None for gradient in tape.gradient(outputs, sources))
    alone = innocent_outputs(layers, images[:1], images[:1])
    assert alone.shape == (1, 8, 8, 3) and np.isfinite(alone).all()


def test_innocent_networks_are_saved_with_the_trainer_s_weights(network, images):
    layer, other = innocent(network, 2), innocent(network, 2)
    for _ in range(3):
        layer(images, images)
    other.set_weights(layer.get_weights())
    for _ in range(3):
        np.testing.assert_array_equal(layer(images, images), other(images, images))


@pytest.mark.parametrize("arguments", [(0,), (2.5,), (5, -1.0)])
def test_bad_settings(host, arguments):
    with pytest.raises(ValueError, match="Expected .* Received: (steps|learning_rate)="):
        FineTuned(host, "mse", *arguments)
