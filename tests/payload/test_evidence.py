import itertools
import math

import numpy as np
import pytest
from scipy import stats

from tfwm.payload import evidence


def test_pilot_score_is_standard_over_all_orders_of_the_signs():
    votes = np.array([0.3, -1.0, 0.0, 2.5, 0.7, -0.2, 5.0])
    signs = np.array([1, 1, 1, -1, -1, -1, 1.0])
    seen = votes != 0
    scores = []
    for order in itertools.permutations(signs[seen]):
        shuffled = signs.copy()
        shuffled[seen] = order
        scores.append(evidence.pilot_score(shuffled, votes))
    assert np.mean(scores) == pytest.approx(0, abs=1e-12)
    assert np.mean(np.square(scores)) == pytest.approx(1)


def test_pilot_score_ignores_scale_offset_and_unseen_slots():
    rng = np.random.default_rng(0)
    votes, signs = rng.standard_normal(64), np.repeat([1.0, -1.0], 32)
    score = evidence.pilot_score(signs, votes)
    assert evidence.pilot_score(signs, 3 * votes + 7) == pytest.approx(score)
    more_votes, more_signs = np.append(votes, np.zeros(9)), np.append(signs, np.ones(9))
    assert evidence.pilot_score(more_signs, more_votes) == pytest.approx(score)


@pytest.mark.parametrize("votes", [np.zeros(8), np.full(8, 3.0), np.eye(8)[0]])
def test_votes_without_contrast_score_nothing(votes):
    assert evidence.pilot_score(np.repeat([1.0, -1.0], 4), votes) == 0


def test_normal_p_value_is_the_tail_even_far_out():
    assert evidence.normal_p_value(0) == pytest.approx(0.5)
    assert evidence.normal_p_value(10) == pytest.approx(stats.norm.sf(10), rel=1e-9)
    assert evidence.normal_p_value(30) == pytest.approx(stats.norm.sf(30), rel=1e-9)
    assert evidence.normal_p_value(10, trials=10**6) == pytest.approx(1e6 * stats.norm.sf(10))
    assert evidence.normal_p_value(2, trials=5) == pytest.approx(1 - stats.norm.cdf(2) ** 5)
    assert evidence.normal_p_value(-50, trials=3) == 1
    assert evidence.normal_p_value(-3, trials=10**9) == pytest.approx(1)


def test_agreement_of_all_equal_votes_is_that_of_a_coin():
    assert evidence.agreement_p_value(np.full(40, 2.5)) == pytest.approx(-40 * math.log(2))
    assert evidence.agreement_p_value(np.array([1.0, -1.0])) == 0
    assert evidence.agreement_p_value(np.zeros(5)) == 0


@pytest.mark.parametrize("wrong", [1, 5, 10])
def test_agreement_bounds_the_binomial_tail(wrong):
    agreement = np.where(np.arange(40) < wrong, -1.0, 1.0)
    exact = stats.binom.logcdf(wrong, 40, 0.5)
    bound = evidence.agreement_p_value(agreement)
    assert exact <= bound < exact + 2


def test_message_p_value_takes_the_better_of_tag_and_agreement():
    faint = np.where(np.arange(100) % 2, 1.0, -0.9)
    assert evidence.message_p_value(faint, 68, 32, tries=4) == pytest.approx(4 * 2.0**-32)
    clear = np.ones(100)
    assert evidence.message_p_value(clear, 60, 16, tries=1) == pytest.approx(2.0**-40)
    assert evidence.message_p_value(faint, 60, 1, tries=9) == 1
