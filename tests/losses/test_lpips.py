import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm import losses, metrics

HERE = Path(__file__).parent
MAKER = runpy.run_path(str(HERE / "make_lpips_reference.py"))
REFERENCE = np.load(HERE / "lpips_reference.npz")
PAIRS = list(MAKER["image_pairs"]())
LAST_BIT = np.finfo(np.float32).eps


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Function of a trunk to a file of random weights in torchvision's names and layout."""
    folder = tmp_path_factory.mktemp("trunks")

    def path(trunk):
        file = folder / f"{trunk}.npz"
        if not file.exists():
            shapes = json.loads(str(REFERENCE[f"{trunk}_shapes"]))
            np.savez(file, **MAKER["random_weights"](shapes))
        return file

    return path


def test_equals_the_package_lpips(weights):
    """Distances and gradients of lpips 0.1.4 with the same random trunk and its own heads.

    A gradient has two values where a ReLU or a maximum is a tie but for rounding, which depends on
    the processor. So the sums are those of SSE4.1 as far as that can be asked for, before
    TensorFlow starts: in a process of its own; and pixels count whose gradient stays the same
    when the last bits of the image change.
    """
    files = {trunk: str(weights(trunk)) for trunk in MAKER["TRUNKS"]}
    code = f"import test_lpips as t; [t.compare(*one) for one in {list(files.items())}]"
    env = {**os.environ, "ONEDNN_MAX_CPU_ISA": "SSE41"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=HERE, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]


def compare(trunk, file):
    loss = losses.LPIPS(trunk, file)
    random = np.random.default_rng(0)
    for i, (image, other) in enumerate(PAIRS):
        distance, gradient = with_gradient(loss, image, other)
        np.testing.assert_allclose(distance, REFERENCE[f"{trunk}_{i}"], rtol=1e-5)
        expected = REFERENCE[f"{trunk}_{i}_gradient"]
        close = 1e-4 * np.abs(expected).max()
        steady = np.ones(gradient.shape, bool)
        for _ in range(4):
            rounded = other * (1 + random.uniform(-LAST_BIT, LAST_BIT, other.shape)).astype("f4")
            steady &= np.abs(with_gradient(loss, image, rounded)[1] - gradient) < close
        assert steady.mean() > 0.75
        np.testing.assert_allclose(gradient[steady], expected[steady], atol=close)


def with_gradient(loss, image, other):
    """The distances of two batches, and their gradient at every fifth pixel of the second."""
    other = tf.constant(other)
    with tf.GradientTape() as tape:
        tape.watch(other)
        distance = loss.call(image, other)
        total = tf.reduce_sum(distance)
    return distance, tape.gradient(total, other)[:, ::5, ::5].numpy()


def test_one_distance_an_image_and_zero_for_equal_ones(weights):
    loss = losses.LPIPS("squeeze", weights("squeeze"))
    image, other = PAIRS[0]
    each = loss.call(np.concatenate([image, image]), np.concatenate([image, other]))
    assert each.shape == (2,)
    assert float(each[0]) == 0 < float(each[1])


def test_features_of_zeros_have_a_gradient(tmp_path):
    """They have no direction to compare; in lpips itself the gradient is NaN there."""
    shapes = json.loads(str(REFERENCE["squeeze_shapes"]))
    np.savez(tmp_path / "zeros.npz", **{key: np.zeros(shape) for key, shape in shapes.items()})
    loss = losses.LPIPS("squeeze", tmp_path / "zeros.npz")
    image, other = PAIRS[0][0], tf.constant(PAIRS[0][1])
    with tf.GradientTape() as tape:
        tape.watch(other)
        distance = loss(image, other)
    assert np.isfinite(tape.gradient(distance, other)).all()


def test_metric_is_the_mean_of_the_images(weights):
    metric = metrics.LPIPS("squeeze", weights("squeeze"))
    image, other = PAIRS[0]
    metric.update_state(image, other)
    metric.update_state(image, image)
    expected = float(losses.LPIPS("squeeze", weights("squeeze"))(image, other)) / 2
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert isinstance(again, metrics.LPIPS)


def test_trains_in_an_ordinary_fit_and_stays_out_of_the_file(weights, tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        image = keras.Input((32, 32, 3))
        x = keras.layers.Conv2D(3, 1, kernel_initializer="zeros")(image)
        model = keras.Model(image, keras.layers.Add(dtype="float32")([image, x]))
        loss = losses.LPIPS("squeeze", weights("squeeze"))
    finally:
        keras.config.set_dtype_policy("float32")
    model.compile(keras.optimizers.SGD(0.1), loss=loss)
    covers = np.random.default_rng(0).random((4, 32, 32, 3)).astype("float32")
    history = model.fit(covers, 1 - covers, epochs=3, batch_size=4, verbose=0).history["loss"]
    assert history[-1] < history[0]
    model.save(tmp_path / "model.keras")
    assert (tmp_path / "model.keras").stat().st_size < 100_000
    assert isinstance(keras.models.load_model(tmp_path / "model.keras").loss, losses.LPIPS)


def test_config_round_trip(weights):
    loss = losses.LPIPS("squeeze", weights("squeeze"), name="p")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()


def test_bad_arguments(weights, tmp_path):
    with pytest.raises(ValueError, match="trunk"):
        losses.LPIPS("resnet")
    with pytest.raises(FileNotFoundError):
        losses.LPIPS("alex", tmp_path / "nothing.pth")
    with pytest.raises(ValueError, match="torchvision's alexnet"):
        losses.LPIPS("alex", weights("squeeze"))
