"""The noise layers of MBRS and HiDDeN as tables of a config file, and what they do."""

import tomllib

import numpy as np
import pytest
import tensorflow as tf
from scipy import fft, ndimage

from tfwm import attacks
from tfwm.attacks import JPEG, GaussianBlur, RandomChoice
from tfwm.ops import jpeg

MBRS = """
attacks = [
    { name = "Identity" },
    { name = "JPEG", quality = 50, subsampling = "4:4:4", gradient = "zero" },
    { name = "JPEG", quality = 50, method = "cubic_at_zero", subsampling = "4:4:4" },
    { name = "JPEG", method = "mask", subsampling = "4:4:4" },
    { name = "JPEG", quality = 50 },
    { name = "Crop", fraction = 0.15 },
    { name = "Crop", fraction = 0.19, fill = 1.0 },
    { name = "Cropout", fraction = 0.55 },
    { name = "Dropout", keep = 0.3, per = "element" },
    { name = "GaussianBlur", sigma = 2, size = 7, padding = "reflect" },
    { name = "GaussianNoise", stddev = 0.05 },
    { name = "MedianFilter", size = 3 },
    { name = "SaltAndPepper", amount = 0.04 },
]
"""
HIDDEN = """
attacks = [
    { name = "Identity" },
    { name = "Crop", fraction = [0.4, 0.55], fill = "none" },
    { name = "Cropout", fraction = [0.25, 0.35] },
    { name = "Dropout", keep = [0.25, 0.35] },
    { name = "Resize", scale = [0.4, 0.6], restore = false, method = "nearest" },
    { name = "JPEG", method = "mask", mask = "zigzag", subsampling = "4:4:4" },
]
"""


@pytest.mark.parametrize("toml", [MBRS, HIDDEN], ids=["mbrs", "hidden"])
def test_all_layers_are_tables(toml, photo):
    image = tf.constant(photo[:, :64, :64])
    tables = tomllib.loads(toml)["attacks"]
    layers = [getattr(attacks, table.pop("name"))(**table) for table in tables]
    for one in layers:
        attacked = one(image, cover=1 - image)
        assert attacked.shape[0] == 1 and attacked.shape[-1] == 3
    step = tf.function(RandomChoice(layers, seed=1))
    for _ in range(5):
        assert np.isfinite(step(image, cover=1 - image)).all()


def test_blur_of_mbrs_is_seven_wide_and_mirrored(photo):
    blurred = GaussianBlur(2, size=7, padding="reflect")(photo)
    expected = ndimage.gaussian_filter(photo, (0, 2, 2, 0), radius=(0, 3, 3, 0), mode="mirror")
    np.testing.assert_allclose(blurred, expected, atol=2e-6)


# JFIF, as the code of MBRS has it; chroma without the shift by 128.
TO_YCBCR = np.array([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])
# The same unrounded: near half a step the layer JPEG-SS jumps, so that digits matter.
EXACT_YCBCR = np.array(
    [
        [0.299, 0.587, 0.114],
        [-0.299 / 1.772, -0.587 / 1.772, 0.5],
        [0.5, -0.587 / 1.402, -0.114 / 1.402],
    ]
)
# BT.601 YUV, as the PyTorch port of HiDDeN has it.
TO_YUV = np.array([[0.299, 0.587, 0.114], [-0.14713, -0.28886, 0.436], [0.615, -0.51499, -0.10001]])


def through_blocks(image, matrix, change):
    """Applies `change(coefficients, plane)` to the DCT of 8 x 8 blocks of colour planes."""
    height, width, _ = image.shape
    planes = (image * 255) @ matrix.T
    blocks = planes.reshape(height // 8, 8, width // 8, 8, 3)
    coefficients = fft.dctn(blocks, axes=(1, 3), norm="ortho")
    for plane in range(3):
        coefficients[..., plane] = change(coefficients[..., plane], plane)
    planes = fft.idctn(coefficients, axes=(1, 3), norm="ortho").reshape(height, width, 3)
    return (planes @ np.linalg.inv(matrix).T / 255).clip(0, 1)


def square(coefficients, plane):
    side = 3 if plane else 5
    keep = np.arange(8) < side
    return coefficients * keep[None, :, None, None] * keep


def zigzag(coefficients, plane):
    # Diagonals 0 to 5 have 21 coefficients and 0 to 2 have 6; the rest comes from the next one,
    # diagonal 6 upwards from its left end, diagonal 3 downwards from its right end.
    row, column = np.mgrid[:8, :8]
    keep = row + column <= (2 if plane else 5)
    for place in [(0, 3), (1, 2), (2, 1)] if plane else [(6, 0), (5, 1), (4, 2), (3, 3)]:
        keep[place] = True
    return coefficients * keep[None, :, None, :]


@pytest.mark.parametrize(
    "mask, matrix, change", [("square", TO_YCBCR, square), ("zigzag", TO_YUV, zigzag)]
)
def test_mask_equals_the_papers(mask, matrix, change, photo):
    image = photo[:, :64, :96]
    attacked = JPEG(method="mask", mask=mask, subsampling="4:4:4")(image)
    expected = through_blocks(image[0], matrix, change)
    assert np.abs(expected - image[0]).max() > 0.1
    np.testing.assert_allclose(attacked[0], expected, atol=5e-4)


@pytest.mark.parametrize("quality", [10, 50])
def test_jpeg_ss_equals_the_paper(quality, photo):
    image = photo[:, :64, :96]
    scale = 50 / quality
    tables = [jpeg.LUMINANCE_TABLE, jpeg.CHROMINANCE_TABLE, jpeg.CHROMINANCE_TABLE]

    def change(coefficients, plane):
        coefficients = coefficients.copy()
        if plane == 0:
            coefficients[:, 0, :, 0] -= 1024  # 128 * 8: this layer shifts as libjpeg does
        table = np.clip(np.round(tables[plane] * scale), 1, 255)[None, :, None, :]
        steps = coefficients / table
        smooth = np.where(np.abs(steps) < 0.5, steps**3, steps) * table
        if plane == 0:
            smooth[:, 0, :, 0] += 1024
        return smooth

    expected = through_blocks(image[0], EXACT_YCBCR, change)
    attacked = JPEG(quality, method="cubic_at_zero", subsampling="4:4:4")(image)
    assert np.abs(expected - image[0]).max() > 0.1
    np.testing.assert_allclose(attacked[0], expected, atol=5e-4)


@pytest.mark.parametrize("method", ["faithful", "codec"])
def test_true_rounding_lets_no_gradient_through(method, photo):
    image = tf.constant(photo[:, :30, :41])
    attack = JPEG(50, method=method, subsampling="4:4:4", gradient="zero")
    with tf.GradientTape() as tape:
        tape.watch(image)
        attacked = attack(image)
    slope = tape.gradient(attacked, image)  # zeros and not None
    assert not slope.numpy().any()
    same_values = JPEG(50, method=method, subsampling="4:4:4")(image)
    np.testing.assert_allclose(attacked, same_values, atol=1e-6)
