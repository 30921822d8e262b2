"""Rotation, scaling, warps, crops and resizing: exact places, Pillow's values."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfwm.attacks import (
    Affine,
    Identity,
    Mirror,
    PerspectiveWarp,
    Ramp,
    RandomChoice,
    RandomResizedCrop,
    Resize,
)
from tfwm.ops.resample import apply_separable, window_matrix


def pixels(image):
    return Image.fromarray(np.uint8(np.rint(image[0, ..., 0] * 255)))


def levels(attacked):
    return np.asarray(attacked)[0, ..., 0] * 255


@pytest.mark.parametrize("scale", [0.5, 0.75, 1.5])
def test_resize_comes_near_pillow(scale, gray_photo):
    image = gray_photo[:, :101, :70]
    small = (int(70 * scale), int(101 * scale))
    expected = pixels(image).resize(small, Image.BILINEAR).resize((70, 101), Image.BILINEAR)
    error = np.abs(levels(Resize(scale)(image)) - np.asarray(expected))
    assert error.max() < 2  # four roundings to 8 bits


def test_resize_range_holds_both_ends(photo):
    images = tf.repeat(tf.constant(photo[:, :32, :32]), 300, axis=0)
    attacked = Resize((0.5, 2.0), seed=0)(images)
    error = np.abs(attacked - images).mean(axis=(1, 2, 3))
    half = np.abs(Resize(0.5)(images[:1]) - images[:1]).mean()
    assert error.max() == pytest.approx(half, rel=0.05) and error.min() < half / 3


@pytest.mark.parametrize("scale", [0.6, 1.5])
def test_nearest_resize_one_way_takes_pixels(scale, gray_photo):
    image = gray_photo[:, :101, :70]
    attacked = Resize(scale, restore=False, method="nearest")(image)
    rows, columns = (np.arange(int(n * scale)) * n // int(n * scale) for n in (101, 70))
    np.testing.assert_array_equal(attacked, image[:, rows][:, :, columns])


def test_bilinear_resize_one_way_comes_near_pillow(gray_photo):
    attacked = Resize(0.4, restore=False)(gray_photo)
    expected = pixels(gray_photo).resize((102, 102), Image.BILINEAR)
    assert np.abs(levels(attacked) - np.asarray(expected)).max() < 1.5


def test_nearest_resize_and_back(gray_photo):
    image = gray_photo[:, :64, :64]
    attacked = Resize(0.5, method="nearest")(image)
    np.testing.assert_array_equal(attacked, image[:, ::2, ::2].repeat(2, axis=1).repeat(2, axis=2))


def test_resize_one_way_draws_a_size_per_batch(photo):
    attack = Resize((0.4, 0.6), restore=False, seed=0)
    sizes = {attack(photo[:, :100, :50]).shape[1:3] for _ in range(20)}
    assert len(sizes) > 8
    assert all(40 <= rows <= 59 and abs(rows - 2 * columns) < 2 for rows, columns in sizes)
    assert not attack.supports_jit and Resize((0.4, 0.6)).supports_jit


def test_rotation_is_pillows(gray_photo):
    image = gray_photo[:, :128, :128]
    turned = Affine(rotation=7.0)(tf.constant(image)).numpy()[0, ..., 0]
    expected = np.asarray(Image.fromarray(image[0, ..., 0]).rotate(7.0, Image.BILINEAR))
    np.testing.assert_allclose(turned[20:-20, 20:-20], expected[20:-20, 20:-20], atol=2e-3)


def test_shift_by_whole_pixels(gray_photo):
    image = gray_photo[:, :64, :64]
    moved = Affine(shift=3.0)(tf.constant(image)).numpy()
    np.testing.assert_allclose(moved[:, 3:, 3:], image[:, :-3, :-3], atol=1e-5)


def test_ranges_differ_between_images(gray_photo):
    image = np.repeat(gray_photo[:, :32, :32], 3, axis=0)
    attack = Affine((-5, 5), (0.9, 1.1), (-2, 2), seed=1)
    attacked = attack(tf.constant(image)).numpy()
    assert np.abs(attacked[0] - attacked[1]).max() > 0.01
    assert np.abs(attacked[1] - attacked[2]).max() > 0.01


def test_mirrors(photo):
    np.testing.assert_array_equal(Mirror()(photo), photo[:, :, ::-1])
    image, positions = Mirror().call_with_positions(tf.constant(photo))
    np.testing.assert_allclose(positions[0, 0, :, 0], np.linspace(1, 0, 256), atol=0.01)


def test_half_of_the_images(photo):
    images = np.repeat(photo[:, :32, :32], 200, axis=0)
    attack = RandomChoice([Mirror(), Identity()], per="image", seed=1)
    mirrored = np.asarray(attack(images) != images).any((1, 2, 3))
    assert 60 < mirrored.sum() < 140


def test_ramp_mirrors_more_and_more(photo):
    images = np.repeat(photo[:, :32, :32], 200, axis=0)
    ramp = Ramp(Mirror(), steps=2, seed=1)
    shares = [np.asarray(ramp(images) != images).any((1, 2, 3)).mean() for _ in range(3)]
    assert shares[0] == 0 and 0.3 < shares[1] < 0.7 and shares[2] == 1


@pytest.mark.parametrize("start, length", [(0, 101), (13, 60), (100, 1), (40, 61)])
def test_window_equals_pillow(start, length, gray_photo):
    image = gray_photo[:, :101, :101]
    matrix = window_matrix(101, tf.constant(start), tf.constant(length))
    resized = apply_separable(tf.constant(image), matrix, tf.eye(101))
    part = Image.fromarray(image[0, start : start + length, :, 0])
    expected = np.asarray(part.resize((101, 101), Image.BILINEAR))
    np.testing.assert_allclose(resized[0, ..., 0], expected, atol=2e-5)


def windows(attack, num=400, sides=(100, 160)):
    """Returns the rows, columns, heights and widths of the windows that an attack cuts."""
    places = np.stack(np.indices(sides), -1).astype(np.float32)[None]
    found = attack(np.repeat(places, num, axis=0)).numpy()
    first, last = found[:, 0, 0], found[:, -1, -1]
    return (*first.T, *(last - first + 1).T)


def test_crops_have_the_areas_and_aspects():
    row, column, height, width = windows(RandomResizedCrop((0.6, 1.0), (3 / 4, 4 / 3), seed=1))
    assert row.min() >= 0 and column.min() >= 0
    assert (row + height).max() <= 100.01 and (column + width).max() <= 160.01
    for values in (row, column, height, width):
        np.testing.assert_allclose(values, values.round(), atol=1e-3)
    area, aspect = height * width / 16000, width / height / 1.6
    assert 0.59 < area.min() < 0.63 and 0.97 < area.max() < 1.01
    assert area.mean() == pytest.approx(0.8, abs=0.02)
    assert 0.73 < aspect.min() < 0.78 and 1.29 < aspect.max() < 1.36
    assert np.log(aspect).mean() == pytest.approx(0, abs=0.02)


def test_crop_of_all_and_of_one_window():
    row, column, height, width = windows(RandomResizedCrop(1.0), num=2)
    assert (row == 0).all() and (column == 0).all()
    assert (height == 100).all() and (width == 160).all()
    *_, height, width = windows(RandomResizedCrop(0.25, 1.0), num=20)
    np.testing.assert_allclose(height, 50, atol=1e-3)
    np.testing.assert_allclose(width, 80, atol=1e-3)
    *_, height, width = windows(RandomResizedCrop(0.5, 2.0), num=20)
    np.testing.assert_allclose(height, 50, atol=1e-3)
    np.testing.assert_allclose(width, 160, atol=1e-3)


@pytest.mark.parametrize("fill", ["white", "cover", "edge"])
def test_warp_fills_its_border(fill):
    image, cover = np.full((40, 32, 32, 1), 0.5, np.float32), np.zeros((40, 32, 32, 1), np.float32)
    warped = PerspectiveWarp(0.1, fill, seed=1)(image, cover=cover).numpy()
    ends = {"white": (0.5, 1.0), "cover": (0.0, 0.5), "edge": (0.5, 0.5)}[fill]
    assert (warped.min(), warped.max()) == pytest.approx(ends, abs=1e-5)
    np.testing.assert_allclose(warped[:, 5:-5, 5:-5], 0.5, atol=1e-5)


def test_warp_moves_corners_by_up_to_the_offset():
    places = np.stack(np.indices((100, 100)), -1).astype(np.float32)[None]
    image = np.repeat(places, 300, axis=0)
    for offset, mean in ((0.1, 2.5), ((0.0, 0.1), 1.25)):
        moved = np.abs(PerspectiveWarp(offset, "edge", seed=1)(image) - image)[:, ::99, ::99]
        assert 9 < moved.max() < 10.2
        # Half of the corners lie beyond the border and show the edge pixel.
        assert moved.mean() == pytest.approx(mean, rel=0.1)


@pytest.mark.parametrize(
    "attack", [Affine(shift=(5, 6), seed=1), PerspectiveWarp((0.1, 0.2), "edge", seed=1)]
)
def test_repeated_edges_come_from_no_place(attack):
    x = np.linspace(0, 1, 32, dtype="float32")
    image = tf.constant(np.stack(np.broadcast_arrays(x, x[:, None], 0.5), -1)[None])
    attacked, positions = attack.call_with_positions(image)
    known = np.asarray(abs(positions[..., 2] - 0.5) < 1e-3)
    assert 0.2 < known.mean() < 0.95
    moved = np.asarray(positions)[..., :2] * 32 - 0.5  # to the places of centers
    np.testing.assert_allclose(31 * np.asarray(attacked)[known][:, :2], moved[known], atol=0.01)
    edges = np.isclose(np.asarray(attacked)[..., :2] * 31 % 31, 0).any(-1)
    assert not known[edges].any()
