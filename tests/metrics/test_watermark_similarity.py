import numpy as np
import pytest

from tfwm.metrics import normalized_correlation, watermark_similarity

MARK = np.random.default_rng(0).random((16, 16, 3))


def test_of_strong_images_it_is_the_correlation():
    strong = MARK + np.random.default_rng(1).normal(size=(4, 16, 16, 3))
    marks = np.broadcast_to(MARK, strong.shape)
    expected = normalized_correlation(marks, strong, centred=True)
    np.testing.assert_allclose(watermark_similarity(MARK, strong), expected, atol=1e-4)


@pytest.mark.parametrize("share", [1.0, 0.3, 0.01, 0.0, -0.5])
def test_of_faint_ones_their_share(share):
    faint = 0.5 + share * (MARK - 0.5)
    assert watermark_similarity(MARK, faint[None]) == pytest.approx([share], abs=1e-6)


def test_blanks():
    blanks = np.ones((2, 16, 16, 3)) * [1.0, 0.2, 0.7]
    np.testing.assert_allclose(watermark_similarity(MARK, blanks), 0, atol=1e-12)
    assert watermark_similarity(blanks[0], MARK[None]) == pytest.approx([0], abs=1e-12)
