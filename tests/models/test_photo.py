import keras
import numpy as np
import pytest

from tfwm.models import photo


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


def test_strength_scales_the_residual(models, gray_photo):
    message = np.random.default_rng(0).integers(0, 2, (1, 32, 32, 1)).astype(np.float32)
    once, twice = (embed(models[0], gray_photo, message, s) - gray_photo for s in (1.0, 2.0))
    assert np.abs(once).max() > 1e-4
    np.testing.assert_allclose(twice, 2 * once, atol=1e-6)


def test_a_bit_reaches_its_neighbours_and_no_farther(models):
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
