import numpy as np
import pytest
import tensorflow as tf
from skimage.color import rgb2yuv

from tfwm.images import add_luminance
from tfwm.ops import color


def test_ycbcr_of_known_colors():
    rgb = tf.constant([[0.0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 0, 1]])
    ycbcr = color.rgb_to_ycbcr(rgb).numpy()
    expected = [[0, 0.5, 0.5], [1, 0.5, 0.5], [0.299, 0.331264, 1], [0.114, 1, 0.418688]]
    np.testing.assert_allclose(ycbcr, expected, atol=1e-6)


def test_yuv_equals_scikit_image(photo):
    np.testing.assert_allclose(color.rgb_to_yuv(photo), rgb2yuv(photo), atol=1e-5)


@pytest.mark.parametrize("space", ["ycbcr", "yuv"])
def test_inverse(space, photo):
    there, back = getattr(color, f"rgb_to_{space}"), getattr(color, f"{space}_to_rgb")
    np.testing.assert_allclose(back(there(tf.constant(photo))), photo, atol=1e-6)


def test_gray_is_luma(photo):
    gray = color.rgb_to_gray(tf.constant(photo))
    np.testing.assert_allclose(gray, photo @ np.array([[0.299], [0.587], [0.114]]), atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_adding_to_luma_is_what_the_photo_path_does(channels):
    generator = np.random.default_rng(0)
    image = generator.random((1, 16, 16, channels)).astype(np.float32).clip(0.05, 0.98)
    image[:, :4] = 0
    image[:, 4:6] = 1
    change = generator.normal(0, 0.05, (1, 16, 16, 1)).astype(np.float32)
    expected = add_luminance(image[0], change[0, ..., 0])
    np.testing.assert_allclose(color.add_to_luma(image, change)[0], expected, atol=1e-6)
