import keras
import numpy as np
import pytest

from tfwm.layers import DepthToSpace, PatchesToSpace, SpaceToDepth, SpaceToPatches


@pytest.mark.parametrize("side", [2, 4])
def test_with_a_convolution_it_is_the_transposed_convolution(side):
    features = np.random.default_rng(0).normal(size=(2, 5, 3, 6)).astype("float32")
    convolution = keras.layers.Conv2D(side * side * 7, 1, use_bias=False)
    pixels = DepthToSpace(side)(convolution(features))
    reference = keras.layers.Conv2DTranspose(7, side, side, use_bias=False)
    reference.build(features.shape)
    kernel = np.asarray(convolution.kernel).reshape(6, side, side, 7)
    reference.set_weights([kernel.transpose(1, 2, 3, 0)])
    np.testing.assert_allclose(pixels, reference(features), atol=1e-5)


def test_order_of_channels():
    """Row by row within the square; the channels of a place stay together."""
    channels = np.arange(8, dtype="float32").reshape(1, 1, 1, 8)
    expected = [[[0, 1], [2, 3]], [[4, 5], [6, 7]]]
    np.testing.assert_array_equal(DepthToSpace(2)(channels)[0], expected)


@pytest.mark.parametrize("side", [2, 3])
def test_inverse(side):
    image = np.random.default_rng(0).normal(size=(2, 6, 12, 5)).astype("float32")
    depth = SpaceToDepth(side)(image)
    assert depth.shape == (2, 6 // side, 12 // side, 5 * side * side)
    np.testing.assert_array_equal(DepthToSpace(side)(depth), image)


def test_shapes_and_configuration_of_a_model(tmp_path):
    inputs = keras.Input((None, 6, 8))
    wide = DepthToSpace(2)(inputs)
    assert wide.shape == (None, None, 12, 2)
    outputs = SpaceToDepth(4)(wide)
    assert outputs.shape == (None, None, 3, 32)
    model = keras.Model(inputs, outputs)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(1, 4, 6, 8)).astype("float32")
    np.testing.assert_array_equal(loaded(x), model(x))


IMAGE = np.random.default_rng(0).standard_normal((2, 64, 96, 2)).astype("float32")


def test_patches_are_row_major():
    patches = SpaceToPatches((32, 16))(IMAGE)
    assert tuple(patches.shape) == (2 * 2 * 6, 32, 16, 2)
    np.testing.assert_array_equal(patches[7], IMAGE[0, 32:, 16:32])
    np.testing.assert_array_equal(patches[12], IMAGE[1, :32, :16])


def test_round_trip():
    patches = SpaceToPatches((32, 16))(IMAGE)
    np.testing.assert_array_equal(PatchesToSpace((32, 16))([patches, IMAGE]), IMAGE)


def test_patches_of_another_size_than_those_cut():
    small = SpaceToPatches((32, 16))(IMAGE)[:, ::8, ::8]
    whole = PatchesToSpace((32, 16))([small, IMAGE])
    np.testing.assert_array_equal(whole, IMAGE[:, ::8, ::8])


def test_symbolic_shapes():
    import keras

    image = keras.Input((64, 96, 1))
    patches = SpaceToPatches((32, 32))(image)
    assert patches.shape == (None, 32, 32, 1)
    assert PatchesToSpace((32, 32))([patches, image]).shape == (None, 64, 96, 1)
