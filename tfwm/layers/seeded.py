"""Layers that draw random numbers, repeatable by seed."""

import keras
import numpy as np
import tensorflow as tf

from tfwm.layers.base import Configured
from tfwm.ops.random import replica_seed, uniform


class SeededLayer(Configured, keras.layers.Layer):
    """Base of layers that draw random numbers, repeatable by seed.

    Each replica of a `tf.distribute` strategy draws its own numbers. The state is saved
    with the weights (Keras itself saves it nowhere), so that a resumed training
    draws new numbers instead of the old ones again.

    Args:
        seed: integer, or `None` for different numbers in each run.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def next_seed(self):
        """Returns the seed of this call, int32 `(2,)`, different on each replica."""
        return replica_seed(self.seed_generator)

    def save_own_variables(self, store):
        super().save_own_variables(store)
        store["seed_state"] = np.asarray(self.seed_generator.state)

    def load_own_variables(self, store):
        weights = {key: store[key][()] for key in store.keys() if key != "seed_state"}
        super().load_own_variables(weights)
        if "seed_state" in store.keys():
            self.seed_generator.state.assign(store["seed_state"][()])

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="tfwm")
class RandomMessage(SeededLayer):
    """Draws new random message bits for every image of a batch.

    Args:
        shape: shape of one message, for instance `(4, 4, 1)` or `(30,)`.
        seed: integer that makes the messages repeatable.

    Input shape:
        Any `(batch, ...)`; the layer reads only the batch size.

    Output shape:
        `(batch, *shape)`, float32 zeros and ones.

    Example:

    >>> tuple(RandomMessage((30,), seed=1)(np.zeros((2, 32, 32, 1))).shape)
    (2, 30)
    """

    def __init__(self, shape, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.shape = tuple(shape)

    def call(self, inputs):
        shape = (inputs.shape[0] or tf.shape(inputs)[0], *self.shape)
        draw = uniform(shape, self.next_seed())
        return tf.cast(draw < 0.5, tf.float32)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.shape)
