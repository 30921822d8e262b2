import keras
import numpy as np
import pytest

from tfwm.models import hidden
from tfwm.models.critic import build_critic


@pytest.fixture(scope="module")
def models():
    keras.utils.set_random_seed(0)
    embedder = hidden.build_embedder(32, width=8, message_length=5)
    extractor = hidden.build_extractor(32, width=8, message_length=5)
    return embedder, extractor


def embed(embedder, image, message, strength=1.0):
    strength = np.full(len(image), strength, "float32")
    return np.asarray(embedder({"image": image, "message": message, "strength": strength}))


def bits(*shape):
    return np.random.default_rng(0).integers(0, 2, shape).astype("float32")


@pytest.mark.parametrize("tiles", [(1, 1), (2, 3)])
def test_one_message_a_tile(models, tiles):
    image = np.full((2, tiles[0] * 32, tiles[1] * 32, 3), 0.5, np.float32)
    message = bits(2, *tiles, 5)
    marked = embed(models[0], image, message)
    assert marked.shape == image.shape
    assert models[1](marked).shape == message.shape


def test_papers_size_is_the_default():
    image, message = np.full((1, 128, 128, 3), 0.5, np.float32), np.ones((1, 1, 1, 30), np.float32)
    marked = embed(hidden.build_embedder(width=4), image, message)
    assert hidden.build_extractor(width=4)(marked).shape == message.shape


@pytest.mark.parametrize(
    "build, millions, convolutions",
    [(hidden.build_embedder, 0.169, 5), (hidden.build_extractor, 0.243, 7)],
)
def test_sizes_of_the_paper(build, millions, convolutions):
    """The port's convolutions have biases before their normalization, which takes them out."""
    biases = 64 * convolutions + (30 if build is hidden.build_extractor else 0)
    count = sum(int(np.prod(w.shape)) for w in build().trainable_weights)
    assert round((count + biases) / 1e6, 3) == millions


def test_each_bit_has_a_channel_of_its_own_at_first(models):
    read = models[1].get_layer("logits")
    channels = np.full((6, 1, 1, 5), (2 * np.pi) ** -0.5, np.float32)
    channels[1:, 0, 0] += np.eye(5) / hidden.GAIN
    expected = np.concatenate([np.zeros((1, 5)), np.eye(5)])
    np.testing.assert_allclose(np.asarray(read(channels))[:, 0, 0], expected, atol=1e-6)


def test_critic_has_the_size_of_the_paper():
    critic = build_critic(depth=3)
    count = sum(int(np.prod(w.shape)) for w in critic.trainable_weights)
    assert round((count + 3 * 64) / 1e6, 3) == 0.076
    assert critic(np.zeros((2, 40, 24, 3), np.float32)).shape == (2, 1)


def test_strength_scales_the_residual(models, photo):
    message = bits(1, 8, 8, 5)
    once, thrice = (embed(models[0], photo, message, s) - photo for s in (1.0, 3.0))
    assert np.abs(once).max() > 1e-3
    np.testing.assert_allclose(thrice, 3 * once, atol=1e-5)


def test_a_message_reaches_its_tile_and_a_pixel_more(models, photo):
    message = bits(1, 8, 8, 5)
    before = embed(models[0], photo, message)
    message[0, 2, 3] = 1 - message[0, 2, 3]
    changed = (embed(models[0], photo, message) != before)[0]
    assert changed[64:96, 96:128].all(axis=-1).mean() > 0.9
    changed[63:97, 95:129] = False
    assert not changed.any()


def test_whole_image_and_tile_are_one_network(models, photo):
    whole = hidden.build_extractor(None, width=8, message_length=5)
    whole.set_weights(models[1].get_weights())
    tile = photo[:, :32, :32]
    np.testing.assert_allclose(whole(tile), models[1](tile), atol=1e-6)
    assert whole(photo[:, :50, :33]).shape == (1, 1, 1, 5)


def test_logits_of_a_tile_look_at_it_and_a_margin(models, photo):
    """Eight 3 x 3 convolutions see eight pixels beyond a tile."""
    before = np.asarray(models[1](photo))
    painted = photo.copy()
    painted[:, :24], painted[:, 72:] = 0, 1
    after = np.asarray(models[1](painted))
    np.testing.assert_array_equal(after[:, 1], before[:, 1])
    assert (after[:, 0] != before[:, 0]).any() and (after[:, 2] != before[:, 2]).any()


def test_saves_and_loads(models, photo, tmp_path):
    for model in models:
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        if model is models[0]:
            message = bits(1, 8, 8, 5)
            results = [embed(m, photo, message) for m in (loaded, model)]
        else:
            results = [m(photo) for m in (loaded, model)]
        np.testing.assert_array_equal(*results)


def test_mixed_precision_keeps_pixels_and_logits_in_float32(photo):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        embedder = hidden.build_embedder(32, width=4)
        extractor = hidden.build_extractor(32, width=4)
    finally:
        keras.config.set_dtype_policy("float32")
    np.testing.assert_array_equal(embed(embedder, photo, bits(1, 8, 8, 30), 0.0), photo)
    assert extractor(photo).dtype == "float32"


@pytest.mark.parametrize(
    "build, arguments",
    [
        (hidden.build_embedder, {"tile_size": 0}),
        (hidden.build_embedder, {"tile_size": None}),
        (hidden.build_extractor, {"message_length": 0}),
        (hidden.build_extractor, {"depth": -1}),
        (build_critic, {"width": 0}),
        (build_critic, {"width": 1.5}),
    ],
)
def test_bad_arguments(build, arguments):
    ((key, value),) = arguments.items()
    with pytest.raises(ValueError, match=f"Received: {key}={value}"):
        build(**arguments)
