import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.fft import dctn
from scipy.linalg import hadamard

from tfwm.models.redmark import BlockTransform, Orthonormal


def round_trip(layer, image):
    return np.asarray(layer(layer(image), inverse=True))


def test_dct_equals_scipy(gray_photo):
    coefficients = BlockTransform((8, 8), "dct")(gray_photo)
    block = gray_photo[0, 40:48, 80:88, 0]
    expected = dctn(block, norm="ortho")  # [vertical, horizontal]
    np.testing.assert_allclose(coefficients[0, 5, 10], expected.T.ravel(), atol=1e-5)


def test_dct_of_a_rectangular_block_equals_scipy(gray_photo):
    coefficients = BlockTransform((4, 8), "dct")(gray_photo)
    assert tuple(coefficients.shape) == (1, 64, 32, 32)
    expected = dctn(gray_photo[0, 40:44, 80:88, 0], norm="ortho")
    np.testing.assert_allclose(coefficients[0, 10, 10], expected.T.ravel(), atol=1e-5)


def test_hadamard_equals_scipy(gray_photo):
    coefficients = BlockTransform((8, 8), "hadamard")(gray_photo)
    matrix = hadamard(8) / np.sqrt(8)
    expected = matrix @ gray_photo[0, :8, :8, 0] @ matrix.T
    np.testing.assert_allclose(coefficients[0, 0, 0], expected.T.ravel(), atol=1e-5)


def test_haar_first_coefficients():
    block = np.arange(4.0, dtype="float32").reshape(1, 2, 2, 1)
    coefficients = BlockTransform((2, 2), "haar")(block)
    # sum / 2, then top - bottom (vertical), left - right (horizontal), diagonal
    np.testing.assert_allclose(np.ravel(coefficients), [3.0, -2.0, -1.0, 0.0], atol=1e-6)


@pytest.mark.parametrize("transform", ["dct", "hadamard", "haar", "random", "identity"])
def test_inverse_gives_the_image_back(transform, gray_photo):
    layer = BlockTransform((8, 4), transform, seed=3)
    np.testing.assert_allclose(round_trip(layer, gray_photo), gray_photo, atol=1e-5)


def test_given_matrix_that_is_not_orthonormal(gray_photo):
    matrix = np.random.default_rng(0).standard_normal((16, 16)) + 8 * np.eye(16)
    layer = BlockTransform((4, 4), matrix)
    expected = matrix @ gray_photo[0, :4, :4, 0].ravel()
    np.testing.assert_allclose(layer(gray_photo)[0, 0, 0], expected, rtol=1e-4)
    np.testing.assert_allclose(round_trip(layer, gray_photo), gray_photo, atol=1e-4)


def test_fixed_has_no_trainable_weights(gray_photo):
    layer = BlockTransform((8, 8))
    layer(gray_photo)
    assert not layer.trainable_weights


def test_released_transform_trains_and_stays_inverse(gray_photo):
    layer = BlockTransform((8, 8), "dct", release=True)
    layer(gray_photo)
    before = np.asarray(layer.kernel)
    optimizer = keras.optimizers.Adam(0.01)
    for _ in range(20):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.abs(layer(gray_photo)))
        optimizer.apply(tape.gradient(loss, layer.trainable_weights), layer.trainable_weights)
    assert np.abs(np.asarray(layer.kernel) - before).max() > 0.02
    np.testing.assert_allclose(round_trip(layer, gray_photo), gray_photo, atol=1e-4)


def test_orthonormal_constraint_finds_the_nearest_matrix():
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.standard_normal((16, 16)))[0]
    disturbed = rotation + 0.02 * rng.standard_normal((16, 16))
    u, _, v = np.linalg.svd(disturbed)
    fixed = Orthonormal()(disturbed[None, None].astype("float32"))
    np.testing.assert_allclose(fixed[0, 0], u @ v, atol=1e-5)


def test_jit_mixed_precision_and_config(gray_photo):
    layer = BlockTransform((8, 8), "haar", dtype="mixed_float16")
    eager = layer(gray_photo)
    assert eager.dtype == "float16"
    compiled = tf.function(layer, jit_compile=True)(gray_photo)
    np.testing.assert_allclose(compiled, eager, atol=2e-3)
    again = BlockTransform.from_config(layer.get_config())
    np.testing.assert_allclose(again(gray_photo), eager, atol=1e-6)


def test_saved_model_with_a_given_matrix_loads(tmp_path, gray_photo):
    matrix = np.random.default_rng(0).standard_normal((4, 4)) + 4 * np.eye(4)
    inputs = keras.Input((None, None, 1))
    layer = BlockTransform((2, 2), matrix)
    model = keras.Model(inputs, layer(layer(inputs), inverse=True))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(gray_photo), model(gray_photo))


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"transform": "fft"}, "fft"),
        ({"block_shape": (6, 6), "transform": "hadamard"}, "power of two"),
        ({"transform": np.zeros((64, 64))}, "invertible"),
        ({"transform": np.eye(3)}, r"\(64, 64\)"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises(ValueError, match=words):
        BlockTransform(**arguments)


def test_release_needs_an_orthonormal_start(gray_photo):
    with pytest.raises(ValueError, match="orthonormal"):
        BlockTransform((2, 2), np.diag([1.0, 2, 3, 4]), release=True)(gray_photo)
