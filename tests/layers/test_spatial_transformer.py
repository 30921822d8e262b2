import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import map_coordinates

from tfwm.layers import SpatialTransformer

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
