import math

import numpy as np
import pytest

from tfwm.marking.strength import STRONGEST, WEAKEST, find_strength, mark_at_psnr


def proportional(psnr_at_one):
    return lambda strength: psnr_at_one - 20 * math.log10(strength)


def test_strength_of_a_proportional_error_takes_two_tries():
    tried = []

    def quality(strength):
        tried.append(strength)
        return proportional(35.0)(strength)

    strength, found = find_strength(quality, 40)
    assert 40 <= found <= 40.1 and len(tried) == 2
    assert strength == pytest.approx(10 ** (-5.05 / 20))


def test_strength_of_other_curves():
    # A floor of rounding errors, a curve that saturates, and one that jumps.
    floor = lambda s: -10 * math.log10(10**-4.5 + 10**-3.2 * s**2)  # noqa: E731
    assert 40 <= find_strength(floor, 40)[1] <= 40.1
    steep = lambda s: 50 - 4 * s**3  # noqa: E731
    assert 40 <= find_strength(steep, 40)[1] <= 40.1
    strength, found = find_strength(lambda s: 43.0 if s < 0.7 else 38.0, 40)
    assert found == 43 and strength == pytest.approx(0.7, abs=1e-3)


def test_strength_that_cannot_reach_it():
    strength, found = find_strength(lambda s: 39.0 - s, 40)
    assert strength < 0.1 and found == pytest.approx(39, abs=0.1)
    assert find_strength(lambda s: 100.0, 40) == (STRONGEST, 100.0)
    assert find_strength(lambda s: 10.0, 40)[0] >= WEAKEST


def test_mark_at_psnr_returns_what_it_measured():
    from skimage import data

    cover = data.camera()
    noise = np.random.default_rng(0).normal(size=cover.shape) * 5

    def apply(strength):
        return np.clip(np.rint(cover + strength * noise), 0, 255).astype(np.uint8)

    def psnr(marked):
        return 10 * np.log10(255**2 / np.mean((marked.astype(float) - cover) ** 2))

    marked, strength, reached = mark_at_psnr(apply, psnr, 42)
    assert 42 <= psnr(marked) <= 42.1 and reached == psnr(marked)
    np.testing.assert_array_equal(marked, apply(strength))
