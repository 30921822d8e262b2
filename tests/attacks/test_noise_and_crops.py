import numpy as np
import tensorflow as tf

from tfwm.attacks import GaussianNoise, GridCrop, RectangleCrop, SaltAndPepper, UniformNoise

GRAY = tf.fill((8, 64, 96, 1), 0.5)


def test_gaussian_noise_has_its_deviation():
    noise = GaussianNoise(0.1, seed=0)(GRAY).numpy() - 0.5
    assert abs(noise.std() - 0.1) < 0.002 and abs(noise.mean()) < 0.002
    assert noise.min() < -0.35  # a normal tail, not clipped at a few deviations


def test_gaussian_noise_range_is_drawn_per_image():
    image = tf.fill((400, 32, 32, 1), 0.5)
    deviations = (GaussianNoise((0.05, 0.15), seed=0)(image).numpy() - 0.5).std(axis=(1, 2, 3))
    assert deviations.min() < 0.06 and deviations.max() > 0.14
    assert abs(deviations.mean() - 0.1) < 0.005


def test_uniform_noise():
    noise = UniformNoise(0.1, seed=0)(GRAY).numpy() - 0.5
    assert np.abs(noise).max() <= 0.1 + 1e-6
    assert abs(noise.std() - 0.1 / np.sqrt(3)) < 0.001


def test_salt_and_pepper_fractions():
    attacked = SaltAndPepper(0.1, seed=0)(GRAY).numpy()
    assert abs((attacked == 0).mean() - 0.05) < 0.004
    assert abs((attacked == 1).mean() - 0.05) < 0.004
    assert ((attacked == 0) | (attacked == 0.5) | (attacked == 1)).all()


def test_grid_crop_fills_whole_blocks():
    attacked = GridCrop(0.3, (8, 16), fill=0.25, seed=0)(GRAY).numpy()[..., 0]
    blocks = attacked.reshape(8, 8, 8, 6, 16).transpose(0, 1, 3, 2, 4).reshape(-1, 128)
    assert (blocks == blocks[:, :1]).all() and set(np.unique(blocks)) == {0.25, 0.5}
    assert abs((blocks[:, 0] == 0.25).mean() - 0.3) < 0.08


def test_grid_crop_extremes():
    assert not GridCrop(1.0)(GRAY).numpy().any()
    np.testing.assert_array_equal(GridCrop(0.0)(GRAY), GRAY)


def test_rectangle_crop_is_one_rectangle_of_the_area():
    attack = RectangleCrop(0.2, fill=1.0, seed=0)
    corners = set()
    for attacked in attack(GRAY).numpy()[..., 0]:
        rows, columns = np.nonzero(attacked == 1)
        side = np.sqrt(0.2 * 64 * 96)
        assert np.ptp(rows) + 1 == int(side) and np.ptp(columns) + 1 == np.ceil(side)
        assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        corners.add((rows.min(), columns.min()))
    assert len(corners) > 4


def test_rectangle_reaches_every_border():
    attacked = RectangleCrop(0.5, seed=0)(tf.ones((500, 8, 8, 1))).numpy()
    for border in (attacked[:, 0], attacked[:, -1], attacked[:, :, 0], attacked[:, :, -1]):
        assert (border == 0).any()


def test_rectangle_larger_than_a_side_is_cut():
    attacked = RectangleCrop(1.0)(tf.ones((1, 8, 32, 1))).numpy()[0, ..., 0]
    assert (attacked == 0).all(axis=0).sum() == 16
