"""Layers on keys: mixing their bits, and wrong keys for training."""

import hashlib
import math

import keras
import numpy as np
import tensorflow as tf

from tfwm.layers.seeded import SeededLayer
from tfwm.ops.random import split_seed, uniform


@keras.saving.register_keras_serializable(package="tfwm")
class KeyMixing(keras.layers.Layer):
    """Mixes the bits of a key, so that one flipped bit flips about half of the results.

    Each result is the parity of about half of the key's bits, `(-1)^(M k)`, where `M` is a fixed
    and public matrix of bits, made by SHAKE-256. `M` is a product of triangular matrices with
    ones on the diagonal, so it has an inverse, and different keys have different results. The
    layer hides nothing. It makes keys that differ little look as different as random keys.

    Input shape:
        `(batch, length)`, 0 and 1.

    Output shape:
        `(batch, length)`, -1 and 1.

    Example:

    >>> key = np.zeros((1, 256), "float32")
    >>> other = key.copy()
    >>> other[0, 17] = 1
    >>> flipped = np.asarray(KeyMixing()(key)) != np.asarray(KeyMixing()(other))
    >>> bool(100 < flipped.sum() < 156)
    True
    """

    def build(self, input_shape):
        self._matrix = _mixing_matrix(input_shape[-1])

    def call(self, inputs):
        # Sums of a thousand bits need float32. The cosine is the sign, and unlike a remainder
        # tolerates the error that quantized weights add to a sum.
        bits = tf.cast(inputs, tf.float32)
        sums = tf.matmul(bits, tf.constant(self._matrix.T))
        return tf.cast(tf.cos(math.pi * sums), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape


def _mixing_matrix(length):
    """Returns the bits `(length, length)`, which trained weights rely on: never change them."""
    seed = f"tfwm key mixing {length}".encode()
    stream = hashlib.shake_256(seed).digest(math.ceil(2 * length**2 / 8))
    bits = np.unpackbits(np.frombuffer(stream, np.uint8))[: 2 * length**2]
    # Fast and exact: sums stay far below 2**24.
    lower, upper = bits.reshape(2, length, length).astype(np.float32)
    one = np.eye(length, dtype=np.float32)
    return (np.tril(lower, -1) + one) @ (np.triu(upper, 1) + one) % 2


@keras.saving.register_keras_serializable(package="tfwm")
class WrongKeys(SeededLayer):
    """Flips a few random bits of each key: the wrong keys of Wu et al. 2020, section III-A.

    For each key it draws first the number of flipped bits, 1 to `flipped_bits`, then the bits.

    Args:
        flipped_bits: largest number of flipped bits; the paper has 8.
        seed: integer that makes the wrong keys repeatable.

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
