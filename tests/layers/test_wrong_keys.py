import numpy as np
import pytest

from tfwm.layers import WrongKeys


def test_number_and_places_of_flipped_bits():
    keys = np.random.default_rng(0).integers(0, 2, (4000, 64)).astype("float32")
    wrong = np.asarray(WrongKeys(8, seed=1)(keys))
    assert set(np.unique(wrong)) == {0, 1}
    counts = (wrong != keys).sum(1)
    np.testing.assert_allclose(
        np.bincount(counts, minlength=9) / 4000, [0, *[1 / 8] * 8], atol=0.03
    )
    places = (wrong != keys).mean(0)
    np.testing.assert_allclose(places, 4.5 / 64, atol=0.02)


def test_one_bit():
    keys = np.zeros((100, 8), "float32")
    assert (np.asarray(WrongKeys(1, seed=0)(keys)).sum(1) == 1).all()
    with pytest.raises(ValueError, match="at least 1"):
        WrongKeys(0)
