import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.protection import protect


@pytest.fixture
def model():
    inputs = keras.Input((None, None, 3), name="photo")
    return keras.Model(inputs, 0.5 * inputs, name="darken")


def test_keras_model_lets_marked_outputs_out(model, barrier, images):
    protected = protect(model, barrier)
    expected = barrier.mark(np.asarray(model(images)))
    np.testing.assert_allclose(protected(images), expected, atol=1e-6)
    assert protected.inputs[0].name == "photo" and protected.name == "protected_darken"


def test_sequential_model_that_was_never_called(barrier, images):
    flat = keras.Sequential([keras.Input(images.shape[1:]), keras.layers.Rescaling(0.5)])
    expected = barrier.mark(0.5 * images)
    np.testing.assert_allclose(protect(flat, barrier)(images), expected, atol=1e-6)


def test_saved_model_marks_and_holds_no_unmarked_endpoint(model, barrier, images, tmp_path):
    protect(model, barrier).export(tmp_path / "1", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "1")
    expected = barrier.mark(np.asarray(model(images)))
    np.testing.assert_allclose(loaded.serve(images), expected, atol=1e-5)
    signature = loaded.signatures["serving_default"]
    assert len(signature.structured_outputs) == 1
    (output,) = signature(tf.constant(images)).values()
    np.testing.assert_allclose(output, expected, atol=1e-5)


def test_maps_over_datasets(model, barrier, images):
    protected = protect(model, barrier)
    dataset = tf.data.Dataset.from_tensor_slices(images).batch(2).map(protected)
    marked = np.concatenate(list(dataset.as_numpy_iterator()))
    np.testing.assert_allclose(marked, barrier.mark(0.5 * images), atol=1e-6)


def test_functions_keep_their_type(barrier, images):
    pixels = np.uint8(np.round(images * 255))
    marked = protect(lambda x: 255 - x, barrier)(pixels)
    assert marked.dtype == np.uint8 and isinstance(marked, np.ndarray)
    expected = np.round(barrier.mark(255 - pixels) * 255)
    np.testing.assert_allclose(marked, expected, atol=1)
    tensor = protect(lambda x: x, barrier)(tf.constant(images, tf.float16))
    assert tensor.dtype == tf.float16 and tf.is_tensor(tensor)


@pytest.mark.parametrize("kind", ["float16", "uint8"])
def test_keras_models_keep_their_type(kind, barrier, images):
    inputs = keras.Input((None, None, 3))
    scale = 255 if kind == "uint8" else 1
    output = keras.ops.cast(keras.ops.round(inputs * 255) / (255 / scale), kind)
    marked = np.asarray(protect(keras.Model(inputs, [output]), barrier)(images))
    assert marked.dtype == kind
    expected = barrier.mark(np.round(images * 255) / np.float32(255))
    np.testing.assert_allclose(marked.astype(float) / scale, expected, atol=1 / 255)


def test_a_subclassed_model_becomes_a_function(barrier, images):
    class Darken(keras.Model):
        def call(self, x):
            return 0.5 * x

    np.testing.assert_allclose(
        protect(Darken(), barrier)(images), barrier.mark(0.5 * images), atol=1e-6
    )


@pytest.mark.parametrize("name", ["barrier", "photo", "times"])
def test_a_model_may_be_named_as_its_parts(name, barrier, images):
    inputs = keras.Input((None, None, 3), name="photo")
    model = keras.Model(
        inputs, {"image": keras.layers.Rescaling(0.5, name="times")(inputs)}, name=name
    )
    np.testing.assert_allclose(
        protect(model, barrier)(images), barrier.mark(0.5 * images), atol=1e-6
    )


def test_a_model_may_have_a_barrier_already(model, barrier, images):
    twice = protect(protect(model, barrier), barrier)
    expected = barrier.mark(barrier.mark(0.5 * images))
    np.testing.assert_allclose(twice(images), expected, atol=1e-6)


def test_optional_inputs_stay_optional(barrier, images):
    class Add(keras.layers.Layer):
        def call(self, image, weight=None):
            return 0.5 * image if weight is None else weight * image

    image = keras.Input((None, None, 3), name="image")
    weight = keras.Input((None, None, 1), optional=True, name="weight")
    model = keras.Model({"image": image, "weight": weight}, Add()(image, weight=weight))
    protected = protect(model, barrier)
    for given, factor in ((None, 0.5), (np.full((1, 1, 1, 1), 0.25, "f4"), 0.25)):
        marked = protected({"image": images, "weight": given})
        np.testing.assert_allclose(marked, barrier.mark(factor * images), atol=1e-6)


def test_what_cannot_be_protected(model, barrier):
    with pytest.raises(ValueError, match="a model or a function"):
        protect(3, barrier)
    with pytest.raises(ValueError, match="a barrier, its name or its path. Received: None"):
        protect(model, None)
    inputs, gray = keras.Input((4,)), keras.Input((None, None, 1))
    with pytest.raises(ValueError, match="one output of images"):
        protect(keras.Model(inputs, [2 * inputs, inputs + 1]), barrier)
    for wrong in (keras.Model(inputs, 2 * inputs), keras.Model(gray, 0.5 * gray)):
        with pytest.raises(ValueError, match=r"width, 3\), floats in \[0, 1\] or uint8. Received"):
            protect(wrong, barrier)
    for images, received in (
        (np.zeros((1, 4, 4, 3), np.int64), "int64"),
        (np.zeros((1, 4, 4, 4), np.float32), "float32 of shape"),
        (np.full((1, 4, 4, 3), 200.0), "values from 200 to 200"),
        ([object()], "list"),
    ):
        with pytest.raises(ValueError, match=f"Received: {received}"):
            protect(lambda x: x, barrier)(images)


STOCK = """
import sys, numpy as np, tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
images = np.load(sys.argv[2])
(marked,) = model.signatures["serving_default"](tf.constant(images)).values()
np.save(sys.argv[3], marked.numpy())
assert not [name for name in sys.modules if name.startswith("tfwm")]
"""


@pytest.mark.slow  # starts TensorFlow again
def test_saved_model_needs_nothing_of_tfwm(model, barrier, images, tmp_path):
    """What a server does: a process of its own, with TensorFlow alone; any size."""
    protect(model, barrier).export(tmp_path / "1", verbose=False)
    np.save(tmp_path / "in.npy", images)
    files = [str(tmp_path / name) for name in ("1", "in.npy", "out.npy")]
    subprocess.run([sys.executable, "-I", "-c", STOCK, *files], check=True, cwd=tmp_path)
    marked = np.load(tmp_path / "out.npy")
    np.testing.assert_allclose(marked, barrier.mark(0.5 * images), atol=1e-5)


def test_compiles_for_xla(model, barrier, images):
    """The resizing is matrices; the operation of `tf.image.resize(antialias=True)` is not there."""
    compiled = tf.function(protect(model, barrier), jit_compile=True)
    np.testing.assert_allclose(compiled(images), barrier.mark(0.5 * images), atol=1e-4)


def test_a_generator_of_images_is_protected(barrier):
    """A stand-in for a diffusion model: noise in, steps of its own loop, images out."""

    def generate(count, steps=3, seed=0):
        image = tf.random.stateless_normal((count, 48, 48, 3), (seed, 0))
        for step in range(steps):
            image -= (image - tf.nn.avg_pool2d(image, 3, 1, "SAME")) / (step + 1)
        return tf.sigmoid(image)

    marked = protect(generate, barrier)(2, steps=2, seed=5)
    np.testing.assert_allclose(marked, barrier.mark(generate(2, 2, 5).numpy()), atol=1e-5)
