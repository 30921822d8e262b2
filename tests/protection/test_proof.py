import numpy as np
import pytest
from scipy import stats

from tfwm.protection import prove


def test_exact_p_values():
    # One image above n others: 1 of n + 1 ranks.
    assert prove([1.0], np.linspace(0, 0.5, 7)).p_value == pytest.approx(1 / 8)
    assert prove([0.9, 1.0], [0.1, 0.2, 0.3]).p_value == pytest.approx(1 / 10)
    assert prove([0.1], [0.2, 0.3]).p_value == pytest.approx(1)


def test_false_claims_keep_their_rate():
    rng = np.random.default_rng(0)
    p_values = [prove(rng.normal(size=20), rng.normal(size=50)).p_value for _ in range(500)]
    assert stats.kstest(p_values, "uniform").pvalue > 1e-3


def test_words():
    proof = prove(np.full(20, 0.9) + np.arange(20) / 1000, np.linspace(-0.1, 0.1, 60))
    assert proof.proven and "carry the mark" in str(proof)
    again = prove(np.linspace(-0.1, 0.1, 20), np.linspace(-0.1, 0.1, 60))
    assert not again.proven and "no proof" in str(again)


@pytest.mark.parametrize("similarities", [[], [np.nan]])
def test_bad_numbers(similarities):
    with pytest.raises(ValueError, match="finite"):
        prove(similarities, [0.0])
    with pytest.raises(ValueError, match="rate"):
        prove([0.1], [0.0], false_claim_rate=0)


def test_a_small_difference_is_no_mark_however_certain():
    """Images of another kind may read a little more, without a mark."""
    unmarked = np.random.default_rng(0).normal(0, 0.01, 500)
    other_kind, marked = prove(unmarked + 0.05, unmarked), prove(unmarked + 0.15, unmarked)
    assert other_kind.p_value < 1e-100 and marked.p_value < 1e-100
    assert marked.proven and not other_kind.proven
