import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import map_coordinates

from tfwm.models import stegastamp
from tfwm.models.stegastamp import SpatialTransformer

SIZE, BITS = 64, 10


def build(**changes):
    keras.utils.set_random_seed(0)
    embedder = stegastamp.build_embedder(SIZE, BITS, width=4, **changes)
    for name in ("output", "held"):
        changes.pop(name, None)
    return embedder, stegastamp.build_extractor(SIZE, BITS, width=4, **changes)


def embed(embedder, image, message, strength=1.0):
    strength = np.full(len(image), strength, "float32")
    return np.asarray(embedder({"image": image, "message": message, "strength": strength}))


@pytest.fixture
def covers(photo):
    return np.concatenate([photo[:, :SIZE, :SIZE], photo[:, -SIZE:, -SIZE:]])


@pytest.fixture
def message():
    return np.random.default_rng(0).integers(0, 2, (2, 1, 1, BITS)).astype("float32")


def count(model):
    return sum(int(np.prod(w.shape)) for w in model.trainable_weights)


def test_sizes_of_the_paper():
    """1.74 million weights in the encoder; in the decoder 11.45 beside the transformer."""
    embedder = stegastamp.build_embedder(normalization=None, output="sum")
    assert round(count(embedder) / 1e6, 2) == 1.74
    assert embedder.get_layer("message_dense").units == 7500
    assert embedder.get_layer("conv9").input.shape[-1] == 70
    extractor = stegastamp.build_extractor(normalization=None, last_normalization=False)
    located = [layer for layer in extractor.layers if layer.name.startswith("locate")]
    transformer = sum(count(layer) for layer in located)
    assert round((count(extractor) - transformer) / 1e6, 2) == 11.45
    assert extractor.get_layer("dense").kernel.shape[0] == 21_632
    assert transformer < 2.5e6  # in the paper 41.05


@pytest.mark.parametrize("normalization", [None, "batch", "instance"])
@pytest.mark.parametrize("output", ["sum", "sigmoid", "logit"])
def test_shapes_and_outputs(normalization, output, covers, message):
    embedder, extractor = build(normalization=normalization, output=output)
    marked = embed(embedder, covers, message)
    assert marked.shape == covers.shape and extractor(marked).shape == message.shape
    if output != "sum":
        assert marked.min() > -0.01 and marked.max() < 1.01
    residual = keras.Model(embedder.inputs, embedder.get_layer("residual").output)
    given = {"image": covers, "message": message, "strength": np.ones(2, "float32")}
    r = np.asarray(residual(given))
    expected = {
        "sum": covers + r,
        "sigmoid": 1 / (1 + np.exp(-(covers - 0.5 + r))),
        "logit": covers * np.exp(r) / (1 - covers + covers * np.exp(r)),
    }[output]
    inside = (covers > 0.01) & (covers < 0.99)
    np.testing.assert_allclose(marked[inside], expected[inside], atol=1e-5)


def test_a_held_residual_is_scaled_to_its_error(covers, message):
    embedder, _ = build(output="held", held={"target": 30.0, "error": "rgb"}, normalization=None)
    for strength in (1.0, 0.5):
        error = np.mean((embed(embedder, covers, message, strength) - covers) ** 2, (1, 2, 3))
        np.testing.assert_allclose(error, 1e-3 * strength**2, rtol=1e-3)


def test_logit_without_residual_is_the_photo(covers, message):
    embedder, _ = build(output="logit")
    embedder.get_layer("residual").set_weights([np.zeros((1, 1, 4, 3)), np.zeros(3)])
    np.testing.assert_allclose(embed(embedder, covers, message), covers, atol=1e-6)
    extremes = np.stack([np.zeros_like(covers[0]), np.ones_like(covers[0])])
    np.testing.assert_allclose(embed(embedder, extremes, message), extremes, atol=1e-6)


def test_strength_scales_the_change(covers, message):
    embedder, _ = build()
    once, twice = (embed(embedder, covers, message, s) - covers for s in (1.0, 2.0))
    assert np.abs(once).max() > 1e-3
    np.testing.assert_allclose(twice, 2 * once, atol=1e-5)


def test_message_changes_the_image(covers, message):
    embedder, _ = build()
    other = message.copy()
    other[:, :, :, 3] = 1 - other[:, :, :, 3]
    assert np.abs(embed(embedder, covers, message) - embed(embedder, covers, other)).max() > 1e-4


def test_last_normalization_gives_the_logits_variance_one(covers):
    _, extractor = build()
    logits = np.asarray(extractor(covers)).reshape(2, -1)
    np.testing.assert_allclose(logits.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(logits.std(axis=1), 1, atol=1e-3)
    plain = stegastamp.build_extractor(SIZE, BITS, width=4, last_normalization=False)
    assert "bits_norm" not in [layer.name for layer in plain.layers]


def test_normalized_logits_learn_their_scale(covers):
    scaled = stegastamp.build_extractor(SIZE, BITS, width=4, scale_logits=True)
    kernel = scaled.get_layer("bits_scale").kernel
    assert kernel.shape == (1, 1) and float(kernel[0, 0]) == 0
    logits = np.asarray(scaled(covers)).reshape(2, -1)
    np.testing.assert_allclose(logits.std(axis=1), 1, atol=1e-3)
    kernel.assign([[2.0]])
    np.testing.assert_allclose(np.asarray(scaled(covers)).reshape(2, -1), 3 * logits, rtol=1e-5)
    assert float(kernel.constraint(np.float32([[-1.0]]))[0, 0]) == 0


def test_transformer_begins_with_the_identity_and_learns(covers):
    _, extractor = build()
    seen = keras.Model(extractor.input, extractor.get_layer("transformer").output)
    np.testing.assert_allclose(seen(covers), covers - 0.5, atol=1e-5)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(extractor(covers) * np.arange(BITS, dtype="float32"))
    kernel = extractor.get_layer("locate_map").kernel.value
    assert np.abs(tape.gradient(value, kernel)).max() > 0


def test_one_channel_normalized_by_image_not_by_batch(covers):
    """An image is read alike, whatever the others of its batch are."""
    _, extractor = build()
    np.testing.assert_allclose(extractor(covers)[:1], extractor(covers[:1]), atol=1e-4)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"size": 100}, "multiple of 16 from 64. Received: size=100"),
        ({"size": 32}, "multiple of 16 from 64. Received: size=32"),
        ({"message_length": 0}, "message_length=0"),
        ({"normalization": "layer"}, "Received: normalization='layer'"),
        ({"output": "tanh"}, "Received: output='tanh'"),
    ],
)
def test_bad_arguments(changes, words):
    with pytest.raises(ValueError, match=words):
        stegastamp.build_embedder(**changes)


IDENTITY = [1, 0, 0, 0, 1, 0]
MAPS = ([0.9, 0.1, 0.05, -0.2, 1.1, -0.1], [0.5, 0, 0, 0, 0.5, 0.3], [0, -1, 0, 1, 0, 0])


def reference(image, parameters):
    """The same with SciPy, in float64."""
    height, width, channels = image.shape
    y, x = (np.arange(n) * 2 / n + 1 / n - 1 for n in (height, width))
    x, y = np.meshgrid(x, y)
    a, b, c, d, e, f = parameters
    columns = (a * x + b * y + c + 1) * width / 2 - 0.5
    rows = (d * x + e * y + f + 1) * height / 2 - 0.5
    planes = [
        map_coordinates(image[..., i], [rows, columns], order=1, mode="nearest")
        for i in range(channels)
    ]
    return np.stack(planes, axis=-1)


def apply(image, *maps):
    images = np.repeat(image[None], len(maps), axis=0).astype("float32")
    return np.asarray(SpatialTransformer()([images, np.array(maps, "float32")]))


def test_identity_changes_nothing(photo):
    np.testing.assert_allclose(apply(photo[0], IDENTITY)[0], photo[0], atol=2e-5)


def test_equals_a_reference_sampler(photo):
    image = photo[0, :60, :88]
    for out, parameters in zip(apply(image, *MAPS), MAPS, strict=True):
        np.testing.assert_allclose(out, reference(image, parameters), atol=1e-4)


def test_inverse_map_brings_the_image_back(photo):
    """Both directions, in the smooth middle of a photo."""
    image = tf.image.resize(photo[:, :64, :64], (128, 128)).numpy()[0]
    there = np.array([[0.9, 0.1, 0.05], [-0.1, 0.9, -0.02], [0, 0, 1]])
    back = np.linalg.inv(there)
    moved = apply(image, there[:2].ravel())[0]
    returned = apply(moved, back[:2].ravel())[0]
    inner = np.s_[32:-32, 32:-32]
    assert np.abs(moved[inner] - image[inner]).mean() > 0.007
    assert np.abs(returned[inner] - image[inner]).mean() < 0.003


def test_gradients_to_image_and_map(photo):
    image = tf.constant(tf.image.resize(photo[:, :64, :64], (32, 32)), tf.float32)
    image = tf.concat([image, image], 0)
    parameters = tf.constant(MAPS[:2], tf.float32)
    weights = np.random.default_rng(0).normal(size=image.shape).astype("float32")
    layer = SpatialTransformer()

    def value(image, parameters):
        return tf.reduce_sum(layer([image, parameters]) * weights)

    with tf.GradientTape() as tape:
        tape.watch([image, parameters])
        out = value(image, parameters)
    by_image, by_map = tape.gradient(out, [image, parameters])
    # The result is linear in the image.
    np.testing.assert_allclose(tf.reduce_sum(by_image * image), out, rtol=1e-3)
    step = 1e-4
    for index in ((0, 2), (1, 5), (0, 0)):
        change = np.zeros((2, 6), "float32")
        change[index] = step
        slope = (value(image, parameters + change) - value(image, parameters - change)) / (2 * step)
        np.testing.assert_allclose(by_map[index], slope, rtol=0.1, atol=1.0)


def test_runs_under_xla_and_in_tflite(photo):
    image, parameters = keras.Input((32, 48, 3)), keras.Input((6,))
    model = keras.Model([image, parameters], SpatialTransformer()([image, parameters]))
    given = [tf.constant(photo[:, :32, :48]), tf.constant([MAPS[0]], tf.float32)]
    expected = model(given)
    compiled = tf.function(lambda *x: model(x), jit_compile=True)(*given)
    np.testing.assert_allclose(compiled, expected, atol=1e-5)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        value = given[1] if len(detail["shape"]) == 2 else given[0]
        interpreter.set_tensor(detail["index"], value.numpy())
    interpreter.invoke()
    out = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(out, expected, atol=1e-5)


def test_wrong_number_of_parameters():
    with pytest.raises(ValueError, match="Expected parameters"):
        SpatialTransformer()([np.zeros((1, 8, 8, 3), "float32"), np.zeros((1, 4), "float32")])
