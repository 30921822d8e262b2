"""Random filters in training: those of keys, one for each image, repeatable."""

import numpy as np
import pytest

from tfwm.keys import Key
from tfwm.layers import RandomPhases
from tfwm.payload import phases


@pytest.fixture
def images():
    return np.random.default_rng(0).random((3, 96, 72, 1), np.float32)


def test_equals_the_filter_of_a_key(images, monkeypatch):
    """The numbers of a key in place of random ones give what `PhaseFilter` gives."""
    keys = [Key(f"key {n}") for n in range(3)]
    numbers = np.stack([phases.coefficients_of(key, 4) for key in keys]).astype(np.float32)
    monkeypatch.setattr("tfwm.layers.phases.uniform", lambda shape, seed, low, high: 5 * numbers)
    layer = RandomPhases(4, seed=1)
    filters = layer(images)
    seen, undone = layer.apply(images, filters), layer.undo(images, filters)
    for number, key in enumerate(keys):
        expected = phases.PhaseFilter.of(key, 4)
        one = slice(number, number + 1)
        filtered = 0.5 + phases.CONTRAST * (expected.apply(images[one]) - 0.5)
        np.testing.assert_allclose(seen[one], filtered, atol=2e-5)
        back = expected.undo(images[one]) / phases.CONTRAST
        np.testing.assert_allclose(undone[one], back, atol=1e-4)


def test_one_filter_for_each_image_and_call(images):
    layer, same = RandomPhases(6, 2.0, seed=1), RandomPhases(6, 2.0, seed=1)
    first, second = layer(images).numpy(), layer(images).numpy()
    np.testing.assert_array_equal(first, same(images))
    assert np.abs(first - second).max() > 0.1
    assert np.abs(first[0] - first[1]).max() > 0.1
    np.testing.assert_allclose(np.abs(first), 1, rtol=1e-5)


def test_shape_and_config(images):
    layer = RandomPhases(6, 2.0, seed=1)
    assert tuple(layer(images).shape) == layer.compute_output_shape(images.shape)
    again = RandomPhases.from_config(layer.get_config())
    assert (again.reach, again.deviation, again.seed) == (6, 2.0, 1)
