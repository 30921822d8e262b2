import numpy as np
import pytest

from tfwm.images import quality, ssim
from tfwm.marking import Alignment
from tfwm.report.words import evidence, in_words, power_of_ten


@pytest.mark.parametrize(
    "value,text",
    [
        (1.0, "1"),
        (0.25, "0.25"),
        (0.00123, "0.0012"),
        (1e-6, "10⁻⁶"),
        (9.96e-7, "10⁻⁶"),
        (3.2e-17, "3.2 × 10⁻¹⁷"),
        (0.0, "below 10⁻³⁰⁰"),
    ],
)
def test_power_of_ten(value, text):
    assert power_of_ten(value) == text


def test_evidence_fills_the_meter():
    assert [evidence(p) for p in (1.0, 1e-12, 1e-24, 1e-99, 0.0)] == [0, 0.5, 1, 1, 1]


@pytest.mark.parametrize(
    "alignment,size,text",
    [
        (None, (400, 600), "none"),
        (Alignment(), (400, 600), "in place"),
        (Alignment(0.5), (1024, 1536), "in place"),
        (Alignment(2.0), (256, 384), "at 0.50 times the marking size"),
        (Alignment(whole=True), (1024, 1536), "in place"),
        (Alignment(0.8, offset=(13, 0), whole=True), (99, 99), "a part, 80 % of the sides"),
        (
            Alignment(1.25, whole=True),
            (99, 99),
            "a border around it, the photo 80 % of the sides",
        ),
        (Alignment(rotation=2.0), (400, 600), "turned by 2.0° clockwise"),
        (Alignment(rotation=-2.0), (400, 600), "turned by 2.0° anticlockwise"),
        (
            Alignment(stretch=0.9**-0.5, shear=-0.0875),
            (400, 600),
            "its width at 90.0 % of its height's scale, sheared by 5.0°",
        ),
        (Alignment(bend=((3.0, 0.0, 0.0), (4.0, 0.0, 0.0))), (400, 600), "bent by up to 5 pixels"),
        (
            Alignment(turns=1, flipped=True, offset=(-3, 40)),
            (400, 600),
            "mirrored, turned by 270°, shifted, tile at +40, −3 from the centre",
        ),
    ],
)
def test_alignment_in_words(alignment, size, text):
    assert in_words(alignment, *size) == text


@pytest.mark.parametrize("shape", [(9, 9), (64, 50, 3), (131, 40)])
def test_ssim_in_bands_is_the_ssim(monkeypatch, shape):
    rng = np.random.default_rng(0)
    cover = rng.integers(0, 256, shape, np.uint8)
    marked = (cover // 2 + rng.integers(0, 99, shape, np.uint8)).astype(np.uint8)
    monkeypatch.setattr(quality, "BAND_PIXELS", 500)
    assert quality.large_ssim(cover, marked) == pytest.approx(ssim(cover, marked), abs=1e-12)
    assert np.isnan(quality.large_ssim(cover[:8], marked[:8]))
