import numpy as np
import pytest
import tensorflow as tf
from skimage import transform

from tfwm.ops.perspective import (
    homography,
    invert_homography,
    random_homography,
    share_inside,
    unwarp,
    warp,
)

QUADRILATERAL = np.array([[[12, 7], [3, 101], [130, 118], [97, -9]]], np.float32)
OTHER = np.array([[[0, 0], [0, 100], [100, 100], [100, 0]]], np.float32)


def apply(matrix, points):
    mapped = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ np.asarray(matrix).T
    return mapped[:, :2] / mapped[:, 2:]


def test_homography_takes_points_to_points():
    matrix = homography(tf.constant(QUADRILATERAL), tf.constant(OTHER)).numpy()[0]
    np.testing.assert_allclose(apply(matrix, QUADRILATERAL[0]), OTHER[0], atol=1e-4)
    equations = [
        row
        for (y, x), (v, u) in zip(QUADRILATERAL[0], OTHER[0], strict=True)
        for row in ([y, x, 1, 0, 0, 0, -v * y, -v * x], [0, 0, 0, y, x, 1, -u * y, -u * x])
    ]
    solved = np.linalg.solve(np.float64(equations), OTHER.ravel())
    expected = np.append(solved, 1).reshape(3, 3)
    np.testing.assert_allclose(matrix / matrix[2, 2], expected, rtol=1e-4, atol=1e-5)


def test_inverse():
    matrix = np.random.default_rng(0).normal(size=(5, 3, 3)).astype(np.float32)
    np.testing.assert_allclose(invert_homography(matrix), np.linalg.inv(matrix), rtol=1e-3)


def test_warp_equals_skimage(gray_photo):
    image = gray_photo[:, :120, :140]
    matrix = homography(
        tf.constant(QUADRILATERAL), tf.constant([[[0.0, 0], [0, 139], [119, 139], [119, 0]]])
    )
    # skimage's points are (x, y).
    swap = np.eye(3)[[1, 0, 2]]
    expected = transform.warp(
        image[0, ..., 0], swap @ matrix[0].numpy() @ swap, order=1, mode="edge"
    )
    np.testing.assert_allclose(warp(image, matrix)[0, ..., 0], expected, atol=1e-4)


def test_nothing_stays_as_it_is(gray_photo):
    image = tf.tile(tf.constant(gray_photo), (1, 2, 2, 1))
    matrix = random_homography((512, 512), tf.zeros((1,)), (1, 2))
    np.testing.assert_allclose(warp(image, matrix, fill=9.0), image, atol=5e-4)


def smooth(sides):
    rows, columns = np.mgrid[: sides[0], : sides[1]]
    waves = 0.5 + 0.25 * np.sin(rows / 9) + 0.25 * np.cos(columns / 7 + rows / 20)
    return tf.constant(waves[None, ..., None], tf.float32)


def test_unwarp_undoes_warp():
    image = smooth((96, 128))
    matrix = random_homography((96, 128), tf.constant([0.1]), (3, 4))
    warped = warp(image, matrix, fill=image)
    assert np.abs(warped - image).max() > 0.1
    back = unwarp(warped, matrix, fill=image).numpy()
    np.testing.assert_allclose(back[:, 12:-12, 12:-12], image[:, 12:-12, 12:-12], atol=5e-3)


def test_the_whole_image_is_in_the_quadrilateral():
    sides = (60, 80)
    matrix = random_homography(sides, tf.fill((200,), 0.1), (5, 6)).numpy()
    corners = np.array([[-0.5, -0.5], [-0.5, 79.5], [59.5, 79.5], [59.5, -0.5]])
    displaced = np.array([apply(np.linalg.inv(one), corners) for one in matrix]) - corners
    for axis, side in enumerate(sides):
        assert 0.098 * side < np.abs(displaced[..., axis]).max() <= 0.1001 * side
        assert abs(displaced[..., axis].mean()) < 0.01 * side
    assert len(np.unique(displaced.round(3))) > 1500


def test_fills_and_their_border():
    image = tf.reshape(tf.range(1.0, 5.0), (1, 1, 4, 1))
    right = tf.constant([[[1.0, 0, 0], [0, 1, -1.25], [0, 0, 1]]])
    for fill, expected in ((None, [1, 1, 1.75, 2.75]), (0.0, [0, 0.75, 1.75, 2.75])):
        np.testing.assert_allclose(warp(image, right, fill)[0, 0, :, 0], expected)
    cover = tf.reshape(tf.constant([5.0, 6, 7, 8]), image.shape)
    np.testing.assert_allclose(warp(image, right, cover)[0, 0, :, 0], [5, 2.25, 1.75, 2.75])
    share = share_inside((1, 4), tf.zeros((1, 1, 5)), tf.constant([[[-1.5, -0.25, 1, 3.5, 9]]]))
    np.testing.assert_allclose(share.numpy().ravel(), [0, 0.75, 1, 0.5, 0])


def test_beyond_the_horizon_is_filled():
    matrix = tf.constant([[[1.0, 0, 0], [0, 1, 0], [-0.1, 0, 1]]])
    seen = warp(tf.ones((1, 32, 8, 1)), matrix, fill=0.0).numpy()
    assert np.isfinite(seen).all()
    assert (seen[:, 10:] == 0).all() and seen[:, 0].min() > 0.99


@pytest.mark.parametrize("jit", [False, True])
def test_gradients_to_image_and_points(jit):
    image = smooth((24, 32))
    target = tf.constant([[[-0.5, -0.5], [-0.5, 31.5], [23.5, 31.5], [23.5, -0.5]]])
    points = target + tf.constant([[[1.0, 2.0], [-1, 1.5], [0.7, -2], [1, 1]]])

    @tf.function(jit_compile=jit)
    def loss(image, points):
        return tf.reduce_sum(tf.cos(3 * warp(image, homography(points, target))))

    with tf.GradientTape() as tape:
        tape.watch([image, points])
        value = loss(image, points)
    image_slope, points_slope = tape.gradient(value, [image, points])
    direction = np.random.default_rng(0).normal(size=points.shape).astype(np.float32)
    step = 1e-2
    numeric = (loss(image, points + step * direction) - loss(image, points - step * direction)) / (
        2 * step
    )
    assert float(tf.reduce_sum(points_slope * direction)) == pytest.approx(float(numeric), rel=0.05)
    change = np.random.default_rng(1).normal(size=image.shape).astype(np.float32)
    numeric = (loss(image + 1e-3 * change, points) - loss(image - 1e-3 * change, points)) / 2e-3
    assert float(tf.reduce_sum(image_slope * change)) == pytest.approx(float(numeric), rel=0.02)
