import math

import numpy as np
import pytest

from tfwm.payload.signal import (
    LOSS,
    bound_snr,
    frame_error_bound,
    llr_scale,
    needed_snr,
    snr,
    snr_range,
)


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


def test_capacity_at_low_signal_is_that_of_shannon():
    """At half the frames lost, the rate is the capacity plus log2(n)/2n."""
    length, bits = 100_000, 1000
    snr = bound_snr(bits, length, 0.5)
    capacity = (bits - 0.5 * math.log2(length)) / length
    assert snr == pytest.approx(2 * math.log(2) * capacity, rel=0.01)


def test_bound_matches_a_published_value():
    """Polyanskiy et al.: BI-AWGN, rate 1/2, n = 2000, error 1e-4: Eb/N0 of about 0.9 dB."""
    snr = bound_snr(1000, 2000, 1e-4)  # Es/N0 is snr / 2, Eb/N0 = Es/N0 / rate
    assert 10 * math.log10(snr) == pytest.approx(0.9, abs=0.15)


def test_more_signal_loses_fewer_frames():
    errors = [frame_error_bound(100, 768, snr) for snr in np.linspace(0.1, 1, 10)]
    assert (np.diff(errors) < 0).all()
    assert frame_error_bound(100, 768, bound_snr(100, 768, 1e-3)) == pytest.approx(1e-3, rel=0.01)
    assert needed_snr(100, 768) == pytest.approx(LOSS * bound_snr(100, 768, 1e-3))
    assert needed_snr(550, 768) > 5 * needed_snr(68, 768)
