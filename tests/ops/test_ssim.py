import numpy as np
import pytest
import tensorflow as tf
from skimage.metrics import structural_similarity

from tfwm.ops.ssim import ssim


def test_close_to_scikit_image(gray_photo):
    gray_photo = gray_photo[:, :100, :100]
    noisy = np.clip(gray_photo + np.random.default_rng(0).normal(0, 0.05, gray_photo.shape), 0, 1)
    noisy = noisy.astype("float32")
    expected = structural_similarity(
        gray_photo[0, ..., 0],
        noisy[0, ..., 0],
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        win_size=11,
        use_sample_covariance=False,
    )
    assert float(ssim(gray_photo, noisy, filter_size=11)[0]) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("shape", [(64, 64), (40, 100)])
def test_matrices_equal_convolution(photo, shape):
    image = photo[:, : shape[0], : shape[1]]
    noisy = image + np.random.default_rng(0).normal(0, 0.05, image.shape).astype("float32")
    expected = tf.image.ssim(image, noisy, 1.0, filter_size=8, filter_sigma=1.5)
    np.testing.assert_allclose(ssim(image, noisy), expected, atol=1e-4)


def test_too_small_an_image():
    with pytest.raises(ValueError, match="at least 8"):
        ssim(np.zeros((1, 4, 16, 1)), np.zeros((1, 4, 16, 1)))


def test_closed_form_for_constant_images():
    a, b, c1 = 0.5, 0.6, 1e-4
    expected = (2 * a * b + c1) / (a * a + b * b + c1)
    images = (np.full((1, 16, 16, 1), v, "float32") for v in (a, b))
    assert float(ssim(*images)[0]) == pytest.approx(expected, abs=1e-3)


def test_half_precision_is_cast():
    image = np.full((2, 16, 16, 1), 0.5, "float16")
    assert ssim(image, image).dtype == "float32"
