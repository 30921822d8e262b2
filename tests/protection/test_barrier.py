import keras
import numpy as np
import pytest

from tfwm.models import barrier as models
from tfwm.protection import WatermarkBarrier, load_barrier


def test_marks_and_reads_any_size(barrier, images):
    marked = barrier.mark(images)
    assert marked.shape == images.shape and 0 < np.abs(marked - images).max() < 0.11
    assert barrier.read(marked).shape == (3, 32, 32, 1)
    similarity = barrier.similarity(marked)
    assert similarity.shape == (3,) and (np.abs(similarity) <= 1).all()


def test_bytes_are_levels_of_255(barrier, images):
    pixels = np.uint8(np.round(images * 255))
    np.testing.assert_allclose(barrier.mark(pixels), barrier.mark(pixels / 255), atol=1e-6)


def test_many_images_are_marked_like_each(barrier, images):
    many = np.concatenate([images] * 7)
    np.testing.assert_allclose(barrier.mark(many)[-3:], barrier.mark(images), atol=1e-5)


@pytest.mark.parametrize("shape", [(40, 56, 3), (0, 40, 56, 3)])
def test_bad_images(barrier, shape):
    with pytest.raises(ValueError, match="Expected images"):
        barrier.mark(np.zeros(shape, np.float32))


def test_other_networks_are_no_barriers():
    with pytest.raises(ValueError, match="Expected a barrier"):
        load_barrier("redmark-mt")


@pytest.fixture
def layer():
    embedder = models.build_embedder(3, 1, width=4, depth=2, residual_limit=0.1)
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
