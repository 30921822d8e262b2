"""The attacker of the security bench has what its rows say, and no more."""

import numpy as np
import pytest
from attacker import Attacker
from security import auc, down_and_up, equal_shares
from skimage import data

from tfwm.images import Photo, psnr
from tfwm.watermarker import Watermarker


@pytest.fixture
def attacker(quadrant_network):
    return Attacker(quadrant_network, np.random.default_rng(0))


@pytest.fixture
def photo():
    return Photo(data.coffee()[:384, :576])


def test_cells_are_written_and_read_without_a_key(attacker, photo):
    bits = attacker.rng.integers(0, 2, attacker.tiling.slots, np.uint8)
    marked = attacker.write(photo, bits, strength=2.0)
    assert np.mean(attacker.slots(marked) == bits) > 0.95
    undone = attacker.write(marked, 1 - bits, strength=2.0)
    assert psnr(undone.pixels, photo.pixels) > psnr(marked.pixels, photo.pixels)


def test_folding_takes_the_mean_over_tiles(attacker):
    side = attacker.period
    tile = attacker.rng.normal(size=(side, side))
    np.testing.assert_allclose(attacker.folded(np.tile(tile, (2, 3))), tile, atol=1e-12)
    part = np.tile(tile, (2, 1))[: side + side // 2]
    np.testing.assert_allclose(attacker.folded(part), tile, atol=1e-12)


def test_a_tile_is_added_at_the_psnr_that_was_asked_for(attacker, photo):
    tile = attacker.rng.normal(size=(attacker.period, attacker.period))
    added = attacker.add(Photo(photo.pixels // 2 + 60), tile, 40.0)
    assert psnr(added.pixels, photo.pixels // 2 + 60) == pytest.approx(40.0, abs=0.3)


def test_cells_are_carried_one_by_one(attacker, photo):
    other = Photo(data.astronaut()[:400, :512])
    marked = attacker.write(photo, attacker.rng.integers(0, 2, 1024, np.uint8), strength=2.0)
    carried = attacker.carried(marked, other)
    signs = [attacker.logits(each)[:48, :64] > 0 for each in (marked, carried)]
    assert np.mean(signs[0] == signs[1]) > 0.85
    assert attacker.grid(other) == (50, 64)


def test_who_learned_the_signs_of_a_photo_forges_it(attacker, photo):
    """A mark that is bound to a photo passes there, and where nothing was learned, nothing does."""
    marker = Watermarker(attacker.network)
    marked = marker.embed(photo, "Ada", key="k")
    own = marker.extract(attacker.forge(photo, attacker.learn([marked])), key="k", search="none")
    assert own.message == "Ada" and own.binding.fits
    other = Photo(data.astronaut()[:400, :512])
    forged = marker.extract(attacker.forge(other, attacker.learn([marked])), key="k")
    assert forged.message == "Ada" and forged.decision == "copied"


def test_areas_under_curves():
    assert auc([2, 3], [0, 1]) == 1 and auc([1, 1], [1]) == 0.5 and auc([0, 1], [2]) == 0
    assert equal_shares([np.array([0, 1]), np.array([0, 0]), np.array([1, 0])]) == [0.5, 0.0, 0.5]


def test_reducing_and_enlarging_keeps_the_size(photo):
    assert down_and_up(photo, 96).pixels.shape == photo.pixels.shape


def test_details_that_are_alike_are_found_and_averaged(attacker):
    patterns = attacker.rng.normal(size=(4, attacker.period, attacker.period))
    noise = attacker.rng.normal(size=(40, attacker.period, attacker.period))
    details = patterns[np.arange(40) % 4] + 3 * noise
    mean = attacker.alike(details[1], np.delete(details, 1, axis=0), 9)
    likeness = [np.corrcoef(mean.ravel(), pattern.ravel())[0, 1] for pattern in patterns]
    assert (
        np.argmax(likeness) == 1 and likeness[1] > 0.6 and np.abs(likeness)[[0, 2, 3]].max() < 0.1
    )
