import numpy as np
import pytest
import zxingcpp
from PIL import Image

from tfwm.data import watermark_image


def test_flower_is_the_same_at_all_sizes():
    large, small = (watermark_image("flower", size) for size in (256, 64))
    assert large.shape == (256, 256, 3) and 0 <= large.min() and large.max() == 1
    means = large.reshape(64, 4, 64, 4, 3).mean((1, 3))
    assert np.abs(means - small).mean() < 0.01
    # Not mostly white, which makes a correlation say little.
    assert large.mean() < 0.85
    gray = watermark_image("flower", 64, 1)
    assert gray.shape == (64, 64, 1)
    # What a white image has, by the paper's measure, whose limit is 0.95.
    for picture in (small, gray):
        assert picture.mean() / np.sqrt((picture**2).mean()) < 0.95


@pytest.mark.parametrize("size", [64, 128])
def test_qr_code_can_be_read(size):
    code = watermark_image("qr:tfwm 7", size, 1)
    assert set(np.unique(code)) == {0, 1}
    (found,) = zxingcpp.read_barcodes(np.uint8(255 * code[..., 0]))
    assert found.text == "tfwm 7"


def test_files_are_squeezed(tmp_path):
    Image.new("RGB", (30, 20), (255, 0, 0)).save(tmp_path / "red.png")
    red = watermark_image(str(tmp_path / "red.png"), 16)
    np.testing.assert_allclose(red, np.broadcast_to([1.0, 0, 0], (16, 16, 3)))


def test_bad_sources(tmp_path):
    with pytest.raises(ValueError, match="Received: 'rose'"):
        watermark_image("rose", 64)
    with pytest.raises(ValueError, match="channels=2"):
        watermark_image("flower", 64, 2)
    with pytest.raises(ValueError, match="at least 2"):
        watermark_image("qr:long enough", 16)
