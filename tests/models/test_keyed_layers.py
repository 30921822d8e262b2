import keras
import numpy as np
import pytest

from tfwm.models.keyed import KeyMixing, WrongKeys


def keys(count, length):
    return np.random.default_rng(0).integers(0, 2, (count, length)).astype("float32")


def solved(matrix, parities):
    """Solves `matrix x = parities` in bits, by Gauss's elimination."""
    rows = np.concatenate([matrix, parities[:, None]], axis=1)
    for i in range(len(rows)):
        pivot = i + int(np.argmax(rows[i:, i]))
        rows[[i, pivot]] = rows[[pivot, i]]
        assert rows[i, i]
        others = rows[:, i].astype(bool)
        others[i] = False
        rows[others] ^= rows[i]
    return rows[:, -1]


@pytest.mark.parametrize("length", [12, 64, 256])
def test_parities_that_have_an_inverse(length):
    layer = KeyMixing()
    key = keys(1, length)
    mixed = np.asarray(layer(key))[0]
    np.testing.assert_allclose(np.abs(mixed), 1, atol=1e-6)
    columns = (np.asarray(layer(np.eye(length, dtype="float32"))) < 0).astype(int).T
    np.testing.assert_array_equal(mixed < 0, columns @ key[0].astype(int) % 2 == 1)
    np.testing.assert_array_equal(solved(columns, (mixed < 0).astype(int)), key[0])


def test_few_flipped_bits_flip_half():
    layer = KeyMixing()
    key = keys(1, 256)
    before = np.asarray(layer(key)) < 0
    rng = np.random.default_rng(1)
    for count in range(1, 9):
        others = np.tile(key, (200, 1))
        for other in others:
            flipped = rng.choice(256, count, replace=False)
            other[flipped] = 1 - other[flipped]
        distance = ((np.asarray(layer(others)) < 0) != before).sum(axis=1)
        # A binomial distribution has 128 +- 8.
        assert abs(distance.mean() - 128) < 4 and distance.min() > 88


def test_each_bit_flips_many():
    distances = (np.asarray(KeyMixing()(np.eye(256, dtype="float32"))) < 0).sum(axis=1)
    assert distances.min() > 88


def test_same_everywhere():
    """The first row and column of the matrix for 8 bits, as SHAKE-256 gives them."""
    columns = (np.asarray(KeyMixing()(np.eye(8, dtype="float32"))) < 0).astype(int)
    assert columns[:, 0].tolist() == [1, 1, 0, 0, 1, 0, 0, 1]
    assert columns[0].tolist() == [1, 1, 0, 1, 0, 1, 1, 1]


def test_exact_in_mixed_precision():
    key = keys(3, 1024)
    reference = np.asarray(KeyMixing()(key)).round()
    mixed = KeyMixing(dtype="mixed_bfloat16")(key)
    assert mixed.dtype == "bfloat16"
    np.testing.assert_array_equal(np.asarray(mixed).astype("float32"), reference)


def test_saves_and_loads(tmp_path):
    inputs = keras.Input((64,))
    model = keras.Model(inputs, KeyMixing()(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(keys(2, 64)), model(keys(2, 64)))


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
