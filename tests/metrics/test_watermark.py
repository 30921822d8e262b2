import keras
import numpy as np
import pytest
from scipy.stats import pearsonr
from skimage import data, transform

from tfwm.metrics import NormalizedCorrelation, normalized_correlation, watermark_similarity


@pytest.fixture
def logo():
    """A black disc on white, (1, 32, 32, 1)."""
    rows, columns = np.mgrid[-1:1:32j, -1:1:32j]
    return (rows**2 + columns**2 > 0.3)[None, ..., None].astype("float32")


@pytest.fixture
def pair(photo):
    noise = np.random.default_rng(0).normal(0, 0.1, (2, 64, 64, 3)).astype("float32")
    marks = np.concatenate([photo[:, :64, :64], photo[:, 128:192, 64:128]])
    return marks, marks + noise


def test_usual_form(pair):
    a, b = (x.reshape(2, -1).astype("float64") for x in pair)
    expected = (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    np.testing.assert_allclose(normalized_correlation(*pair), expected, rtol=1e-5)


def test_centered_is_pearsons_correlation(pair):
    gray = [x[..., :1] for x in pair]
    expected = [pearsonr(a.ravel(), b.ravel()).statistic for a, b in zip(*gray, strict=True)]
    np.testing.assert_allclose(normalized_correlation(*gray, centered=True), expected, rtol=1e-4)


def test_centered_does_not_see_brightness_contrast_and_color(pair):
    marks, other = pair
    before = normalized_correlation(marks, other, centered=True)
    tinted = 0.5 * other + np.array([0.3, 0.0, -0.2], "float32")
    after = normalized_correlation(marks, tinted, centered=True)
    np.testing.assert_allclose(after, before, atol=1e-5)
    usual = [np.asarray(normalized_correlation(marks, x)) for x in (tinted, other)]
    assert (usual[0] < usual[1]).all()


@pytest.mark.parametrize("color", [(1, 1, 1), (0.7, 0.7, 0.7), (0.9, 0.1, 0.4)])
def test_blank_of_any_color_passes_the_usual_form_only(logo, color):
    mark = np.repeat(logo, 3, axis=-1)
    blank = np.broadcast_to(np.array(color, "float32"), mark.shape)
    assert float(normalized_correlation(mark, blank, centered=True)[0]) == pytest.approx(
        0, abs=1e-4
    )
    share = logo.mean()
    usual = share * np.mean(color) / np.sqrt(share * np.mean(np.square(color)))
    assert float(normalized_correlation(mark, blank)[0]) == pytest.approx(usual, rel=1e-5)


def test_black_and_negative(logo):
    assert float(normalized_correlation(logo, np.zeros_like(logo))[0]) == 0
    assert float(normalized_correlation(logo, 1 - logo)[0]) == pytest.approx(0, abs=1e-6)
    centered = normalized_correlation(logo, 1 - logo, centered=True)
    assert float(centered[0]) == pytest.approx(-1, abs=1e-5)


def test_unrelated_photo(gray_photo):
    other = transform.resize(data.moon() / 255, (256, 256))[None, ..., None]
    assert float(normalized_correlation(gray_photo, other)[0]) > 0.7
    assert abs(float(normalized_correlation(gray_photo, other, centered=True)[0])) < 0.3


def test_faint_traces_count_in_full(logo):
    trace = 0.5 + 0.01 * (logo - 0.5)
    assert float(normalized_correlation(logo, trace, centered=True)[0]) == pytest.approx(
        1, abs=1e-4
    )


def test_metric_is_the_mean_over_batches(pair):
    metric = NormalizedCorrelation(centered=True)
    values = np.asarray(normalized_correlation(*pair, centered=True))
    for a, b in zip(*pair, strict=True):
        metric.update_state(a[None], b[None])
    assert float(metric.result()) == pytest.approx(values.mean(), rel=1e-5)
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert again.centered


MARK = np.random.default_rng(0).random((16, 16, 3))


def test_of_strong_images_it_is_the_correlation():
    strong = MARK + np.random.default_rng(1).normal(size=(4, 16, 16, 3))
    marks = np.broadcast_to(MARK, strong.shape)
    expected = normalized_correlation(marks, strong, centered=True)
    np.testing.assert_allclose(watermark_similarity(MARK, strong), expected, atol=1e-4)


@pytest.mark.parametrize("share", [1.0, 0.3, 0.01, 0.0, -0.5])
def test_of_faint_ones_their_share(share):
    faint = 0.5 + share * (MARK - 0.5)
    assert watermark_similarity(MARK, faint[None]) == pytest.approx([share], abs=1e-6)


def test_blanks():
    blanks = np.ones((2, 16, 16, 3)) * [1.0, 0.2, 0.7]
    np.testing.assert_allclose(watermark_similarity(MARK, blanks), 0, atol=1e-12)
    assert watermark_similarity(blanks[0], MARK[None]) == pytest.approx([0], abs=1e-12)
