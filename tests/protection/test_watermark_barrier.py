import keras
import numpy as np
import pytest

from tfwm.models import barrier
from tfwm.protection import WatermarkBarrier


@pytest.fixture
def layer():
    embedder = barrier.build_embedder(3, 1, width=4, depth=2, residual_limit=0.1)
    watermark = np.random.default_rng(0).random((32, 32, 1))
    return WatermarkBarrier(embedder, watermark)


def test_at_its_own_size_it_is_the_embedder(layer, photo):
    image = photo[:, :32, :32]
    image = np.repeat(image, 3, -1) if image.shape[-1] == 1 else image
    watermark = np.repeat(layer.watermark[None], len(image), 0)
    inputs = {"image": image, "message": watermark, "strength": np.ones(len(image))}
    marked = layer.embedder(inputs)
    np.testing.assert_allclose(layer(image), np.clip(marked, 0, 1), atol=1e-6)


def test_other_sizes_keep_their_pixels(layer):
    image = np.random.default_rng(1).random((2, 50, 70, 3)).astype("float32")
    change = np.asarray(layer(image)) - image
    assert change.shape == image.shape and 0 < np.abs(change).max() < 0.11
    layer.strength = 0.0
    np.testing.assert_allclose(layer(image), image, atol=1e-6)


def test_is_not_trained_and_is_saved_with_its_watermark(layer, tmp_path):
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, layer(inputs))
    assert not model.trainable_variables
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    image = np.random.default_rng(1).random((1, 40, 48, 3)).astype("float32")
    np.testing.assert_allclose(loaded(image), model(image), atol=1e-6)


def test_bad_watermark(layer):
    with pytest.raises(ValueError, match=r"Received: watermark of shape \(32, 32\)"):
        WatermarkBarrier(layer.embedder, np.zeros((32, 32)))
