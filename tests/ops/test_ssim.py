import numpy as np
import pytest
from skimage.metrics import structural_similarity

from tfwm.ops.ssim import ssim


def test_close_to_scikit_image(gray_photo):
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


def test_closed_form_for_constant_images():
    a, b, c1 = 0.5, 0.6, 1e-4
    expected = (2 * a * b + c1) / (a * a + b * b + c1)
    images = (np.full((1, 16, 16, 1), v, "float32") for v in (a, b))
    assert float(ssim(*images)[0]) == pytest.approx(expected, abs=1e-3)


def test_half_precision_is_cast():
    image = np.full((2, 16, 16, 1), 0.5, "float16")
    assert ssim(image, image).dtype == "float32"
