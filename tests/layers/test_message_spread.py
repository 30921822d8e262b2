import keras
import numpy as np
import pytest

from tfwm.layers import MessageSpread

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("length, side", [(30, 16), (4, 2), (7, 6), (1, 4)])
def test_inverse_is_the_transpose(length, side):
    spread = MessageSpread(length, side)
    message = RNG.normal(size=(2, 2, 3, length)).astype("float32")
    places = spread(message)
    assert places.shape == (2, 2 * side, 3 * side, spread.channels)
    logits = RNG.normal(size=places.shape).astype("float32")
    gathered = spread(logits, inverse=True)
    assert gathered.shape == message.shape
    np.testing.assert_allclose(
        np.sum(np.asarray(places) * logits), np.sum(message * np.asarray(gathered)), rtol=1e-4
    )


@pytest.mark.parametrize("length", [30, 5])
def test_any_window_of_two_places_a_side_holds_every_bit(length):
    """So does any window of three blocks a side in pixels, wherever it begins."""
    spread = MessageSpread(length, 8)
    one_bit_each = np.eye(length, dtype="float32")[:, None, None]
    seen = np.asarray(spread(one_bit_each)).max(axis=-1)
    windows = np.lib.stride_tricks.sliding_window_view(seen, (2, 2), axis=(1, 2))
    assert windows.max(axis=(-1, -2)).min() == 1


def test_each_place_holds_whole_bits_and_all_bits_alike():
    spread = MessageSpread(30, 16)
    assert spread.channels == 8
    message = np.where(RNG.random((1, 1, 1, 30)) < 0.5, -1.0, 1.0).astype("float32")
    places = np.asarray(spread(message))
    assert set(np.unique(places)) == {-1.0, 1.0}
    readings = np.asarray(spread(places, inverse=True)) / message
    # 64 places for each of 32 slots; bits 0 and 1 fill the last two as well.
    np.testing.assert_array_equal(readings[0, 0, 0], [128, 128, *[64] * 28])


def test_tiles_keep_to_themselves():
    spread = MessageSpread(6, 4)
    message = np.zeros((1, 2, 2, 6), "float32")
    message[0, 1, 0] = 1
    places = np.array(spread(message))[0]
    assert places[4:, :4].min() == 1
    places[4:, :4] = 0
    assert not places.any()


def test_in_a_model(tmp_path):
    message = keras.Input((None, 2, 30))
    spread = MessageSpread(30, 16)
    places = spread(message)
    assert places.shape == (None, None, 32, 8)
    back = spread(places, inverse=True)
    assert back.shape == (None, None, 2, 30)
    model = keras.Model(message, back)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = RNG.normal(size=(1, 1, 2, 30)).astype("float32")
    np.testing.assert_array_equal(loaded(x), model(x))


@pytest.mark.parametrize("length, side", [(0, 16), (30, 5), (30, 0)])
def test_bad_arguments(length, side):
    with pytest.raises(ValueError, match=f"Received: length={length}, side={side}"):
        MessageSpread(length, side)
