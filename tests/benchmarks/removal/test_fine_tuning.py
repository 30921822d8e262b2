import keras
import numpy as np
import pytest
from removal import fine_tune


@pytest.fixture
def lifted():
    """A surrogate that gives its input and 0.2, which is not in the clean pairs."""
    inputs = keras.Input((None, None, 3))
    layer = keras.layers.Conv2D(3, 1)
    model = keras.Model(inputs, layer(inputs))
    layer.set_weights([np.eye(3)[None, None], np.full(3, 0.2)])
    return model


@pytest.fixture
def pairs():
    images = np.random.default_rng(0).random((6, 8, 8, 3), np.float32)
    return {"input": images, "target": images}


def test_unlearns_what_clean_pairs_lack(lifted, pairs):
    before = lifted.get_weights()
    errors = {}
    for step, network in fine_tune(lifted, pairs, (5, 60), learning_rate=0.01, batch_size=4):
        errors[step] = np.abs(np.asarray(network(pairs["input"])) - pairs["target"]).mean()
    assert list(errors) == [5, 60] and errors[60] < 0.05 < errors[5] < 0.2
    for old, new in zip(before, lifted.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_same_seed_gives_the_same_network(lifted, pairs):
    first, second = (list(fine_tune(lifted, pairs, (3,), 0.1, 2, seed=4))[0][1] for _ in range(2))
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("steps", [(), (0, 5), (5, 5), (7, 3)])
def test_bad_steps(lifted, pairs, steps):
    with pytest.raises(ValueError, match="rising numbers"):
        fine_tune(lifted, pairs, steps)


def test_bad_pairs(lifted, pairs):
    with pytest.raises(ValueError, match="Received: 6 and 5"):
        fine_tune(lifted, {**pairs, "target": pairs["target"][:5]})
