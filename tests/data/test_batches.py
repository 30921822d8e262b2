import numpy as np

from tfwm.data import patch_dataset

PATCHES = np.arange(40, dtype=np.uint8).repeat(16).reshape(40, 4, 4, 1)


def first_values(seed, batches=10, **arguments):
    dataset = patch_dataset(PATCHES, 8, seed=seed, **arguments)
    found = [batch for batch, _ in zip(dataset, range(batches), strict=False)]
    return np.concatenate([np.round(np.asarray(b)[:, 0, 0, 0] * 255) for b in found]), found


def test_every_patch_comes_once_an_epoch_in_another_order():
    values, batches = first_values(seed=1)
    assert sorted(values[:40]) == list(range(40))
    assert sorted(values[40:]) == list(range(40))
    assert list(values[:40]) != list(values[40:])
    assert batches[0].dtype == "float32" and float(np.max(batches)) < 39.01 / 255


def test_repeats_by_seed():
    assert list(first_values(2)[0]) == list(first_values(2)[0])
    assert list(first_values(2)[0]) != list(first_values(3)[0])


def test_mirrors_some_batches():
    ramp = np.tile(np.arange(4, dtype=np.uint8)[None, None, :, None], (16, 4, 1, 1))
    dataset = patch_dataset(ramp, 4, augment=True)
    batches = [batch for batch, _ in zip(dataset, range(20), strict=False)]
    rising = [bool(batch[0, 0, 0, 0] < batch[0, 0, 3, 0]) for batch in batches]
    assert set(rising) == {True, False}
    plain = patch_dataset(ramp, 4, augment=False)
    assert all(batch[0, 0, 0, 0] == 0 for batch, _ in zip(plain, range(5), strict=False))


def test_goes_on_where_it_was():
    whole = first_values(1, batches=9)[1]
    rest = first_values(1, batches=4, first_step=5)[1]
    for batch, again in zip(whole[5:], rest, strict=True):
        np.testing.assert_array_equal(batch, again)
