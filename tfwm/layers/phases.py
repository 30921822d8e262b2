"""Random all-pass filters in training, as keys give them to marks (`tfwm.payload.phases`)."""

import keras
import numpy as np
import tensorflow as tf

from tfwm.layers.seeded import SeededLayer
from tfwm.ops.random import uniform
from tfwm.payload.phases import CONTRAST, DEVIATION, lags, surround


@keras.saving.register_keras_serializable(package="tfwm")
class RandomPhases(SeededLayer):
    """Draws a filter for each image, as a random key would.

    `apply` shows images as the networks see them, `undo` turns the networks' change into that of
    the photo, with the filters that `call` drew.

    Args:
        reach: radius in pixels, see `tfwm.payload.phases.PhaseFilter`.
        deviation: of the phase in radians. Filters of less reach and deviation than those of keys
            fit small crops, and teach networks as well.
        seed: integer that makes the filters repeatable.

    Input shape:
        `(batch, height, width, channels)`, sides of `2 * reach * deviation` pixels or more.

    Output shape:
        `(batch, rows, columns)` complex64: the filters at the frequencies of the images with what
        is mirrored around them.

    Example:

    >>> images = np.random.default_rng(0).random((2, 64, 64, 1), np.float32)
    >>> layer = RandomPhases(6, 2.0, seed=1)
    >>> filters = layer(images)
    >>> tuple(filters.shape), tuple(layer.apply(images, filters).shape)
    ((2, 112, 57), (2, 64, 64, 1))
    """

    def __init__(self, reach, deviation=DEVIATION, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.reach, self.deviation = reach, deviation
        self._around = surround(reach, deviation)

    def call(self, inputs):
        shape = tf.shape(inputs)
        numbers = uniform((shape[0], len(lags(self.reach))), self.next_seed(), -1.0, 1.0)
        return self.responses(numbers, shape[1], shape[2])

    def responses(self, numbers, height, width):
        """Returns the filters of images of these sides for numbers `(batch, n)` of any size."""
        height, width = height + 2 * self._around, width + 2 * self._around
        numbers *= self.deviation * np.sqrt(2.0) / tf.norm(numbers, axis=1, keepdims=True)
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
        return (batch, height + 2 * self._around, width // 2 + self._around + 1)

    def apply(self, images, filters):
        """Returns images as the networks see them: filtered, at half of their contrast."""
        return 0.5 + CONTRAST * (self._filtered(images, filters, "SYMMETRIC") - 0.5)

    def undo(self, changes, filters):
        """Returns the change of the photo that changes what the networks see so."""
        return self._filtered(changes, tf.math.conj(filters), "CONSTANT") / CONTRAST

    def _filtered(self, images, filters, edges):
        n = self._around
        planes = tf.transpose(tf.pad(images, [[0, 0], [n, n], [n, n], [0, 0]], edges), (0, 3, 1, 2))
        spectra = tf.signal.rfft2d(planes) * filters[:, None]
        filtered = tf.transpose(tf.signal.irfft2d(spectra, tf.shape(planes)[-2:]), (0, 2, 3, 1))
        shape = tf.shape(images)
        return filtered[:, n : n + shape[1], n : n + shape[2]]
