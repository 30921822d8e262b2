import numpy as np
import pytest
import tensorflow as tf

from tfwm.ops.blocks import blocks_to_space, space_to_blocks

IMAGE = np.random.default_rng(0).standard_normal((2, 16, 24, 3)).astype("float32")


def test_channels_are_raster_order_inside_the_block():
    blocks = space_to_blocks(IMAGE, (4, 8))
    assert tuple(blocks.shape) == (2, 4, 3, 96)
    np.testing.assert_array_equal(blocks[1, 2, 1], IMAGE[1, 8:12, 8:16].ravel())


def test_square_blocks_equal_space_to_depth():
    np.testing.assert_array_equal(space_to_blocks(IMAGE, (8, 8)), tf.nn.space_to_depth(IMAGE, 8))


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (4, 8), (16, 2)])
def test_round_trip(shape):
    np.testing.assert_array_equal(blocks_to_space(space_to_blocks(IMAGE, shape), shape), IMAGE)


def test_unknown_sizes():
    image = tf.TensorSpec((None, None, None, 1))
    function = tf.function(lambda x: space_to_blocks(x, (8, 8)), input_signature=[image])
    np.testing.assert_array_equal(function(IMAGE[..., :1]), space_to_blocks(IMAGE[..., :1], (8, 8)))
