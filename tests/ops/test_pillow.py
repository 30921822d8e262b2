"""Resizing in TensorFlow, bit for bit as Pillow does it."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfwm.ops.pillow import luminance, resize


@tf.function(
    input_signature=[
        tf.TensorSpec((None, None, 1)),
        tf.TensorSpec((), tf.int32),
        tf.TensorSpec((), tf.int32),
        tf.TensorSpec((4,), tf.float64),
    ]
)
def resized_floats(image, height, width, box):
    return resize(image, height, width, tf.unstack(box))


CASES = [
    ((300, 450), (128, 192), (0, 0, 450, 300)),
    ((301, 517), (97, 166), (0, 0, 516.7, 300.3)),
    ((64, 96), (300, 451), (0, 0, 95.99, 63.8)),
    ((64, 96), (50, 451), (0, 12.7, 95.99, 20.31)),
    ((900, 200), (400, 90), (0, 0, 200, 900)),
    ((8, 8), (8, 8), (0, 0, 8, 8)),
]


@pytest.mark.parametrize(("shape", "size", "box"), CASES)
def test_as_pillow(shape, size, box):
    random = np.random.default_rng(1)
    levels = random.integers(0, 256, shape, np.uint8)
    image = Image.fromarray(levels).resize(size[::-1], Image.BICUBIC, box)
    np.testing.assert_array_equal(
        resize(tf.constant(levels[..., None]), *size, box)[..., 0], np.asarray(image)
    )
    values = random.normal(size=shape).astype(np.float32)
    image = Image.fromarray(values).resize(size[::-1], Image.BICUBIC, box)
    np.testing.assert_array_equal(
        resized_floats(values[..., None], *size, box)[..., 0], np.asarray(image)
    )


def test_luminance():
    pixels = np.random.default_rng(2).integers(0, 256, (50, 60, 3), np.uint8)
    expected = np.asarray(Image.fromarray(pixels).convert("L"))
    np.testing.assert_array_equal(luminance(pixels)[..., 0], expected)
