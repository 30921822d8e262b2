import numpy as np
import pytest

from tfwm.payload.soft import llr_scale, snr, snr_range


def agreement(amplitude, count=200_000):
    return amplitude + np.random.default_rng(0).standard_normal(count)


def test_snr_of_known_signal():
    assert snr(agreement(0.5)) == pytest.approx(0.25, rel=0.03)
    assert snr(np.append(agreement(0.5), np.zeros(99))) == snr(agreement(0.5))
    assert snr(-agreement(0.5)) == 0
    assert snr(np.ones(50)) == 50
    assert snr(np.zeros(5)) == 0


def test_snr_range_holds_the_truth():
    held = 0
    for seed in range(200):
        votes = 0.5 + np.random.default_rng(seed).standard_normal(256)
        low, high = snr_range(votes, share=1.0)
        held += low < 0.25 < high
    assert held >= 197
    assert snr_range(-votes, share=1.0)[1] < 0.05
    assert snr_range(votes, share=0.5) == pytest.approx((low / 2, high / 2))
    assert snr_range(np.zeros(256), share=1.0) == (0, np.inf)


@pytest.mark.parametrize("amplitude", [0.5, 1.0, 1.5])
def test_scale_gives_log_likelihood_ratios(amplitude):
    votes = agreement(amplitude, 20_000)
    scale = llr_scale(5 * votes, needed=0.3)
    assert scale / np.sqrt(np.mean(votes**2)) == pytest.approx(2 * amplitude, rel=0.05)


def test_scale_without_pilots_is_that_of_the_edge():
    assert llr_scale(np.zeros(0), needed=1.0) == pytest.approx(2 * np.sqrt(2))
