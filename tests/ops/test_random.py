import keras
import numpy as np
import tensorflow as tf

from tfwm.ops import random


def test_seeds_of_a_generator_differ_and_repeat():
    def three():
        generator = keras.random.SeedGenerator(5)
        return [random.replica_seed(generator).numpy().tolist() for _ in range(3)]

    first = three()
    assert first == three()
    assert len({tuple(seed) for seed in first}) == 3


def test_split_seeds_differ():
    seeds = random.split_seed(tf.constant([1, 2]), 4)
    assert len({tuple(seed.numpy()) for seed in seeds}) == 4


def test_strength():
    seed = tf.constant([1, 2])
    assert random.draw_strength(0.5, seed, 3).numpy() == 0.5
    drawn = random.draw_strength((2.0, 3.0), seed, 1000).numpy()
    assert drawn.shape == (1000,) and 2 <= drawn.min() < 2.05 < 2.95 < drawn.max() < 3


def test_integers_include_both_ends():
    drawn = random.draw_integer((3, 5), tf.constant([1, 2]), 200)
    np.testing.assert_array_equal(np.unique(drawn), [3, 4, 5])
