import math

import numpy as np
import pytest

from tfwm.payload.limits import LOSS, bound_snr, frame_error_bound, needed_snr


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
