import numpy as np
import tensorflow as tf

from tfwm.attacks import Identity, Mirror, Ramp, RandomChoice


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
