import numpy as np
import pytest

from tfwm.evaluation.ownership import ownership_row, quality_row
from tfwm.images import psnr, ssim
from tfwm.metrics import watermark_similarity


def test_blank_passes_the_paper_s_measure_only():
    watermark = np.ones((16, 16, 1))
    watermark[6:8, 6:8] = 0
    blank = np.ones((10, 16, 16, 1))
    unmarked = watermark_similarity(watermark, blank)
    row = ownership_row("blank", blank, watermark, unmarked)
    assert row["success_nc"] == 1 and row["success"] == 0 and row["similarity"] == 0
    assert row["p_value"] > 0.4
    row = ownership_row("marked", np.repeat(watermark[None], 10, 0), watermark, unmarked)
    assert row["success"] == 1 and row["p_value"] == 1e-4
    assert row["nc"] == pytest.approx(1) and row["images"] == 10


@pytest.mark.parametrize("channels", [1, 3])
def test_quality_is_the_mean_over_images(channels):
    rng = np.random.default_rng(0)
    targets, images = rng.integers(0, 256, (2, 3, 16, 16, channels)).astype(np.uint8)
    row = quality_row("copies", targets, images)
    pairs = [
        (a[..., 0], b[..., 0]) if channels == 1 else (a, b)
        for a, b in zip(targets, images, strict=True)
    ]
    assert row["psnr"] == pytest.approx(np.mean([psnr(*pair) for pair in pairs]))
    assert row["ssim"] == pytest.approx(np.mean([ssim(*pair) for pair in pairs]))
    assert (row["images_of"], row["images"]) == ("copies", 3)
