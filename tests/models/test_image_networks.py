"""What all networks from an image to an image have in common."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.models import barrier, keyed, translators
from tfwm.models.critic import build_patch_critic

# A small one of each: function and arguments.
NETWORKS = {
    "unet": (translators.build_unet, {"width": 4, "depth": 3, "residual": True}),
    "resnet": (translators.build_resnet, {"blocks": 1, "width": 4}),
    "super_resolver": (translators.build_super_resolver, {"width": 4, "blocks": 1, "scale": 2}),
    "barrier_embedder": (barrier.build_embedder, {"width": 4, "depth": 3, "residual_limit": 0.1}),
    "barrier_extractor": (
        barrier.build_extractor,
        {"width": 4, "halvings": 2, "dilations": (1, 2), "output": "sigmoid"},
    ),
    "keyed_extractor": (
        keyed.build_extractor,
        {"image_size": (32, 48), "watermark_size": (16, 24), "width": 4},
    ),
    "patch_critic": (build_patch_critic, {"width": 4, "depth": 3}),
}
# Millions of weights: the released code's where there is one (CNet and Res9 as they are meant; and
# Res9 as it is, of half the convolutions), else ours.
SIZES = {
    "H": (barrier.build_embedder, {}, 41.8, 1),
    "R": (barrier.build_extractor, {}, 3.37, 2),
    "D": (build_patch_critic, {}, 1.55, 2),
    "UNet": (translators.build_unet, {}, 54.4, 1),
    "CNet": (translators.build_resnet, {"blocks": 0}, 0.76, 2),
    "Res9": (translators.build_resnet, {}, 11.4, 1),
    "Res9, released": (translators.build_resnet, {"block_depth": 1}, 6.1, 1),
    "E": (keyed.build_extractor, {}, 1.32, 2),
    "E, plain": (keyed.build_extractor, {"keying": "plain"}, 0.52, 2),
}


@pytest.fixture(scope="module")
def models():
    keras.utils.set_random_seed(0)
    return {name: build(**arguments) for name, (build, arguments) in NETWORKS.items()}


@pytest.fixture
def given(photo):
    """Function that gives a network its inputs."""
    key = np.random.default_rng(0).integers(0, 2, (1, 24)).astype("float32")
    everything = {"image": photo[:, :32, :48], "message": photo[:, 64:96, :48], "key": key}
    everything["strength"] = np.ones(1, "float32")

    def inputs(model):
        if isinstance(model.input, dict):
            return {name: everything[name] for name in model.input}
        return everything["image"]

    return inputs


@pytest.mark.parametrize("name", SIZES)
def test_number_of_weights(name):
    build, arguments, millions, digits = SIZES[name]
    count = sum(int(np.prod(w.shape)) for w in build(**arguments).trainable_weights)
    # Rounding of what the specification gives, as it counts some biases that ours have not.
    assert count / 1e6 == pytest.approx(millions, abs=10**-digits)


@pytest.mark.parametrize("name", NETWORKS)
def test_saves_and_loads(name, models, given, tmp_path):
    model = models[name]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(given(model)), model(given(model)), atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_weight_learns(name, models, given):
    model = models[name]
    with tf.GradientTape() as tape:
        outputs = model(given(model), training=True)
        weights = np.random.default_rng(0).normal(size=outputs.shape).astype("float32")
        value = tf.reduce_sum(outputs * weights)
    found = tape.gradient(value, [w.value for w in model.trainable_weights])
    assert all(np.abs(gradient).max() > 0 for gradient in found)


@pytest.mark.parametrize("name", NETWORKS)
def test_mixed_precision_gives_float32(name, given):
    build, arguments = NETWORKS[name]
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build(**arguments)
    finally:
        keras.config.set_dtype_policy("float32")
    outputs = model(given(model))
    assert outputs.dtype == "float32"
    fine = np.asarray(outputs)
    # Results of bfloat16 have 8 bits.
    assert (fine != np.asarray(tf.cast(fine, tf.bfloat16)).astype("float32")).any()


def test_mixed_precision_keeps_the_photo(photo):
    image = photo[:, :32, :48]
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        embedder = barrier.build_embedder(width=4, depth=2, residual_limit=1e-6)
    finally:
        keras.config.set_dtype_policy("float32")
    np.testing.assert_allclose(
        embedder({"image": image, "message": image, "strength": np.ones(1)}), image, atol=2e-6
    )


def converted(model, folder):
    """The network as a TFLite interpreter, from its SavedModel, of builtin operations only."""
    model.export(folder, verbose=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    return tf.lite.Interpreter(model_content=converter.convert())


def test_exports_to_builtin_operations(models, given, tmp_path):
    """A chain of all of them, of images of a size unknown until use."""
    image = keras.Input((None, None, 3), name="image")
    x = models["unet"](models["resnet"](models["super_resolver"](image)))
    marked = models["barrier_embedder"]({"image": x, "message": x, "strength": x[:, 0, 0, 0]})
    read = keras.layers.Concatenate()([marked, models["barrier_extractor"](marked)])
    chain = keras.Model(image, [read, models["patch_critic"](marked)])
    cover = given(chain)
    interpreter = converted(chain, tmp_path / "chain")
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], cover.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], cover)
    interpreter.invoke()
    found = [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]
    for expected in chain(cover):
        (same,) = [x for x in found if x.shape == tuple(expected.shape)]
        np.testing.assert_allclose(same, expected, atol=1e-4)


def test_keyed_extractor_exports(models, given, tmp_path):
    model = models["keyed_extractor"]
    inputs = given(model)
    interpreter = converted(model, tmp_path / "keyed")
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        (name,) = [name for name in inputs if name in detail["name"]]
        interpreter.set_tensor(detail["index"], inputs[name])
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(found, model(inputs), atol=1e-5)
