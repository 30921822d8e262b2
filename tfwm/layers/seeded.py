import keras
import numpy as np

from tfwm.ops.random import replica_seed


class SeededLayer(keras.layers.Layer):
    """Base of layers that draw random numbers, repeatable by seed.

    Each replica of a `tf.distribute` strategy draws its own numbers. The state is saved
    with the weights (Keras itself saves it nowhere), so that a resumed training goes on
    with fresh numbers instead of replaying the old ones.

    Args:
        seed: integer, or `None` for other numbers each time.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def next_seed(self):
        """Returns the seed of this call, int32 `(2,)`, another one on each replica."""
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
