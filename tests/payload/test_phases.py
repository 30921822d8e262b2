"""The filters of keys: frozen, all-pass, undone exactly, and of one key only."""

import numpy as np

from tfwm.keys import Key
from tfwm.payload.phases import DEVIATION, PhaseFilter, coefficients_of, lags, surround

REACH = 12
FROZEN = [0.4787133822662281, -0.22930445429295623, 0.24341327969644497, -0.13965514428398598]


def test_coefficients_are_frozen():
    """A format on disk: photos that were marked stay readable."""
    found = coefficients_of(Key("secret"), REACH)
    assert len(found) == len(lags(REACH)) == 244
    np.testing.assert_allclose(found[:4], FROZEN, rtol=1e-6)


def test_deviation_of_the_phase():
    found = coefficients_of(Key("secret"), REACH)
    assert np.isclose((found**2).sum() / 2, DEVIATION**2)
    rows, columns = np.mgrid[:64, :64] / 64
    phase = sum(
        c * np.sin(2 * np.pi * (y * rows + x * columns))
        for c, (y, x) in zip(found, lags(REACH), strict=True)
    )
    assert np.isclose(phase.std(), DEVIATION)


def test_keeps_every_size_and_the_mean():
    filtering = PhaseFilter.of(Key("secret"), REACH)
    np.testing.assert_allclose(np.abs(filtering.response(120, 90)), 1, rtol=1e-6)
    flat = np.full((1, 40, 56, 1), 0.3, np.float32)
    np.testing.assert_allclose(filtering.apply(flat), flat, atol=1e-5)


def test_undone_where_all_is_seen():
    """A change in the middle of a picture comes back, as nothing of it is cut off."""
    change = np.zeros((2, 200, 220, 1), np.float32)
    change[:, 96:104, 106:114] = np.random.default_rng(0).normal(size=(2, 8, 8, 1))
    filtering = PhaseFilter.of(Key("secret"), REACH)
    back = filtering.apply(filtering.undo(change), edges="constant")
    error = np.abs(back - change).max()
    assert error < 0.05
    other = PhaseFilter.of(Key("other"), REACH).apply(filtering.undo(change), edges="constant")
    correlation = (other * change).sum() / (change**2).sum()
    assert abs(correlation) < 0.5


def test_equals_the_sum_of_sines():
    filtering = PhaseFilter.of(Key("secret"), REACH)
    rows, columns = np.fft.fftfreq(64)[:, None], np.fft.rfftfreq(48)[None]
    phase = sum(
        c * np.sin(2 * np.pi * (y * rows + x * columns))
        for c, (y, x) in zip(filtering.coefficients, lags(REACH), strict=True)
    )
    np.testing.assert_allclose(filtering.response(64, 48), np.exp(1j * phase), atol=1e-5)


def test_moves_with_the_picture():
    """A crop is filtered as it was before it was cut, far from its edges."""
    picture = np.random.default_rng(1).random((1, 160, 160, 1), np.float32)
    filtering, edge = PhaseFilter.of(Key("k"), 4), 2 * surround(4)
    whole, part = filtering.apply(picture), filtering.apply(picture[:, 5:, 3:])
    inside = np.s_[:, edge:-edge, edge:-edge]
    np.testing.assert_allclose(whole[:, 5:, 3:][inside], part[inside], atol=0.02)
