import numpy as np
import pytest

from tfwm.evaluation.ownership import correlate, ownership_row


def test_blank_passes_the_paper_s_measure_only():
    watermark = np.ones((16, 16, 1))
    watermark[6:8, 6:8] = 0
    blank = np.ones((10, 16, 16, 1))
    unmarked = correlate(blank, watermark)
    row = ownership_row("blank", blank, watermark, unmarked)
    assert row["success_nc"] == 1 and row["success"] == 0 and row["similarity"] == 0
    assert row["p_value"] > 0.4
    row = ownership_row("marked", np.repeat(watermark[None], 10, 0), watermark, unmarked)
    assert row["success"] == 1 and row["p_value"] < 1e-4
    assert row["nc"] == pytest.approx(1) and row["images"] == 10
