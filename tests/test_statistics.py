import numpy as np
import pytest
from scipy import stats

from tfwm.statistics import matching_bits_p_value, mean_interval, wilson_interval


@pytest.mark.parametrize(("successes", "count"), [(0, 1), (0, 50), (3, 7), (99, 100), (8, 8)])
def test_wilson_is_scipy_s(successes, count):
    expected = stats.binomtest(successes, count).proportion_ci(0.95, "wilson")
    found = wilson_interval(successes / count, count)
    assert found == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert found[0] <= successes / count <= found[1]


def test_wilson_closed_forms():
    z = stats.norm.ppf(0.975)
    low, high = wilson_interval(1.0, 100)
    assert high == 1 and low == pytest.approx(100 / (100 + z**2))
    assert wilson_interval(0.0, 100) == pytest.approx((0.0, z**2 / (100 + z**2)))
    low, high = wilson_interval(0.5, 25)
    assert low + high == pytest.approx(1)
    for share, count in ((1.1, 3), (0.5, 0)):
        with pytest.raises(ValueError, match="at least one trial"):
            wilson_interval(share, count)


def test_mean_interval():
    assert mean_interval([0.4]) == (None, None)
    low, high = mean_interval([0.4, 0.6, 0.5, 0.5])
    error = 1.959964 * np.std([0.4, 0.6, 0.5, 0.5], ddof=1) / 2
    assert (low, high) == pytest.approx((0.5 - error, 0.5 + error), abs=1e-6)
    assert mean_interval([0.0, 1.0]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("bits", "rate", "needed"),
    [(30, 1e-6, 28), (32, 1e-6, 30), (48, 1e-6, 41), (64, 1e-6, 51), (100, 1e-6, 74),
     (256, 1e-6, 167), (30, 1e-3, 24), (64, 1e-3, 45)],
)  # fmt: skip
def test_bits_that_must_match(bits, rate, needed):
    assert matching_bits_p_value(needed, bits) <= rate < matching_bits_p_value(needed - 1, bits)


def test_binomial_tail():
    assert matching_bits_p_value(8, 8) == pytest.approx(2**-8)
    assert matching_bits_p_value(7, 8) == pytest.approx(9 * 2**-8)
    assert matching_bits_p_value(0, 8) == pytest.approx(1)
