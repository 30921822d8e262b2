"""The equivalents of tensorflow-addons 0.23 against its outputs.

Those are in `tensorflow_addons_reference.npz`, made by `make_tensorflow_addons_reference.py`.

| tensorflow-addons | here | differences |
|---|---|---|
| `layers.InstanceNormalization` | `keras.layers.GroupNormalization(groups=-1)` | none, epsilon 1e-3 in both; `tfwm.layers.InstanceNormalization` is the one without scale and offset, epsilon 1e-5 |
| `image.transform` | `ops.perspective.warp` | rows of `(x, y)` there, matrices of `(row, column)` here; 0 is the centre of the first pixel in both; `fill_mode="CONSTANT"` is a number as `fill`, `"NEAREST"` is `None` |
| `image.gaussian_filter2d` | `GaussianBlur(sigma, size=...)` | its default padding is `"REFLECT"`, ours `"symmetric"`; `"CONSTANT"` is `"zero"` |
| `image.median_filter2d` | `MedianFilter` | the same; windows of odd sides only |
| `image.resampler` | `ops.warp.sample_bilinear` | points `(x, y)` there, rows and columns here; beyond the border 0 there, the edge pixel here, `ops.perspective.share_inside` tells which |
"""  # noqa: E501

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.attacks import GaussianBlur, MedianFilter
from tfwm.layers import InstanceNormalization
from tfwm.ops.perspective import share_inside, warp
from tfwm.ops.warp import sample_bilinear

PATH = pathlib.Path(__file__).parent / "tensorflow_addons_reference.npz"
PADDINGS = {"REFLECT": "reflect", "SYMMETRIC": "symmetric", "CONSTANT": "zero"}
EVERY_PADDING = pytest.mark.parametrize("padding", PADDINGS)


@pytest.fixture(scope="module")
def reference():
    with np.load(PATH) as file:
        return dict(file)


def test_who_made_it(reference):
    addons, tensorflow = reference["versions"]
    assert addons == "tensorflow-addons 0.23.0" and tensorflow.startswith("tensorflow 2.15")
    assert PATH.stat().st_size < 300_000


def test_instance_normalization(reference):
    layer = keras.layers.GroupNormalization(groups=-1)
    layer.build(reference["image"].shape)
    layer.set_weights([reference["gamma"], reference["beta"]])
    expected = reference["instance_normalization"]
    np.testing.assert_allclose(layer(reference["image"]), expected, atol=2e-6)


@pytest.mark.parametrize(
    "layer",
    [
        InstanceNormalization(),
        keras.layers.GroupNormalization(groups=-1, epsilon=1e-5, center=False, scale=False),
    ],
)
def test_instance_normalization_without_weights(layer, reference):
    expected = reference["instance_normalization_plain"]
    np.testing.assert_allclose(layer(reference["image"]), expected, atol=2e-6)


@pytest.mark.parametrize("name", ["identity", "shift", "affine", "projective"])
def test_projective_transform(name, reference):
    a0, a1, a2, b0, b1, b2, c0, c1 = reference[f"transform_row_{name}"]
    matrix = tf.constant([[[b1, b0, b2], [a1, a0, a2], [c1, c0, 1.0]]])
    matrix = tf.repeat(matrix, 2, axis=0)
    for mode, fill in (("CONSTANT", 0.75), ("NEAREST", None)):
        expected = reference[f"transform_{mode}_{name}"]
        np.testing.assert_allclose(warp(reference["image"], matrix, fill), expected, atol=1e-5)


@EVERY_PADDING
@pytest.mark.parametrize("size, sigma", [(3, 1.0), (7, 2.0)])
def test_gaussian_filter(size, sigma, padding, reference):
    blurred = GaussianBlur(sigma, size=size, padding=PADDINGS[padding])(reference["image"])
    expected = reference[f"gaussian_{size}_{sigma}_{padding}"]
    np.testing.assert_allclose(blurred, expected, atol=1e-6)


@EVERY_PADDING
@pytest.mark.parametrize("size", [3, 5])
def test_median_filter(size, padding, reference):
    filtered = MedianFilter(size, PADDINGS[padding])(reference["image"])
    np.testing.assert_array_equal(filtered, reference[f"median_{size}_{padding}"])


def test_resampler_and_its_gradients(reference):
    image, points = tf.constant(reference["image"]), tf.constant(reference["points"])
    with tf.GradientTape() as tape:
        tape.watch([image, points])
        columns, rows = tf.unstack(points, axis=-1)
        sampled = sample_bilinear(image, rows, columns)
        sampled *= share_inside(image.shape[1:3], rows, columns)
        loss = tf.reduce_sum(sampled * reference["gain"])
    image_slope, points_slope = tape.gradient(loss, [image, points])
    np.testing.assert_allclose(sampled, reference["resampler"], atol=1e-5)
    np.testing.assert_allclose(image_slope, reference["resampler_image_slope"], atol=1e-5)
    np.testing.assert_allclose(points_slope, reference["resampler_points_slope"], atol=1e-4)
