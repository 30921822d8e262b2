import hashlib
import math

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tfwm")
class KeyMixing(keras.layers.Layer):
    """Mixes the bits of a key, so that one flipped bit flips about half of the results.

    Each result is the parity of about half of the key's bits, `(-1)^(M k)` with a fixed and
    public matrix `M` of bits, made by SHAKE-256. As `M` is a product of triangular matrices with
    ones on the diagonal, it has an inverse: different keys have different results. The layer
    hides nothing; it makes keys that differ little look as different as random ones.

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
        # bears what quantised weights add to a sum.
        bits = tf.cast(inputs, tf.float32)
        sums = tf.matmul(bits, tf.constant(self._matrix.T))
        return tf.cast(tf.cos(math.pi * sums), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape


def _mixing_matrix(length):
    """Returns the matrix of bits `(length, length)`, the same everywhere and for ever."""
    seed = f"tfwm key mixing {length}".encode()
    stream = hashlib.shake_256(seed).digest(math.ceil(2 * length**2 / 8))
    bits = np.unpackbits(np.frombuffer(stream, np.uint8))[: 2 * length**2]
    # Fast and exact: sums stay far below 2**24.
    lower, upper = bits.reshape(2, length, length).astype(np.float32)
    one = np.eye(length, dtype=np.float32)
    return (np.tril(lower, -1) + one) @ (np.triu(upper, 1) + one) % 2
