"""Images of any size are cut into tiles, joined again, and read at several scales."""

import numpy as np
import pytest

from tfwm.models import barrier as models
from tfwm.protection import Barrier, WatermarkBarrier
from tfwm.protection.tiles import SCALES, cut_tiles, join_tiles, some_tiles, views

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
    image = RNG.random((100, 12, 1))
    tiles = some_tiles(image, SIZE)
    assert tiles.shape == (8, 8, 8, 1)
    np.testing.assert_array_equal(tiles[0], image[:8, :8])
    np.testing.assert_array_equal(tiles[-1], image[-8:, -8:])
    assert some_tiles(image[:8, :8], SIZE).shape == (1, 8, 8, 1)


def test_views_are_at_the_own_scale_first():
    image = RNG.random((20, 30, 1)).astype("float32")
    first, *others = views(image, SIZE)
    np.testing.assert_array_equal(first, some_tiles(image, SIZE))
    assert len(others) == len(SCALES) - 1
    assert [tiles.shape[1:] for tiles in others] == [(8, 8, 1)] * len(others)
    small = [tiles.shape for tiles in views(image[:3, :3], SIZE)]
    assert small[0] == (1, 8, 8, 1) and len(small) == 4  # no part is larger than the copy


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


def test_any_size_is_read(tiled):
    images = [RNG.random((*sides, 3)).astype("float32") for sides in ((20, 50), (70, 40))]
    assert tiled.read(images).shape == (2, 32, 32, 1)
    one = tiled.read(images[0][None])
    np.testing.assert_allclose(tiled.read(images)[0], one[0], atol=1e-6)
