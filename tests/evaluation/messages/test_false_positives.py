"""Readings that should find nothing."""

import numpy as np
import pytest
from scipy import stats

from tfwm.evaluation.messages.false_positives import KINDS, false_positives, random_crop, summary
from tfwm.watermarker import Watermarker


@pytest.fixture(scope="module")
def images():
    from skimage import data

    return [data.astronaut()[:200, :200], data.chelsea()[:128]]


def test_readings_find_nothing_and_repeat(quadrant_network, images):
    watermarker = Watermarker(quadrant_network)
    shares = []
    counts = {"crops": 10, "keys": 4, "search": 1}
    found = false_positives(
        watermarker, images, **counts, progress=lambda share, text: shares.append(share)
    )
    assert list(found) == list(KINDS) and {k: len(v) for k, v in found.items()} == counts
    assert not any(values[:, 1].any() for values in found.values())
    assert shares == sorted(shares) and shares[-1] == 1
    again = false_positives(watermarker, images, crops=10)
    np.testing.assert_array_equal(again["crops"], found["crops"])
    other = false_positives(watermarker, images, crops=10, seed=1)["crops"]
    assert not np.array_equal(other, found["crops"])


def test_a_mark_that_is_there_is_a_false_alarm(quadrant_network, images, monkeypatch):
    """The readings can fail: with the mark of key 0, they say present."""
    monkeypatch.setattr("tfwm.evaluation.messages.false_positives.CROP_KEYS", 4)
    watermarker = Watermarker(quadrant_network)
    marked = watermarker.embed(images[0], b"12345678", key="key 0", strength=2)
    votes = watermarker.read_votes(marked)
    watermarker.read_votes = lambda crop, key=None: votes
    row = summary("crops", false_positives(watermarker, images, crops=4)["crops"])
    assert row["present"] == 1 and row["readings"] == 4 and row["smallest_p_value"] < 1e-6


def test_summary_of_known_p_values():
    p_values = (np.arange(1000) + 0.5) / 1000
    row = summary("crops", np.stack([p_values, np.zeros(1000)], axis=1))
    assert row["present"] == 0 and row["below_0.01"] == 0.01 and row["ks_p_value"] > 0.99
    assert row["present_high"] == pytest.approx(stats.norm.ppf(0.975) ** 2 / 1003.84, rel=1e-3)


def test_crops_are_inside(images):
    rng = np.random.default_rng(0)
    for _ in range(50):
        crop = random_crop(images, rng)
        assert 64 <= min(crop.shape[:2]) and max(crop.shape[:2]) <= 451
