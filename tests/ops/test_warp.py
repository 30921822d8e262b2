import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import map_coordinates

from tfwm.ops.warp import affine_grid, sample_bilinear


def test_bilinear_equals_scipy(gray_photo):
    image = np.concatenate([gray_photo[:, :64, :80], gray_photo[:, 64:128, :80]])
    rng = np.random.default_rng(0)
    rows = rng.uniform(-5, 70, (2, 31, 17)).astype(np.float32)
    columns = rng.uniform(-5, 90, (2, 31, 17)).astype(np.float32)
    sampled = sample_bilinear(tf.constant(image), rows, columns).numpy()[..., 0]
    for i in range(2):
        expected = map_coordinates(image[i, ..., 0], [rows[i], columns[i]], order=1, mode="nearest")
        np.testing.assert_allclose(sampled[i], expected, atol=1e-5)


def grid(rotation=0.0, scale=1.0, shift=(0.0, 0.0), shape=(9, 9)):
    values = ([rotation], [scale], [shift])
    rows, columns = affine_grid(shape, *(tf.constant(v, tf.float32) for v in values))
    return rows.numpy()[0], columns.numpy()[0]


def test_grid_of_nothing_is_the_pixels():
    rows, columns = grid()
    np.testing.assert_allclose(rows, np.indices((9, 9))[0], atol=1e-6)
    np.testing.assert_allclose(columns, np.indices((9, 9))[1], atol=1e-6)


@pytest.mark.parametrize("turns, angle", [(1, 90.0), (2, 180.0), (3, 270.0)])
def test_quarter_turns_are_counterclockwise(gray_photo, turns, angle):
    image = gray_photo[:, :64, :64]
    rows, columns = grid(rotation=angle, shape=(64, 64))
    turned = sample_bilinear(tf.constant(image), rows[None], columns[None]).numpy()
    np.testing.assert_allclose(turned[0], np.rot90(image[0], turns), atol=1e-3)


def test_scale_enlarges_and_shift_moves_down_and_right():
    rows, columns = grid(scale=2.0)
    assert rows[8, 0] == pytest.approx(6) and columns[0, 0] == pytest.approx(2)
    rows, columns = grid(shift=(2.0, -1.0))
    assert rows[5, 5] == pytest.approx(3) and columns[5, 5] == pytest.approx(6)


def test_gradient_is_the_weights():
    image = tf.Variable(np.arange(4, dtype=np.float32).reshape(1, 2, 2, 1))
    with tf.GradientTape() as tape:
        value = sample_bilinear(image, tf.constant([[[0.25]]]), tf.constant([[[0.5]]]))
    np.testing.assert_allclose(
        tape.gradient(value, image).numpy().ravel(), [0.375, 0.375, 0.125, 0.125]
    )
