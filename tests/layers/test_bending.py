import numpy as np
import pytest
import tensorflow as tf

from tfwm.layers.bending import BLOCKS, Bending, bends
from tfwm.layers.registration import Registration, Resample, pattern

SIDE = pattern().shape[0]


def normalized(image):
    image = image - image.mean()
    return (image / image.std()).astype("float32")


def bent(move, noise=1.0):
    """The pattern as a camera sees it when each corner moves by `move` cells, beside noise."""
    maps, _ = bends(SIDE, 64, move)
    whole = tf.constant(pattern()[None, :, :, None])
    inverse = np.linalg.inv(maps[1:5].reshape(-1, 3, 3)).reshape(-1, 9).astype("float32")
    images = np.asarray(Resample()([tf.repeat(whole, 4, 0), inverse]))
    images = images + noise * np.random.default_rng(0).normal(size=images.shape)
    return normalized(images), maps[1:5]


def displacement(maps):
    """How far corners move, `(batch, 4, 2)` in cells."""
    corners = np.array([(-1, -1, 1), (1, -1, 1), (1, 1, 1), (-1, 1, 1)])
    there = corners @ maps.reshape(-1, 3, 3).transpose(0, 2, 1)
    return (there[..., :2] / there[..., 2:] - corners[:, :2]) * SIDE / 2


def test_bends_move_blocks_as_their_homographies_say():
    maps, moves = bends(SIDE, 32, 6.0)
    assert maps.shape == (32, 9) and moves.shape == (32, BLOCKS**2, 2)
    np.testing.assert_allclose(maps[0], np.eye(3).ravel(), atol=1e-6)
    np.testing.assert_allclose(moves[0], 0, atol=1e-4)
    assert np.abs(displacement(maps)).max() <= 6.001
    x, y, one = maps[7].reshape(3, 3) @ [-0.25, 0.75, 1]
    np.testing.assert_allclose(
        moves[7, 13], [(x / one + 0.25) * 64, (y / one - 0.75) * 64], atol=1e-3
    )


def test_the_pattern_itself_is_not_bent():
    maps, fit = Bending(pattern())(normalized(pattern()[None, :, :, None]))
    np.testing.assert_allclose(maps[0], np.eye(3).ravel(), atol=1e-6)
    assert float(fit[0]) == pytest.approx(
        BLOCKS * SIDE, rel=0.01
    )  # a correlation of 1 in every block


@pytest.mark.parametrize("move, left", [(3.0, 1.0), (6.0, 1.5)])
def test_bends_are_found(move, left):
    images, maps = bent(move)
    found, fit = Bending(pattern())(images)
    error = displacement(np.asarray(found)) - displacement(maps)
    assert np.sqrt(np.mean(error**2)) < left
    assert np.all(fit > 100)
    chance = normalized(np.random.default_rng(1).normal(size=images.shape))
    assert np.all(Bending(pattern())(chance)[1] < 60)


def test_photos_that_do_not_fill_the_image_are_registered():
    """As a print on a table: smaller, and aside."""
    maps = np.array([[0.88, 0, 0.05, 0, 0.9, -0.02, 0, 0, 1]], "float32")
    inverse = np.linalg.inv(maps.reshape(3, 3)).reshape(1, 9).astype("float32")
    images = Resample()([pattern()[None, :, :, None], inverse])
    images = images + np.random.default_rng(0).normal(size=images.shape).astype("float32")
    _, found = Registration()(images)
    error = displacement(np.asarray(found)) - displacement(maps)
    assert np.sqrt(np.mean(error**2)) < 1.5
    _, trained = Registration()(images, training=True)
    assert np.abs(displacement(np.asarray(trained)) - displacement(maps)).max() > 2
