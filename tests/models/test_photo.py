import keras
import numpy as np
import pytest

from tfwm.models import photo
from tfwm.models.photo import CellSynthesis


@pytest.fixture(scope="module")
def models():
    keras.utils.set_random_seed(0)
    return photo.build_embedder(width=8, depth=2), photo.build_extractor(width=8, depth=2)


def embed(model, image, message, strength=1.0):
    return np.asarray(
        model({"image": image, "message": message, "strength": np.full(len(image), strength)})
    )


@pytest.mark.parametrize("size", [(64, 64), (8, 8), (72, 200)])
def test_any_multiple_of_eight(models, size):
    image = np.full((2, *size, 1), 0.5, np.float32)
    message = np.ones((2, size[0] // 8, size[1] // 8, 1), np.float32)
    watermarked = embed(models[0], image, message)
    assert watermarked.shape == image.shape
    assert tuple(models[1](watermarked).shape) == message.shape


def test_several_bits_in_a_cell():
    embedder, extractor = (
        build(width=8, depth=1, message_length=4)
        for build in (photo.build_embedder, photo.build_extractor)
    )
    image, message = np.full((1, 16, 24, 1), 0.5, np.float32), np.zeros((1, 2, 3, 4), np.float32)
    watermarked = embed(embedder, image, message)
    assert tuple(extractor(watermarked).shape) == message.shape
    for bit in range(4):
        flipped = message.copy()
        flipped[0, 1, 1, bit] = 1
        assert np.abs(embed(embedder, image, flipped) - watermarked).max() > 1e-4


def test_strength_scales_the_residual(models, gray_photo):
    message = np.random.default_rng(0).integers(0, 2, (1, 32, 32, 1)).astype(np.float32)
    once, twice = (embed(models[0], gray_photo, message, s) - gray_photo for s in (1.0, 2.0))
    assert np.abs(once).max() > 1e-4
    np.testing.assert_allclose(twice, 2 * once, atol=1e-6)


def test_a_bit_reaches_its_neighbors_and_no_farther(models):
    """16-pixel windows and two 3 x 3 convolutions: at most two cells and a half to each side."""
    image = np.full((1, 136, 136, 1), 0.5, np.float32)
    zeros = np.zeros((1, 17, 17, 1), np.float32)
    one = zeros.copy()
    one[0, 8, 8] = 1
    change = np.abs(embed(models[0], image, one) - embed(models[0], image, zeros))[0, ..., 0]
    rows = np.flatnonzero(change.max(axis=1) > 1e-9)
    assert rows.min() < 64 and rows.max() > 71
    assert rows.min() >= 64 - 8 * 2 - 8 and rows.max() <= 71 + 8 * 2 + 8


def test_size_of_the_trained_network():
    assert 100_000 < photo.build_embedder().count_params() < 200_000
    assert 100_000 < photo.build_extractor().count_params() < 200_000


@pytest.mark.parametrize("cell", [2, 8])
@pytest.mark.parametrize("size", [(1, 1), (5, 4)])
def test_equals_the_transposed_convolution(cell, size):
    features = np.random.default_rng(0).normal(size=(2, *size, 6)).astype("float32")
    layer = CellSynthesis(cell)
    reference = keras.layers.Conv2DTranspose(1, 2 * cell, cell, padding="same", use_bias=False)
    pixels = layer(features)
    reference.build(features.shape)
    reference.set_weights(layer.get_weights())
    np.testing.assert_allclose(pixels, reference(features), atol=1e-5)
    assert tuple(pixels.shape) == layer.compute_output_shape(features.shape)


def test_config_and_bad_arguments():
    layer = CellSynthesis(4)
    assert CellSynthesis.from_config(layer.get_config()).cell == 4
    for cell in (0, 3, 2.5):
        with pytest.raises(ValueError, match="even number"):
            CellSynthesis(cell)
