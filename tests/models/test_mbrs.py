import keras
import numpy as np
import pytest

from tfwm.models import mbrs
from tfwm.models.critic import build_critic
from tfwm.models.mbrs import SqueezeExcite

KINDS = [None, "dense", "repeat"]


def bits(*shape):
    return np.random.default_rng(0).integers(0, 2, shape).astype("float32")


def embed(embedder, image, message, strength=1.0):
    strength = np.full(len(image), strength, "float32")
    return np.asarray(embedder({"image": image, "message": message, "strength": strength}))


def arguments_of(diffusion):
    """Small networks: 8 pixels a block, or 10 bits in tiles of 32 pixels."""
    if diffusion is None:
        return {"block_size": 8, "width": 8, "depth": 2}
    size = {"message_length": 10, "tile_size": 32}
    return {"block_size": 8, "width": 8, "depth": 2, "diffusion": diffusion, **size}


def networks(kind):
    arguments = arguments_of(kind)
    return mbrs.build_embedder(**arguments), mbrs.build_extractor(**arguments)


@pytest.fixture(scope="module")
def models():
    keras.utils.set_random_seed(0)
    return {kind: networks(kind) for kind in KINDS}


def count(model):
    return sum(int(np.prod(w.shape)) for w in model.trainable_weights)


@pytest.mark.parametrize("size", [(32, 32), (64, 96), (160, 32)])
@pytest.mark.parametrize("kind", KINDS)
def test_any_multiple_of_a_block_or_tile(models, kind, size):
    embedder, extractor = models[kind]
    side, channels = (8, 1) if kind is None else (32, 10)
    image = np.full((2, *size, 3), 0.5, np.float32)
    message = bits(2, size[0] // side, size[1] // side, channels)
    marked = embed(embedder, image, message)
    assert marked.shape == image.shape
    assert extractor(marked).shape == message.shape


@pytest.mark.parametrize("arguments, grid", [({}, 8), ({"block_size": 8, "diffusion": "dense"}, 1)])
def test_papers_geometry_is_the_default(arguments, grid):
    image = np.full((1, 128, 128, 3), 0.5, np.float32)
    message = bits(1, grid, grid, 30 if arguments else 1)
    marked = embed(mbrs.build_embedder(width=8, depth=1, **arguments), image, message)
    logits = mbrs.build_extractor(width=8, depth=1, **arguments)(marked)
    assert logits.shape == message.shape


def gate_biases(model):
    """The code's gates are without biases; ours have them."""
    gates = [layer for layer in model.layers if isinstance(layer, SqueezeExcite)]
    return sum(gate.squeeze.units + gate.excite.units for gate in gates)


@pytest.mark.parametrize(
    "build, arguments, lost, millions",
    [
        # Biases before normalization, which takes them out again, and two of the code's last
        # normalization.
        (mbrs.build_embedder, {}, 7 * 64, 0.561),
        (mbrs.build_extractor, {}, 2 * 64 + 2, 20.24),
        (mbrs.build_embedder, {"block_size": 8, "diffusion": "dense"}, 6 * 64, 0.553),
        (mbrs.build_extractor, {"block_size": 8, "diffusion": "dense"}, 2 * 64 + 2, 5.25),
        (build_critic, {}, 4 * 64, 0.113),
    ],
)
def test_sizes_of_the_paper(build, arguments, lost, millions):
    model = build(**arguments)
    exact = (count(model) + lost - gate_biases(model)) / 1e6
    assert round(exact, 3 if millions < 1 else 2) == millions


@pytest.mark.parametrize("kind", KINDS)
def test_strength_scales_the_residual(models, kind, photo):
    message = bits(1, 32, 32, 1) if kind is None else bits(1, 8, 8, 10)
    once, half, zero = (embed(models[kind][0], photo, message, s) - photo for s in (1.0, 0.5, 0.0))
    assert np.abs(once).max() > 1e-3
    np.testing.assert_allclose(half, once / 2, atol=1e-6)
    np.testing.assert_array_equal(zero, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_every_bit_changes_the_image(models, kind, photo):
    image = np.repeat(photo[:, :32, :32], 11, axis=0)
    if kind is None:
        message = np.zeros((11, 16), np.float32)
        message[range(1, 11), range(10)] = 1
        message = message.reshape(11, 4, 4, 1)
    else:
        message = np.vstack([np.zeros(10), np.eye(10)]).astype("float32")[:, None, None]
    marked = embed(models[kind][0], image, message)
    assert np.abs(marked[1:] - marked[0]).max(axis=(1, 2, 3)).min() > 1e-6


@pytest.mark.parametrize("kind", ["dense", "repeat"])
def test_with_diffusion_a_bit_is_everywhere_in_its_tile(models, kind, photo):
    image = photo[:, :64, :64]
    message = np.zeros((1, 2, 2, 10), np.float32)
    before = embed(models[kind][0], image, message)
    message[0, 0, 0, 3] = 1
    change = np.abs(embed(models[kind][0], image, message) - before)[0].max(axis=-1)
    blocks = change.reshape(4, 16, 4, 16).max(axis=(1, 3))
    assert blocks[:2, :2].min() > 1e-6


def test_networks_are_local_but_for_the_gates(photo):
    """With gates that stand still, what a part gives does not depend on what lies around it."""
    arguments = {"block_size": 4, "width": 8, "depth": 3}
    embedder, extractor = mbrs.build_embedder(**arguments), mbrs.build_extractor(**arguments)
    for model in (embedder, extractor):
        for layer in model.layers:
            if isinstance(layer, SqueezeExcite):
                layer.set_weights([0 * w for w in layer.get_weights()])
    image, message = photo[:, :128, :128], bits(1, 32, 32, 1)
    # The 3 x 3 convolutions of the embedder reach 9 pixels, those of the extractor 23.
    whole = embed(embedder, image, message)[:, 32:96, 32:96]
    part = embed(embedder, image[:, 32:96, 32:96], message[:, 8:24, 8:24])
    np.testing.assert_allclose(part[:, 12:-12, 12:-12], whole[:, 12:-12, 12:-12], atol=1e-5)
    assert np.abs(part - whole).max() > 1e-5  # at the border
    whole = np.asarray(extractor(image))[:, 4:28, 4:28]
    part = np.asarray(extractor(image[:, 16:112, 16:112]))
    inner = slice(7, -7)
    spread = whole.std()
    assert spread > 0
    np.testing.assert_allclose(part[:, inner, inner], whole[:, inner, inner], atol=1e-3 * spread)
    assert np.abs(part - whole).max() > 1e-2 * spread


@pytest.mark.parametrize("kind", KINDS)
def test_saves_and_loads(models, kind, photo, tmp_path):
    embedder, extractor = models[kind]
    message = bits(1, 32, 32, 1) if kind is None else bits(1, 8, 8, 10)
    embedder.save(tmp_path / "embedder.keras")
    extractor.save(tmp_path / "extractor.keras")
    loaded = keras.models.load_model(tmp_path / "embedder.keras")
    np.testing.assert_array_equal(embed(loaded, photo, message), embed(embedder, photo, message))
    loaded = keras.models.load_model(tmp_path / "extractor.keras")
    np.testing.assert_array_equal(loaded(photo), extractor(photo))


def test_mixed_precision_keeps_pixels_and_logits_in_float32(photo):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        built = [networks(kind) for kind in KINDS]
    finally:
        keras.config.set_dtype_policy("float32")
    for kind, (embedder, extractor) in zip(KINDS, built, strict=True):
        message = bits(1, 32, 32, 1) if kind is None else bits(1, 8, 8, 10)
        np.testing.assert_array_equal(embed(embedder, photo, message, 0.0), photo)
        assert extractor(photo).dtype == "float32"


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"block_size": 12}, "2, 4, 8, 16.*block_size=12"),
        ({"block_size": 1}, "block_size=1"),
        ({"diffusion": "wide"}, "diffusion='wide'"),
        ({"diffusion": "dense", "tile_size": 100}, "tile_size=100, block_size=16"),
    ],
)
@pytest.mark.parametrize("build", [mbrs.build_embedder, mbrs.build_extractor])
def test_bad_arguments(build, arguments, words):
    with pytest.raises(ValueError, match=words):
        build(**arguments)
