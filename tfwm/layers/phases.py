"""Random all-pass filters in training, as keys give them to marks (`tfwm.payload.phases`)."""

import keras
import numpy as np
import tensorflow as tf

from tfwm.layers.seeded import SeededLayer
from tfwm.ops.random import uniform
from tfwm.payload.phases import CONTRAST, DEVIATION, SURROUND, lags


@keras.saving.register_keras_serializable(package="tfwm")
class RandomPhases(SeededLayer):
    """Draws a filter for each image, as a random key would.

    `apply` shows images as the networks see them, `undo` turns the networks' change into that of
    the photo, with the filters that `call` drew.

    Args:
        reach: radius in pixels, see `tfwm.payload.phases.PhaseFilter`.
        seed: integer that makes the filters repeatable.

    Input shape:
        `(batch, height, width, channels)`, at least 24 pixels a side.

    Output shape:
        `(batch, height + 48, width / 2 + 25)` complex64: the filters at the frequencies of the
        images and what is mirrored around them.

    Example:

    >>> images = np.random.default_rng(0).random((2, 64, 64, 1), np.float32)
    >>> layer = RandomPhases(6, seed=1)
    >>> filters = layer(images)
    >>> tuple(filters.shape), tuple(layer.apply(images, filters).shape)
    ((2, 112, 57), (2, 64, 64, 1))
    """

    def __init__(self, reach, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.reach = reach

    def call(self, inputs):
        shape = tf.shape(inputs)
        numbers = uniform((shape[0], len(lags(self.reach))), self.next_seed(), -1.0, 1.0)
        return self.responses(numbers, shape[1] + 2 * SURROUND, shape[2] + 2 * SURROUND)

    def responses(self, numbers, height, width):
        """Returns the filters of images of these sides for numbers `(batch, n)` of any size."""
        numbers *= DEVIATION * np.sqrt(2.0) / tf.norm(numbers, axis=1, keepdims=True)
        # The angle of each lag at each frequency.
        rows, columns = (
            np.float32(2 * np.pi) * lag.astype(np.float32) for lag in lags(self.reach).T
        )
        down = tf.cast(tf.range(height), tf.float32) / tf.cast(height, tf.float32)
        across = tf.cast(tf.range(width // 2 + 1), tf.float32) / tf.cast(width, tf.float32)
        angles = down[:, None, None] * rows + across[None, :, None] * columns
        phases = tf.einsum("bn,hwn->bhw", numbers, tf.sin(angles))
        return tf.complex(tf.cos(phases), tf.sin(phases))

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return (batch, height + 2 * SURROUND, width // 2 + SURROUND + 1)

    def apply(self, images, filters):
        """Returns images as the networks see them: filtered, at half of their contrast."""
        return 0.5 + CONTRAST * (_filtered(images, filters, "SYMMETRIC") - 0.5)

    def undo(self, changes, filters):
        """Returns the change of the photo that changes what the networks see so."""
        return _filtered(changes, tf.math.conj(filters), "CONSTANT") / CONTRAST


def _filtered(images, filters, edges):
    around = [[0, 0], [SURROUND, SURROUND], [SURROUND, SURROUND], [0, 0]]
    planes = tf.transpose(tf.pad(images, around, edges), (0, 3, 1, 2))
    spectra = tf.signal.rfft2d(planes) * filters[:, None]
    filtered = tf.transpose(tf.signal.irfft2d(spectra, tf.shape(planes)[-2:]), (0, 2, 3, 1))
    return filtered[:, SURROUND:-SURROUND, SURROUND:-SURROUND]
