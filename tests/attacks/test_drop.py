"""Crops, frames and dropout: exact window sizes, shares and pixels of the cover."""

import numpy as np
import pytest
import tensorflow as tf

from tfwm.attacks import (
    Chain,
    Crop,
    Cropout,
    Dropout,
    Frame,
    GridCrop,
    Identity,
    RandomChoice,
    RectangleCrop,
)

GRAY = tf.fill((8, 64, 96, 1), 0.5)


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


@pytest.fixture
def images(photo):
    return tf.constant(
        np.concatenate([photo[:, i : i + 128, i : i + 100] for i in range(0, 90, 6)])
    )


def bounds(kept):
    """Returns (top, bottom, left, right) of each mask and checks that it is a full rectangle."""
    found = []
    for mask in kept:
        rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
        box = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
        assert mask[box[0] : box[1], box[2] : box[3]].all()
        found.append(box)
    return np.array(found)


def sides(boxes):
    return set(boxes[:, 1] - boxes[:, 0]), set(boxes[:, 3] - boxes[:, 2])


@pytest.mark.parametrize(
    "fraction, rows, columns", [(0.19, 24, 19), (0.15, 19, 15), (0.29, 37, 28)]
)
def test_crop_keeps_a_window_in_place(fraction, rows, columns, images):
    attacked = Crop(fraction, fill=0.5, seed=0)(images).numpy()
    outside = (attacked == 0.5).all(axis=-1)
    boxes = bounds(~outside)
    assert sides(boxes) == ({rows}, {columns})  # int(0.29 * 100) is 28
    assert len(set(boxes[:, 0])) > 4 and len(set(boxes[:, 2])) > 4
    np.testing.assert_array_equal(attacked[~outside], images.numpy()[~outside])


def test_crop_fill_and_extremes(images):
    white = Crop(0.19, fill=1, seed=0)(images * 0.9).numpy()
    assert (white == 1).all(axis=-1).mean() == pytest.approx(1 - 24 * 19 / 12800)
    np.testing.assert_array_equal(Crop(1.0)(images), images)
    one_pixel = Crop(0.001, fill=0.0)(tf.ones((3, 8, 8, 1))).numpy()
    np.testing.assert_array_equal(one_pixel.sum(axis=(1, 2, 3)), 1)


def test_crop_range_is_drawn_per_image_and_side():
    kept = Crop((0.2, 0.6), fill=0.0, seed=0)(tf.ones((300, 50, 100, 1))).numpy()[..., 0] == 1
    boxes = bounds(kept)
    rows, columns = boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]
    assert set(rows) == set(range(10, 30))
    assert columns.min() in (20, 21) and columns.max() in (58, 59)
    assert abs(np.corrcoef(rows, columns)[0, 1]) < 0.2


def test_windows_reach_every_border_evenly():
    kept = Crop(0.5, fill=0.0, seed=0)(tf.ones((2000, 8, 8, 1))).numpy()[..., 0]
    # 5 places per side; a corner belongs to one of the 25, the middle to 16.
    share = kept.mean(axis=0)
    np.testing.assert_allclose(share[[0, 0, 7, 7], [0, 7, 0, 7]], 1 / 25, atol=0.02)
    np.testing.assert_allclose(share[3:5, 3:5], 16 / 25, atol=0.04)


@pytest.mark.parametrize("fill", [None, "none"])
def test_crop_cuts_the_window_out(fill, images):
    attack = Crop(0.19, fill=fill, seed=0)
    assert not attack.supports_jit and Crop(0.19).supports_jit
    assert attack.get_config()["fill"] is None
    cut = attack(images).numpy()
    assert cut.shape == (15, 24, 19, 3)
    windows = np.lib.stride_tricks.sliding_window_view(images, (24, 19), axis=(1, 2))
    places = set()
    for one, candidates in zip(cut, windows, strict=True):
        found = (candidates == one.transpose(2, 0, 1)).all(axis=(2, 3, 4))
        assert found.sum() == 1
        places.add(tuple(np.argwhere(found)[0]))
    assert len(places) > 8


def test_cut_size_is_drawn_per_batch(images):
    attack = Crop((0.4, 0.55), fill=None, seed=0)
    shapes = {attack(images).shape[1:3] for _ in range(20)}
    assert len(shapes) > 10
    assert all(51 <= rows <= 70 and 40 <= columns <= 54 for rows, columns in shapes)


def test_cropout_pastes_the_window_on_the_cover(images):
    cover = 1 - images.numpy()  # nowhere equal: no value of 8 bits is its own opposite
    attacked = Cropout(0.55, seed=0)(images, cover=cover).numpy()
    marked = (attacked == images.numpy()).all(axis=-1)
    assert sides(bounds(marked)) == ({70}, {55})
    np.testing.assert_array_equal(attacked[~marked], cover[~marked])


@pytest.mark.parametrize("per", ["pixel", "element"])
def test_dropout_share_and_pixels(per, images):
    cover = images + 1
    attacked = Dropout(0.3, per=per, seed=0)(images, cover=cover).numpy()
    kept = attacked == images.numpy()
    np.testing.assert_array_equal(attacked[~kept], cover.numpy()[~kept])
    assert kept.mean() == pytest.approx(0.3, abs=0.005)
    whole_pixels = kept.all(axis=-1).mean()
    assert whole_pixels == pytest.approx(0.3 if per == "pixel" else 0.3**3, abs=0.005)


def test_dropout_range_and_extremes(images):
    image, cover = tf.ones((400, 32, 32, 1)), tf.zeros((400, 32, 32, 1))
    shares = Dropout((0.2, 0.4), seed=0)(image, cover=cover).numpy().mean(axis=(1, 2, 3))
    assert 0.15 < shares.min() < 0.22 and 0.38 < shares.max() < 0.45
    np.testing.assert_array_equal(Dropout(1)(images, cover=1 - images), images)
    np.testing.assert_array_equal(Dropout(0)(images, cover=1 - images), 1 - images)


@pytest.mark.parametrize("attack", [Crop(0.4), Cropout(0.4), Dropout(0.4, per="element")])
def test_gradient_is_1_where_the_watermark_stays(attack, images):
    cover = 2 + images
    with tf.GradientTape() as tape:
        tape.watch(images)
        attacked = attack(images, cover=cover)
    kept = np.asarray(attacked == images)
    assert 0 < kept.mean() < 0.5
    np.testing.assert_array_equal(tape.gradient(attacked, images), kept.astype(np.float32))


def test_gradient_of_a_cut_window(images):
    with tf.GradientTape() as tape:
        tape.watch(images)
        attacked = Crop(0.19, fill=None)(images)
    slope = tape.gradient(attacked, images).numpy()
    assert set(np.unique(slope)) == {0, 1}
    assert sides(bounds(slope.all(axis=-1))) == ({24}, {19})


def test_a_choice_of_sizes_meets_all_of_them(images):
    choice = RandomChoice([Identity(), Crop(0.5, fill=None), Crop(0.19, fill=None)], seed=0)
    call = tf.function(Chain([choice]))
    shapes = {tuple(call(images).shape[1:3]) for _ in range(30)}
    assert shapes == {(128, 100), (64, 50), (24, 19)}


def test_frame_covers_whole_pixels(photo):
    framed = Frame(0.1)(photo[:, :101, :60]).numpy()
    np.testing.assert_array_equal(framed[:, 10:-10, 6:-6], photo[:, 10:91, 6:54])
    framed[:, 10:-10, 6:-6] = 0
    assert not framed.any()
    wide = Frame((0.0, 0.2), seed=1)(np.ones((50, 40, 40, 1), np.float32)).numpy()
    assert len(np.unique(wide.mean(axis=(1, 2, 3)))) == 9
