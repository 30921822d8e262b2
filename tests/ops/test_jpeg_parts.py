import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfwm.ops import jpeg


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 75, 99, 100])
def test_tables_equal_pillow(quality):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", quality=quality)
    tables = Image.open(buffer).quantization
    for i, table in enumerate((jpeg.LUMINANCE_TABLE, jpeg.CHROMINANCE_TABLE)):
        scaled = jpeg.quantization_table(quality, table).numpy().ravel()
        np.testing.assert_array_equal(scaled, tables[i])


def test_a_table_for_every_image():
    tables = jpeg.quantization_table([20, 80])
    np.testing.assert_array_equal(tables[0], jpeg.quantization_table(20))
    np.testing.assert_array_equal(tables[1], jpeg.quantization_table(80))


def test_zigzag_order():
    # ITU-T T.81, figure A.6: the first 10 coefficients are the first 4 diagonals.
    np.testing.assert_array_equal(jpeg.low_frequency_mask(10, "zigzag")[:4, :4], np.tri(4)[::-1])
    eight = jpeg.low_frequency_mask(8, "zigzag")
    assert eight[0, 3] and eight[1, 2] and not eight[2, 1] and not eight[3, 0]
    assert jpeg.low_frequency_mask(25, "zigzag").sum() == 25


def test_square_mask():
    expected = np.zeros((8, 8))
    expected[:5, :5] = 1
    np.testing.assert_array_equal(jpeg.low_frequency_mask(5, "square"), expected)


def test_block_dct_is_orthonormal(gray_photo):
    coefficients = jpeg.block_dct(tf.constant(gray_photo))
    np.testing.assert_allclose(
        coefficients[..., 0], tf.nn.avg_pool2d(gray_photo, 8, 8, "VALID")[..., 0] * 8, rtol=1e-4
    )
    np.testing.assert_allclose(jpeg.inverse_block_dct(coefficients), gray_photo, atol=1e-5)


def test_vertical_frequency_comes_first():
    rows = np.cos(np.pi * (2 * np.arange(8) + 1) / 16)
    plane = np.tile(rows[:, None], (1, 8))[None, ..., None].astype(np.float32)
    coefficients = jpeg.block_dct(tf.constant(plane)).numpy().ravel()
    assert np.argmax(np.abs(coefficients)) == 8


@pytest.mark.parametrize("size", [(9, 14), (16, 16)])
def test_chroma_filters_keep_flat_planes(size):
    plane = tf.fill((2, *size, 1), 0.3)
    half = jpeg.downsample_chroma(plane)
    assert half.shape == (2, -(-size[0] // 2), -(-size[1] // 2), 1)
    np.testing.assert_allclose(jpeg.upsample_chroma(half, *size), plane, rtol=1e-6)


def test_upsampling_weights():
    plane = np.zeros((1, 5, 5, 1), np.float32)
    plane[0, 2, 2] = 16
    wide = jpeg.upsample_chroma(tf.constant(plane), 10, 10)[0, 3:7, 3:7, 0]
    np.testing.assert_array_equal(wide, np.outer([1, 3, 3, 1], [1, 3, 3, 1]))
