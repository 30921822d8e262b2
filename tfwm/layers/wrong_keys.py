import keras
import tensorflow as tf

from tfwm.layers.seeded import SeededLayer
from tfwm.ops.random import split_seed, uniform


@keras.saving.register_keras_serializable(package="tfwm")
class WrongKeys(SeededLayer):
    """Flips a few bits of each key: the wrong keys of Wu et al. 2020, section III-A.

    For each key the number of flipped bits is drawn from 1 to `flipped_bits`, and then which.

    Args:
        flipped_bits: largest number of bits that are flipped; the paper has 8.
        seed: integer, makes them repeatable.

    Input shape:
        `(batch, bits)` of 0 and 1.

    Output shape:
        That of the input.

    Example:

    >>> keys = np.zeros((5, 256), "float32")
    >>> flipped = WrongKeys(8)(keys).numpy().sum(axis=1)
    >>> bool((flipped >= 1).all() and (flipped <= 8).all())
    True
    """

    def __init__(self, flipped_bits=8, seed=None, **kwargs):
        kwargs.setdefault("autocast", False)
        super().__init__(seed=seed, **kwargs)
        if flipped_bits < 1:
            raise ValueError(
                f"Expected at least 1 flipped bit. Received: flipped_bits={flipped_bits}"
            )
        self.flipped_bits = flipped_bits

    def call(self, keys):
        count_seed, place_seed = split_seed(self.next_seed(), 2)
        batch, bits = tf.shape(keys)[0], tf.shape(keys)[1]
        counts = 1 + tf.cast(uniform((batch, 1), count_seed) * self.flipped_bits, tf.int32)
        order = tf.argsort(uniform((batch, bits), place_seed), axis=1)
        ranks = tf.argsort(order, axis=1)
        return tf.where(ranks < counts, 1 - keys, keys)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "flipped_bits": self.flipped_bits}
