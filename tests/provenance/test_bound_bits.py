"""What a graph asks for in bound cells is what `tfwm.marking.binding` asks for."""

import keras
import numpy as np
import pytest

from tfwm.marking.binding import asked
from tfwm.payload import Codec, Key
from tfwm.provenance.bound_bits import BoundBits


class Cells:
    """The geometry of a network of cells."""

    def __init__(self, bits):
        self.bits, self.block_shape, self.whole = bits, (8, 8), False


@pytest.fixture
def codec():
    return Codec(1024, Key("secret"), bound=True)


def layer_of(codec, tile):
    return BoundBits(codec.bound_places, tile, (8, 8), codec.bound_answers)


@pytest.mark.parametrize("tile", [(32, 32, 1), (16, 16, 4)])
def test_it_asks_as_the_watermarker_does(tile, codec, photo):
    pair = np.concatenate([photo[:, :200, :256], photo[:, -200:, -256:, ::-1]])
    message = np.full((2, 25, 32, tile[-1]), 0.5, np.float32)
    bound = np.asarray(layer_of(codec, tile)(pair, message))
    for plane, found in zip(pair, bound, strict=True):
        expected = message[0].copy()
        places, bits = asked(codec, Cells(tile[-1]), plane, (25, 32))
        expected[places] = bits
        assert len(bits) > 60 and 0.3 < bits.mean() < 0.7
        np.testing.assert_array_equal(found, expected)


def test_answers_are_saved_as_weights(codec, photo, tmp_path):
    image, message = keras.Input((64, 64, 3)), keras.Input((8, 8, 1))
    model = keras.Model([image, message], layer_of(codec, (32, 32, 1))(image, message))
    model.save(tmp_path / "bound.keras")
    again = keras.saving.load_model(tmp_path / "bound.keras")
    given = photo[:, :64, :64], np.full((1, 8, 8, 1), 0.5, np.float32)
    np.testing.assert_array_equal(again(given), model(given))
    assert not again.trainable_weights and set(np.unique(again(given))) == {0, 0.5, 1}
