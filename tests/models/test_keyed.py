import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.models import keyed

BITS = 64


@pytest.fixture
def image(photo):
    return photo[:, :32, :48]


@pytest.fixture
def key():
    return np.random.default_rng(0).integers(0, 2, (1, 24)).astype("float32")


def build(**changes):
    keras.utils.set_random_seed(0)
    return keyed.build_extractor((32, 48), (16, 24), width=4, **changes)


def layer_output(model, name, inputs):
    return np.asarray(keras.Model(model.inputs, model.get_layer(name).output)(inputs))


def test_papers_sizes():
    model = keyed.build_extractor(width=2)
    assert model.input["key"].shape == (None, keyed.key_length()) == (None, 256)
    assert model.output.shape == (None, 64, 64, 1)
    # 48 channels of the image and 48 of the key.
    assert model.get_layer("image_and_key").output.shape == (None, 64, 64, 96)


@pytest.mark.parametrize("keying", keyed.KEYINGS)
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_and_range(keying, channels, image, key):
    model = build(keying=keying, watermark_channels=channels)
    out = np.asarray(model({"image": image, "key": key}))
    assert out.shape == (1, 16, 24, channels) and 0 <= out.min() and out.max() <= 1


def test_blank_is_gray(image, key):
    model = build()
    layer = model.get_layer("read3")
    layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])
    out = model({"image": image, "key": key})
    np.testing.assert_array_equal(out, np.full((1, 16, 24, 1), 0.5, "float32"))


def test_places_keep_their_pixels(image):
    """As space-to-depth where ratios are equal; rectangles where they are not."""
    square = keyed._gathered(tf.constant(image), (32, 48), (16, 24))
    np.testing.assert_array_equal(square, tf.nn.space_to_depth(image, 2))
    wide = np.asarray(keyed._gathered(tf.constant(image), (32, 48), (16, 12)))
    assert wide.shape == (1, 16, 12, 2 * 4 * 3)
    rectangle = image[0, 6:8, 20:24]
    np.testing.assert_array_equal(wide[0, 3, 5], rectangle.ravel())


def test_plain_key_lies_over_blocks(image, key):
    model = build(keying="plain")
    found = layer_output(model, "key_map", {"image": image, "key": key})
    signs = 2 * key.reshape(4, 6) - 1
    np.testing.assert_array_equal(found[0, ..., 0], np.kron(signs, np.ones((4, 4))))


@pytest.mark.parametrize("keying, everywhere", [("mixed", True), ("plain", False)])
def test_reach_of_one_bit(keying, everywhere, image, key):
    """A wrong bit in a corner changes the whole watermark only if bits are mixed."""
    model = build(keying=keying)
    other = key.copy()
    other[0, 0] = 1 - other[0, 0]
    out, changed = (np.asarray(model({"image": image, "key": k})) for k in (key, other))
    places = (out != changed)[0, ..., 0]
    assert places[:4, :4].all()
    if everywhere:
        assert places.mean() > 0.9
    else:
        # Two convolutions of E_B and three of E_C reach five places beyond the block.
        assert not places[9:].any() and not places[:, 9:].any()


@pytest.mark.slow
def test_learns_to_refuse_keys_with_a_wrong_bit(photo):
    """One watermark, one key, and wrong keys as in training: others are refused as well."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    model = keyed.build_extractor(16, 16, width=4, block=2)
    key = rng.integers(0, 2, BITS).astype("float32")
    mark = np.kron(rng.integers(0, 2, (8, 8)), np.ones((2, 2)))[..., None].astype("float32")
    targets = np.stack([mark] * 4 + [np.full_like(mark, 0.5)] * 8)
    optimizer = keras.optimizers.Adam(2e-3)

    def crops(count):
        places = rng.integers(0, 240, (count, 2))
        return np.stack([photo[0, y : y + 16, x : x + 16] for y, x in places])

    def keys(count, wrong=None):
        found = np.tile(key, (count, 1))
        for row in found:
            places = rng.choice(BITS, wrong or rng.integers(1, 9), replace=False)
            row[places] = 1 - row[places]
        return found

    @tf.function
    def step(images, keys):
        with tf.GradientTape() as tape:
            read = model({"image": images, "key": keys}, training=True)
            loss = tf.reduce_mean(tf.abs(read - targets))
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)

    for _ in range(100):
        step(crops(12), np.concatenate([np.tile(key, (4, 1)), keys(8)]))

    def share(keys):
        """How much of the watermark is there: 1 all, 0 nothing."""
        read = model({"image": crops(len(keys)), "key": keys})
        return float(np.mean((2 * read - 1) * (2 * mark - 1)))

    assert share(np.tile(key, (32, 1))) > 0.8
    for wrong in (1, 2, 8, 32):
        assert abs(share(keys(32, wrong))) < 0.2


def test_key_length():
    assert keyed.key_length(64) == 256
    assert keyed.key_length((32, 48), 2) == 384


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"image_size": 100}, "image_size=(100, 100), watermark_size=(64, 64)"),
        ({"image_size": 32}, "image_size=(32, 32), watermark_size=(64, 64)"),
        ({"watermark_size": 30}, "watermark_size=(30, 30), block=4"),
        ({"watermark_size": (1, 2, 3)}, "watermark_size=(1, 2, 3)"),
        ({"image_size": 0}, "image_size=0"),
        ({"block": 0}, "block=0"),
        ({"keying": "none"}, "keying='none'"),
        ({"width": 0}, "width=0"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises(ValueError, match=re.escape(f"Received: {words}")):
        keyed.build_extractor(**arguments)
