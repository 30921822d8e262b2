import numpy as np

from tfwm.layers import PatchesToSpace, SpaceToPatches

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
