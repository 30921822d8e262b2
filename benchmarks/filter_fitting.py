"""Somebody without the key who looks for its filter: behind it, the marks of one key repeat."""

import functools

import keras
import numpy as np
import tensorflow as tf

from tfwm.layers import RandomPhases
from tfwm.networks.keras_files import read_keras_models
from tfwm.networks.places import network_directory
from tfwm.payload.phases import PhaseFilter, lags, scaled, surround

# Filters that are drawn, of which the best is fitted; photos of a step, and their largest side.
DRAWN, BATCH, SIDE = 96, 2, 512
RATE = 0.05


@functools.cache
def extractor_of(name):
    """Returns the Keras extractor of a network."""
    return read_keras_models(network_directory(name))[1]


def filtered_extractor(attacker):
    """Returns the differentiable function from photos to what an attacker's network reads."""
    extractor, chosen = extractor_of(attacker.network.name), attacker.phase_filter
    if chosen is None:
        return extractor
    reach = attacker.public.phases
    layer, around = RandomPhases(reach), 2 * surround(reach)

    def read(images):
        response = chosen.response(*(side + around for side in images.shape[1:3]))
        return extractor(layer.apply(images, tf.constant(response)[None]))

    return read


class Fitting:
    """A search for the filter behind which the cells of marked photos of one key repeat most.

    Args:
        attacker: `attacker.Attacker`, whose network is public.
        photos: marked `Photo`s of one key.
    """

    def __init__(self, attacker, photos):
        self._side, self._period = attacker.tiling.shape[0], attacker.period
        self._extractor = extractor_of(attacker.network.name)
        self._layer = RandomPhases(attacker.public.phases)
        planes = [attacker.plane(photo) for photo in photos]
        self._sides = [
            min(SIDE, *(p.shape[axis] for p in planes)) // self._period * self._period
            for axis in (0, 1)
        ]
        self._planes = np.stack([plane[: self._sides[0], : self._sides[1]] for plane in planes])

    def run(self, steps=400, seed=0):
        """Improves the best of many drawn filters by Adam.

        Returns:
            `(phase_filter, agreement)`: a `PhaseFilter`, and how far the tiles agree at the end.
        """
        rng = np.random.default_rng(seed)
        count = len(lags(self._layer.reach))
        drawn = tf.constant(rng.uniform(-1, 1, (DRAWN, count)), tf.float32)
        first = tf.constant(self._planes[:BATCH])
        found = np.array([float(self._agreement(numbers, first)) for numbers in drawn])
        numbers = tf.Variable(drawn[int(found.argmax())])
        optimizer = keras.optimizers.Adam(RATE)
        for _ in range(steps):
            chosen = rng.permutation(len(self._planes))[:BATCH]
            with tf.GradientTape() as tape:
                loss = -self._agreement(numbers, tf.constant(self._planes[chosen]))
            optimizer.apply([tape.gradient(loss, numbers)], [numbers])
        fitted = scaled(numbers.numpy().astype(np.float64))
        return PhaseFilter(fitted, self._layer.reach), -float(loss)

    @tf.function
    def _agreement(self, numbers, images):
        """The mean over slots of the products of what different tiles read there."""
        response = self._layer.responses(numbers[None], *self._sides)
        logits = tf.tanh(self._extractor(self._layer.apply(images, response)))
        rows, columns = (n // self._period for n in self._sides)
        tiles = tf.reshape(logits, (-1, rows, self._side, columns, self._side))
        tiles = tf.reshape(tf.transpose(tiles, (0, 1, 3, 2, 4)), (-1, self._side**2))
        count = tf.cast(tf.shape(tiles)[0], tf.float32)
        total, own = tf.reduce_sum(tiles, 0) ** 2, tf.reduce_sum(tiles**2, 0)
        return tf.reduce_mean(total - own) / (count * (count - 1))
