import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfwm.ops import libjpeg
from tfwm.ops.libjpeg import encode_and_decode_jpeg

SIZES = [(256, 256), (37, 51), (9, 3), (5, 4), (34, 5), (16, 17), (33, 16), (1, 1)]


def pillow_jpeg(image, quality, subsampling="4:2:0"):
    buffer = io.BytesIO()
    color = {"subsampling": subsampling} if image.shape[-1] == 3 else {}
    pixels = np.uint8(np.rint(image * 255)).squeeze(-1) if image.shape[-1] == 1 else image
    pixels = pixels if pixels.dtype == np.uint8 else np.uint8(np.rint(pixels * 255))
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, **color)
    return np.asarray(Image.open(buffer)).reshape(image.shape)


def levels(image):
    return np.rint(np.asarray(image) * 255)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["gray", "4:4:4", "4:2:0"])
def test_equals_pillow_in_every_bit(size, kind, photo, gray_photo):
    image = (gray_photo if kind == "gray" else photo)[:, : size[0], 60 : 60 + size[1]]
    subsampling = "4:2:0" if kind == "gray" else kind
    for quality in (1, 25, 50, 80, 100):
        ours = levels(libjpeg.compress(tf.constant(image), quality, subsampling)[0])
        np.testing.assert_array_equal(ours, pillow_jpeg(image[0], quality, subsampling))


@pytest.mark.parametrize("kind", ["4:4:4", "4:2:0"])
def test_equals_pillow_on_noise(kind):
    # Saturated noise drives every clamp of the decoder.
    image = np.random.default_rng(0).integers(0, 2, (1, 64, 64, 3)).astype(np.float32)
    for quality in (5, 40, 90):
        ours = levels(libjpeg.compress(tf.constant(image), quality, kind)[0])
        np.testing.assert_array_equal(ours, pillow_jpeg(image[0], quality, kind))


@pytest.mark.parametrize("jit", [False, True])
def test_equals_pillow_when_compiled(jit, photo):
    image = photo[:, :50, :70]
    compress = tf.function(lambda x: libjpeg.compress(x, 60, "4:2:0"), jit_compile=jit)
    np.testing.assert_array_equal(levels(compress(image)[0]), pillow_jpeg(image[0], 60))


def test_unknown_size(photo):
    spec = tf.TensorSpec((None, None, None, 3))
    compress = tf.function(lambda x: libjpeg.compress(x, 60, "4:2:0"), input_signature=[spec])
    for size in SIZES[1:4]:
        image = photo[:, : size[0], : size[1]]
        np.testing.assert_array_equal(levels(compress(image)[0]), pillow_jpeg(image[0], 60))


def test_a_quality_for_every_image(photo):
    images = tf.constant(np.repeat(photo[:, :40, :40], 2, axis=0))
    both = libjpeg.compress(images, tf.constant([20, 90]), "4:2:0")
    for i, quality in enumerate((20, 90)):
        np.testing.assert_array_equal(levels(both[i]), pillow_jpeg(photo[0, :40, :40], quality))


@pytest.mark.parametrize("kind", ["gray", "4:4:4", "4:2:0"])
@pytest.mark.parametrize("quality", [60, (60, 85)])
def test_tensorflow_codec_equals_pillow(kind, quality, photo, gray_photo):
    image = (gray_photo if kind == "gray" else photo)[:, :37, :51]
    images = tf.constant(np.repeat(image, 2, axis=0))
    given = quality if isinstance(quality, int) else tf.constant(quality)
    coded = encode_and_decode_jpeg(images, given, "4:2:0" if kind == "gray" else kind)
    for i in range(2):
        number = quality if isinstance(quality, int) else quality[i]
        expected = pillow_jpeg(image[0], number, "4:2:0" if kind == "gray" else kind)
        np.testing.assert_array_equal(levels(coded[i]), expected)
