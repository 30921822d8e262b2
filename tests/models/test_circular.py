"""Convolutions that wrap around, direct and by frequencies."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import correlate

from tfwm.models.circular import CircularConv2D

RNG = np.random.default_rng(0)
INPUT = RNG.standard_normal((2, 4, 6, 3)).astype("float32")


def by_hand(x, kernel, bias):
    """The formula of the docstring, with np.roll."""
    rows, columns = kernel.shape[:2]
    y = np.zeros((*x.shape[:3], kernel.shape[-1])) + bias
    for a in range(rows):
        for c in range(columns):
            shift = ((rows - 1) // 2 - a, (columns - 1) // 2 - c)
            y += np.roll(x, shift, axis=(1, 2)) @ kernel[a, c]
    return y


@pytest.mark.parametrize("method", ["direct", "fourier"])
@pytest.mark.parametrize("size", [1, 2, 3, 4, (2, 3), (1, 4), (4, 6)])
def test_equals_the_formula(size, method):
    layer = CircularConv2D(5, size, bias_initializer="ones", method=method)
    result = layer(INPUT)
    expected = by_hand(INPUT, np.asarray(layer.kernel), np.asarray(layer.bias))
    np.testing.assert_allclose(result, expected, atol=1e-5)


def test_odd_kernel_equals_scipy_wrap():
    layer = CircularConv2D(1, 3, use_bias=False)
    x = INPUT[..., :1]
    kernel = np.asarray(layer(x) is not None and layer.kernel)[..., 0, 0]
    expected = [correlate(image[..., 0], kernel, mode="wrap") for image in x]
    np.testing.assert_allclose(layer(x)[..., 0], expected, atol=1e-5)


def test_shift_of_the_input_shifts_the_output():
    layer = CircularConv2D(5, 2, activation="elu")
    shifted = layer(np.roll(INPUT, (1, 2), axis=(1, 2)))
    np.testing.assert_allclose(shifted, np.roll(layer(INPUT), (1, 2), axis=(1, 2)), atol=1e-6)


def test_circular_jit_mixed_precision_and_config():
    layer = CircularConv2D(5, (2, 3), activation="elu", dtype="mixed_float16", use_bias=False)
    eager = layer(INPUT)
    assert eager.dtype == "float16"
    compiled = tf.function(layer, jit_compile=True)(INPUT)
    np.testing.assert_allclose(compiled, eager, atol=5e-3)
    again = CircularConv2D.from_config(layer.get_config())
    again.build(INPUT.shape)
    again.set_weights(layer.get_weights())
    np.testing.assert_allclose(again(INPUT), eager, atol=1e-6)


def test_keras_file_keeps_the_weights(tmp_path):
    model = keras.Sequential([keras.Input(INPUT.shape[1:]), CircularConv2D(5, 2)])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(INPUT), model(INPUT))


@pytest.mark.parametrize("jit", [False, True])
def test_gradients_of_both_methods_are_equal(jit):
    layers = [CircularConv2D(5, 2, activation="elu", method=m) for m in ("direct", "fourier")]
    for layer in layers:
        layer.build(INPUT.shape)
    layers[1].set_weights(layers[0].get_weights())

    def gradients(layer, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x) ** 3)
        return tape.gradient(loss, [x, layer.kernel.value, layer.bias.value])

    found = [tf.function(gradients, jit_compile=jit)(layer, tf.constant(INPUT)) for layer in layers]
    for direct, fourier in zip(*found, strict=True):
        np.testing.assert_allclose(fourier, direct, rtol=1e-4, atol=1e-3)


def test_circular_bad_arguments():
    with pytest.raises(ValueError, match="one of .'direct', 'fourier'."):
        CircularConv2D(4, 2, method="fast")
    with pytest.raises(ValueError, match="filters=0"):
        CircularConv2D(0, 2)
    with pytest.raises(ValueError, match="larger than its input"):
        CircularConv2D(4, 5)(INPUT)
