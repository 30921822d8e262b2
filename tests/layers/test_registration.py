import numpy as np
import pytest
import tensorflow as tf

from tfwm.attacks import PerspectiveWarp, RandomResizedCrop
from tfwm.layers.registration import (
    CELLS,
    Registration,
    Resample,
    hypotheses,
    noise,
    pattern,
)
from tfwm.losses.alignment import affine_map


@pytest.fixture(scope="module")
def layer():
    return Registration()


@pytest.fixture(scope="module")
def marked():
    """The pattern at twice its size, beside as much noise, as four images."""
    large = tf.image.resize(pattern()[None, :, :, None], (4 * CELLS, 4 * CELLS))
    return large + np.random.default_rng(0).normal(0, 1, (4, *large.shape[1:])).astype("float32")


def cells(images):
    return tf.nn.avg_pool2d(images, 2, 2, "VALID")


def error(maps, positions):
    """Root of the mean squared difference to what the attack did, in half widths."""
    return np.sqrt(np.mean((maps[:, :6] - affine_map(positions)) ** 2, -1))


def test_patterns_are_fixed():
    assert pattern().shape == (2 * CELLS, 2 * CELLS) and pattern() is pattern()
    np.testing.assert_allclose([pattern().mean(), (pattern() ** 2).mean()], [0, 1], atol=1e-5)
    np.testing.assert_allclose(noise(4, 0)[0, :2], [1.336169, -0.25971], atol=1e-4)


def test_hypotheses_are_the_crops():
    sizes, maps = hypotheses(0.9)
    assert sizes[0] == (64, 64) and max(max(size) for size in sizes) == 70
    assert len(maps) == sum((m - 63) * (n - 63) for m, n in sizes)
    np.testing.assert_array_equal(maps[0], [1, 1, 0, 0])
    # The last cuts the lower right corner: there the whole's corner is the crop's.
    a, e, c, f = maps[-1]
    np.testing.assert_allclose([a + c, e + f], [1, 1], atol=1e-6)


def test_the_whole_is_where_it_is(layer, marked):
    scores, maps = layer(cells(marked))
    assert np.all(np.argmax(scores, -1) == 0)
    np.testing.assert_allclose(maps, np.tile(np.eye(3).ravel(), (4, 1)), atol=5e-3)


@pytest.mark.parametrize("area", [0.85, 0.6])
def test_crops_of_other_proportions_are_found(area, layer, marked):
    crop = RandomResizedCrop((area, area), (0.9, 1.1), seed=3)
    copies, positions = crop.call_with_positions(marked)
    scores, maps = layer(cells(copies), training=True)
    assert error(maps, positions).max() < 0.01
    # Beside training more is tried, which chance can fit.
    again, maps = layer(cells(copies))
    np.testing.assert_allclose(again, scores, atol=1e-3)
    assert error(maps, positions).max() < 0.015
    back = Resample()([copies, maps])
    seen = cells(back) * pattern()[:, :, None]
    assert float(tf.reduce_mean(seen)) > 0.4 * area


def test_tilts_are_refined(layer, marked):
    warp = PerspectiveWarp((0.01, 0.01), "edge", seed=1)
    copies, positions = warp.call_with_positions(marked)
    before = tf.constant(np.tile([1.0, 0, 0, 0, 1, 0], (4, 1)), tf.float32)
    _, maps = layer(cells(copies), training=True)
    assert error(maps, positions).max() < 0.6 * error(before, positions).mean()
    _, maps = layer(cells(copies))
    assert error(maps, positions).max() < error(before, positions).mean()


def test_scores_are_standard_deviations(layer):
    chance = np.random.default_rng(1).normal(size=(2, 2 * CELLS, 2 * CELLS, 1)).astype("float32")
    scores = np.asarray(layer(chance)[0])
    assert abs(scores.std() - 1) < 0.1 and abs(scores.mean()) < 0.1


def test_the_gradient_is_that_of_the_correlation(layer, marked):
    small = cells(marked[:1])
    window = np.asarray(cells(pattern()[None, :, :, None]))
    window = (window - window.mean()) / window.std()
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(small)
        scores, _ = layer(small, training=True)
        coarse = cells(small)
        even = (coarse - tf.reduce_mean(coarse)) / tf.math.reduce_std(coarse)
        expected = tf.reduce_sum(even * window) / CELLS
        best = scores[0, 0]
    np.testing.assert_allclose(best, expected, rtol=1e-4)
    gradient = tape.gradient(best, small)
    np.testing.assert_allclose(gradient, tape.gradient(expected, small), atol=1e-5)


def test_config_comes_back():
    again = Registration.from_config(Registration(0.8).get_config())
    assert again.smallest == 0.8 and again.compute_output_shape((3, 128, 128, 1))[1] == (3, 9)


def test_resampled_by_a_homography_equals_the_formula(photo):
    maps = np.array([[0.9, 0.05, 0.02, -0.03, 1.1, 0.0, 0.02, -0.04, 1.0]], "float32")
    x, y = 0.25, -0.5
    there = maps.reshape(3, 3) @ [x, y, 1]
    column, row = ((there[:2] / there[2] + 1) * 32 - 0.5).tolist()
    left, top = int(column), int(row)
    near = photo[0, top : top + 2, left : left + 2]
    weights = np.outer([1 - row + top, row - top], [1 - column + left, column - left])
    expected = np.tensordot(weights, near, ([0, 1], [0, 1]))
    # The pixel whose center is nearest to (x, y) lies half a pixel from it: move the map instead.
    at = (int((x + 1) * 32), int((y + 1) * 32))
    offset = np.array([[1, 0, 1 / 64], [0, 1, 1 / 64], [0, 0, 1]])
    shifted = (maps.reshape(3, 3) @ np.linalg.inv(offset)).reshape(1, 9).astype("float32")
    image = np.asarray(Resample()([photo[:, :64, :64], shifted]))
    np.testing.assert_allclose(image[0, at[1], at[0]], expected, atol=1e-4)
