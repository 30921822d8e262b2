import host_attacks
import keras
import numpy as np
import pytest

from tfwm.data.tasks import Denoise
from tfwm.models import keyed, translators


@pytest.fixture(scope="module")
def host():
    keras.utils.set_random_seed(0)
    return translators.build_resnet(0, width=8, residual=True)


@pytest.fixture(scope="module")
def crops(photo):
    places = np.random.default_rng(0).integers(0, 224, (8, 2))
    return np.stack([np.uint8(255 * photo[0, y : y + 32, x : x + 32]) for y, x in places])


def unchanged(host, before):
    return all(np.array_equal(a, b) for a, b in zip(host.get_weights(), before, strict=True))


def test_prunes_the_smallest(host):
    before = host.get_weights()
    for share in (0.0, 0.3, 1.0):
        after = host_attacks.prune(host, share).get_weights()
        for old, new in zip(before, after, strict=True):
            if old.ndim < 2:
                np.testing.assert_array_equal(new, old)
                continue
            gone = new == 0
            assert gone.sum() == round(share * old.size)
            np.testing.assert_array_equal(new[~gone], old[~gone])
            if 0 < share < 1:
                assert np.abs(old[gone]).max() <= np.abs(old[~gone]).min()
    assert unchanged(host, before)
    with pytest.raises(ValueError, match="Received: share=1.5"):
        host_attacks.prune(host, 1.5)


@pytest.mark.slow
def test_quantised_host_does_nearly_the_same(host, photo):
    image = photo[:, :32, :48]
    expected = np.asarray(host(image))
    for kind, limit in (("float16", 0.01), ("int8", 0.1)):
        found = host_attacks.quantize(host, kind)(image, training=False)
        assert found.shape == expected.shape
        assert 0 < np.abs(found - expected).max() < limit


@pytest.mark.slow
def test_fine_tuning_improves_the_task_and_leaves_the_host(host, crops):
    before = host.get_weights()
    task = Denoise(stddev=0.1)
    tuned = host_attacks.fine_tune(host, task, crops, 30, "mse", 1e-3, 4)
    assert unchanged(host, before) and not unchanged(tuned, before)
    noisy, clean = (
        np.stack(x) for x in zip(*[task.pair(c / 255, (0, 1)) for c in crops], strict=True)
    )
    errors = [np.mean((np.asarray(model(noisy)) - clean) ** 2) for model in (host, tuned)]
    assert errors[1] < errors[0]
    with pytest.raises(ValueError, match="Received: steps=0"):
        host_attacks.fine_tune(host, task, crops, 0)


@pytest.mark.slow
def test_second_owner_trains_both(host, crops):
    before = host.get_weights()
    extractor = keyed.build_extractor(32, 16, width=4)
    key, mark = np.ones(16), np.eye(16)[..., None]
    arguments = (extractor, mark, key, Denoise(), crops, 2)
    marked, read = host_attacks.overwrite(host, *arguments, batch_size=2)
    assert unchanged(host, before) and not unchanged(marked, before)
    assert not unchanged(read, extractor.get_weights())


def test_guessing_knows_the_key_if_it_meets_it(keyed_models, keyed_reader, photo):
    marked = np.asarray(keyed_models()[0](np.full((2, 32, 32, 3), 0.5, "float32")))
    keys, guesses = host_attacks.guess_keys(keyed_reader, marked, 50)
    assert keys.shape == (50, 64) and len(np.unique(keys, axis=0)) == 50
    assert guesses.shape == (50,) and np.abs(guesses).max() < 0.01
    found = keyed_reader.with_key(keys[3]).similarity(marked).mean()
    assert guesses[3] == pytest.approx(found, abs=1e-5)
