"""By LiteRT, an image in a batch has the result that it has alone."""

import numpy as np
import pytest

from tfwm.networks import load_network
from tfwm.networks.places import network_directory


@pytest.mark.slow
def test_batches_change_nothing():
    network = load_network(network_directory("photo") / "photo.tflite")
    dice = np.random.default_rng(0)
    for sides in ((64, 96), (256, 384)):
        image = dice.random((5, *sides, 1), np.float32)
        message = dice.integers(0, 2, (5, *network.message_shape(*sides)))
        marked = network.embed(image, message)
        logits = network.extract(marked)
        for n in range(5):
            one = slice(n, n + 1)
            np.testing.assert_array_equal(network.embed(image[one], message[one]), marked[one])
            np.testing.assert_array_equal(network.extract(marked[one]), logits[one])
