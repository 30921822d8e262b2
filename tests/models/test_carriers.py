import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.attacks import JPEG, RandomResizedCrop
from tfwm.losses import VisibleError
from tfwm.models import carriers
from tfwm.models.carriers import Carriers, Details, Opposed, Shaped

SIZE, BITS = 128, 24


@pytest.fixture(scope="module")
def networks():
    keras.utils.set_random_seed(0)
    return (
        carriers.build_embedder(SIZE, BITS, 8, {"target": 30.0}),
        carriers.build_extractor(SIZE, BITS, 8),
    )


@pytest.fixture
def covers(photo):
    return np.concatenate([photo[:, :SIZE, :SIZE], photo[:, -SIZE:, -SIZE:]])


@pytest.fixture
def message():
    return np.random.default_rng(0).integers(0, 2, (2, 1, 1, BITS)).astype("float32")


def embed(embedder, image, message, strength=1.0):
    strength = np.full(len(image), strength, "float32")
    return np.asarray(embedder({"image": image, "message": message, "strength": strength}))


def errors(logits, message):
    return float(np.mean((np.asarray(logits) > 0) != (message > 0.5)))


def test_first_weights_read_already(networks, covers, message):
    embedder, extractor = networks
    marked = np.clip(embed(embedder, covers, message), 0, 1)
    assert errors(extractor(marked), message) == 0
    assert errors(extractor(JPEG(quality=70)(marked)), message) == 0
    assert errors(extractor(covers), message) > 0.2
    crop = RandomResizedCrop((0.8, 0.8), 1.0, seed=1)
    assert errors(extractor(crop(marked)), message) < 0.25


def test_the_visible_error_is_held(networks, covers, message):
    for strength in (1.0, 0.5):
        marked = embed(networks[0], covers, message, strength)
        error = VisibleError().call(covers, marked)
        np.testing.assert_allclose(error, 10**-3.0 * strength**2, rtol=1e-3)


def test_gradients_reach_every_weight(networks, covers, message):
    embedder, extractor = networks
    inputs = {"image": covers, "message": message, "strength": np.ones(2, "float32")}
    with tf.GradientTape() as tape:
        logits = extractor(embedder(inputs))
        loss = tf.reduce_mean(
            tf.nn.sigmoid_cross_entropy_with_logits(labels=message, logits=logits)
        )
    weights = embedder.trainable_weights + extractor.trainable_weights
    for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
        assert gradient is not None, weight.path


def test_networks_come_back_from_a_file(networks, covers, message, tmp_path):
    embedder, extractor = networks
    embedder.save(tmp_path / "embedder.keras")
    extractor.save(tmp_path / "extractor.keras")
    marked = embed(embedder, covers, message)
    again = keras.saving.load_model(tmp_path / "embedder.keras")
    np.testing.assert_array_equal(embed(again, covers, message), marked)
    again = keras.saving.load_model(tmp_path / "extractor.keras")
    np.testing.assert_array_equal(again(marked), extractor(marked))


@pytest.mark.parametrize("size", [100, 192])
def test_sizes_are_multiples_of_the_grid(size):
    with pytest.raises(ValueError, match="multiple of 128"):
        carriers.build_embedder(size, BITS)


def test_carriers_are_orthogonal_and_the_same_both_ways():
    patterns = carriers.carrier_patterns(5)
    np.testing.assert_allclose(patterns @ patterns.T / carriers.GRID**2, np.eye(5), atol=1e-4)
    place = carriers.pattern().ravel()
    np.testing.assert_allclose(patterns @ place / carriers.GRID**2, np.zeros(5), atol=1e-4)
    amounts = np.array([[1, -2, 0, 3, 0.5]], "float32")
    read = Carriers(5, reading=True)(Carriers(5)(amounts))
    np.testing.assert_allclose(read, amounts * carriers.GRID, atol=1e-2)
    chance = np.random.default_rng(0).normal(size=(8, carriers.GRID, carriers.GRID, 1))
    assert np.std(Carriers(5, reading=True)(chance.astype("float32"))) == pytest.approx(1, rel=0.3)


def test_carriers_are_the_same_on_every_machine():
    few, all_bits = carriers.carrier_patterns(5), carriers.carrier_patterns(100)
    np.testing.assert_allclose(few[[0, 4], [0, -1]], [-0.681177, 1.152906], atol=1e-4)
    np.testing.assert_allclose(all_bits[[0, 99], [0, -1]], [-0.610299, 0.065951], atol=1e-4)


def test_details_do_not_depend_on_tones(photo):
    noise = np.random.default_rng(0).normal(0, 0.1, (1, 64, 64, 3)).astype("float32")
    image = 0.2 + 0.4 * photo[:, :64, :64] + noise
    details = np.asarray(Details()(image))[:, 8:-8, 8:-8]
    assert abs(details.mean()) < 0.05 and 0.8 < details.std() < 1.1
    brighter = np.asarray(Details()(1.4 * image))[:, 8:-8, 8:-8]
    assert np.corrcoef(details.ravel(), brighter.ravel())[0, 1] > 0.99
    flat = np.asarray(Details()(np.full((1, 32, 32, 3), 0.5, "float32")))
    np.testing.assert_allclose(flat[:, 8:-8, 8:-8], 0, atol=1e-3)


def test_opposed_bits_get_more():
    layer = Opposed()
    amounts = np.asarray(layer([np.array([[1.0, -1, 1]]), np.array([[2.0, 2, 0]])]))
    softplus = np.log1p(np.exp(np.array([1.5 - 2, 1.5 + 2, 1.5])))
    expected = softplus * [1, -1, 1] / np.sqrt(np.mean(softplus**2))
    np.testing.assert_allclose(amounts[0], expected, rtol=1e-4)


def test_shaped_residuals():
    planes = np.zeros((1, 1, 1, 7), "float32")
    mark, place = np.full((1, 1, 1, 1), 2.0, "float32"), np.full((1, 1, 1, 1), 3.0, "float32")
    np.testing.assert_array_equal(Shaped()([planes, mark, place])[0, 0, 0], [5, 5, 5])
    planes[0, 0, 0] = [1, 0, 0, 0, 1, 0, -1]
    np.testing.assert_array_equal(Shaped()([planes, mark, place])[0, 0, 0], [3, 4, 2])
