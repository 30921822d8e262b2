"""Images of any size are cut into tiles, joined again, and read at several scales."""

import numpy as np
import pytest

from tfwm.models import barrier as models
from tfwm.protection import Barrier, WatermarkBarrier
from tfwm.protection.tiles import SCALES, cut_tiles, join_tiles, some_tiles, view

SIZE = (8, 8)
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("height, width", [(8, 8), (16, 24), (19, 9), (3, 30), (1, 1)])
def test_tiles_are_joined_again(height, width):
    images = RNG.random((2, height, width, 3)).astype("float32")
    tiles = cut_tiles(images, SIZE)
    assert tiles.shape == (2 * -(-height // 8) * -(-width // 8), 8, 8, 3)
    np.testing.assert_array_equal(join_tiles(tiles, height, width), images)


def test_tiles_come_row_by_row_and_go_on_mirrored():
    image = np.arange(12.0 * 10).reshape(1, 12, 10, 1)
    tiles = np.asarray(cut_tiles(image, SIZE))
    np.testing.assert_array_equal(tiles[1, :, :4, 0], image[0, :8, [8, 9, 9, 8], 0].T)
    np.testing.assert_array_equal(tiles[2, :, :, 0], image[0, [8, 9, 10, 11, 11, 10, 9, 8], :8, 0])


def test_some_tiles_lie_evenly_and_reach_the_edges():
    images = RNG.random((2, 100, 12, 1))
    tiles = some_tiles(images, SIZE)
    assert tiles.shape == (2, 8, 8, 8, 1)
    np.testing.assert_array_equal(tiles[:, 0], images[:, :8, :8])
    np.testing.assert_array_equal(tiles[:, -1], images[:, -8:, -8:])
    assert some_tiles(images[:, :8, :8], SIZE).shape == (2, 1, 8, 8, 1)


def test_views_are_tiles_at_a_scale():
    images = RNG.random((2, 20, 30, 1)).astype("float32")
    np.testing.assert_array_equal(view(images, SIZE, 1), some_tiles(images, SIZE))
    assert [view(images, SIZE, scale).shape[2:] for scale in SCALES] == [(8, 8, 1)] * len(SCALES)
    assert view(images[:, :3, :3], SIZE, 1).shape == (2, 1, 8, 8, 1)
    assert view(images[:, :9, :9], SIZE, 0.5) is None
    flat = view(np.full((1, 16, 16, 3), 0.25, "float32"), SIZE, 0.5)
    np.testing.assert_allclose(flat, np.full((1, 1, 8, 8, 3), 0.25), atol=1e-6)


@pytest.fixture(scope="module")
def tiled():
    embedder = models.build_embedder(3, 1, width=4, depth=2, residual_limit=0.1)
    extractor = models.build_extractor(3, 1, width=4, dilations=(1,), output="sigmoid")
    return Barrier(embedder, extractor, RNG.random((32, 32, 1)), "test", tiled=True)


def test_each_tile_is_marked_as_by_itself(tiled):
    image = RNG.random((1, 50, 70, 3)).astype("float32")
    marked = tiled.mark(image)
    assert marked.shape == image.shape
    np.testing.assert_allclose(marked[:, :32, :64], tiled.mark(image[:, :32, :64]), atol=1e-6)
    np.testing.assert_allclose(marked[:, :32, 32:64], tiled.mark(image[:, :32, 32:64]), atol=1e-6)
    again = WatermarkBarrier.from_config(tiled.layer().get_config())
    assert again.tiled and not Barrier(tiled.embedder, tiled.extractor, tiled.watermark).tiled


def test_large_images_are_marked_in_bands(tiled, monkeypatch):
    image = RNG.random((1, 138, 40, 3)).astype("float32")
    whole = tiled.mark(image, 0.5)
    monkeypatch.setattr("tfwm.protection.barrier.MOST_PIXELS", 1)
    np.testing.assert_allclose(tiled.mark(image, 0.5), whole, atol=1e-6)
    np.testing.assert_allclose(tiled.layer(0.5)(image), whole, atol=1e-6)
    assert 0.3 < np.abs(whole - image).mean() / np.abs(tiled.mark(image) - image).mean() < 0.7


def test_the_scale_at_which_most_is_read_counts(tiled, monkeypatch):
    marks = RNG.random((3, 32, 32, 1)).astype("float32")
    mixed = {1.0: marks, SCALES[1]: np.stack([tiled.watermark, marks[0], marks[1]])}
    asked = []

    def read(self, images, scale):
        asked.append((scale, len(images)))
        found = mixed.get(scale)
        return None if found is None else found[-len(images) :].copy()

    monkeypatch.setattr(Barrier, "_view", read)
    found = tiled.read(np.zeros((3, 64, 64, 3), "float32"))
    np.testing.assert_array_equal(found[0], tiled.watermark)
    assert asked[:3] == [(1.0, 3), (SCALES[1], 3), (SCALES[2], 2)]


def test_any_size_is_read(tiled):
    images = [RNG.random((*sides, 3)).astype("float32") for sides in ((20, 50), (70, 40))]
    assert tiled.read(images).shape == (2, 32, 32, 1)
    one = tiled.read(images[0][None])
    np.testing.assert_allclose(tiled.read(images)[0], one[0], atol=1e-6)
