import numpy as np
import pytest
import tensorflow as tf

from tfwm.attacks import RandomResizedCrop
from tfwm.layers.registration import CELLS, SHARPNESS, hypotheses
from tfwm.losses import RegistrationLoss
from tfwm.losses.alignment import affine_map


@pytest.fixture(scope="module")
def tried():
    return hypotheses(0.64)[1]


@pytest.fixture(scope="module")
def crop():
    """Positions of a crop, and its number among those that are tried."""
    _, positions = RandomResizedCrop((0.7, 0.7), 1.0, seed=2).call_with_positions(
        tf.zeros((1, 128, 128, 3))
    )
    maps = hypotheses(0.64)[1]
    a, _, c, _, e, f = affine_map(positions)[0].numpy()
    wanted = [a, e, c, f]
    errors = np.sum((maps - wanted) ** 2 * [1 / 3, 1 / 3, 1, 1], -1)
    return positions, int(np.argmin(errors))


def test_the_value_is_the_cross_entropy_of_the_closest_crop(tried, crop):
    positions, index = crop
    loss = RegistrationLoss("registration", weight=0.5)
    scores = np.zeros((1, len(tried)), "float32")
    np.testing.assert_allclose(loss([scores, positions]), 0.5 * np.log(len(tried)), rtol=1e-5)
    scores[0, index] = 5.0
    high = np.log(np.exp(SHARPNESS * 5.0) + len(tried) - 1) - SHARPNESS * 5.0
    np.testing.assert_allclose(loss([scores, positions]), 0.5 * high, rtol=1e-3)
    scores[0, index], scores[0, 0] = 0.0, 10.0
    assert float(loss([scores, positions])) > 0.5 * (SHARPNESS * 10.0 - 1)


def test_found_counts_crops_within_cells(tried, crop):
    positions, index = crop
    loss = RegistrationLoss("registration")
    scores = np.zeros((1, len(tried)), "float32")
    scores[0, index] = 5.0
    loss([scores, positions])
    scores[0, 0] = 9.0
    loss([scores, positions])
    assert abs(tried[index] - tried[0]).max() > 5 / CELLS
    names = {tracker.name: float(tracker.result()) for tracker in loss.trackers}
    assert names["found"] == 0.5 and names["registration"] > 0


def test_config_comes_back():
    loss = RegistrationLoss("place", weight=0.1, smallest=0.8)
    again = RegistrationLoss.from_config(loss.get_config())
    assert (again.layer, again.weight, again.smallest) == ("place", 0.1, 0.8)
