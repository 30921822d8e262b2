import functools

import keras
import numpy as np
import tensorflow as tf

from tfwm.attacks.composite import (
    CompositeAttack,
    check_size_is_kept,
    output_shape,
    run_attack,
)
from tfwm.checks import one_of
from tfwm.ops.random import split_seed, uniform


@keras.saving.register_keras_serializable(package="tfwm")
class RandomChoice(CompositeAttack):
    """Applies one attack of several, drawn anew at each call.

    The "roulette" of ReDMark (section 3.3). `"batch"` is the paper's way.

    | per | who shares an attack | cost |
    |---|---|---|
    | `"batch"` | the whole batch | one attack |
    | `"image"` | every image draws its own | all attacks on all images |
    | `"slice"` | runs of images, in proportion to the probabilities | about one attack |

    With `"slice"` each step trains against all attacks at the price of one; images
    must come in random order. What is left over when the shares are no whole
    numbers is drawn per image, so that each image meets each attack with its
    probability in any batch size.

    Args:
        attacks: list of attacks; any Keras layer that keeps the image's shape will do.
            Attacks that change the image's size need `per="batch"`.
        probabilities: one non-negative number per attack, normalised to sum 1; equal
            by default.
        per: `"batch"`, `"image"` or `"slice"`.
        seed: see `Attack`.

    Example:

    >>> attack = RandomChoice([Identity(), GaussianNoise(5 / 255)], [0.3, 0.7], seed=1)
    >>> attack(tf.ones((8, 32, 32, 1))).shape
    TensorShape([8, 32, 32, 1])
    """

    def __init__(self, attacks, probabilities=None, per="batch", seed=None, **kwargs):
        super().__init__(attacks, seed=seed, **kwargs)
        self.per = one_of("per", per, ("batch", "image", "slice"))
        if self.per != "batch":
            check_size_is_kept(f"RandomChoice(per={per!r})", self.attacks)
        self.probabilities = None if probabilities is None else [float(p) for p in probabilities]
        weights = np.ones(len(self.attacks)) if probabilities is None else np.asarray(probabilities)
        if weights.shape != (len(self.attacks),) or weights.min() < 0 or weights.sum() <= 0:
            raise ValueError(
                f"Expected {len(self.attacks)} non-negative numbers, one per attack, not all 0. "
                f"Received: probabilities={probabilities}"
            )
        self._weights_of_attacks = (weights / weights.sum()).astype(np.float64)

    def apply_share(self, image, seed, cover=None, share=None):
        run = functools.partial(run_attack, share=share)
        if self.per == "batch":
            return self._per_batch(run, image, seed, cover)
        if self.per == "image":
            weights = tf.constant(self._weights_of_attacks, tf.float32)
            return self._per_image(run, image, seed, cover, weights)
        return self._per_slice(run, image, seed, cover)

    def _per_batch(self, run, image, seed, cover):
        choice_seed, *seeds = split_seed(seed, len(self.attacks) + 1)
        weights = tf.constant(self._weights_of_attacks, tf.float32)
        choice = _draw(weights, choice_seed, 1)[0]
        branches = [
            lambda attack=attack, seed=seed: run(attack, image, seed, cover)
            for attack, seed in zip(self.attacks, seeds, strict=True)
        ]
        attacked = tf.switch_case(choice, branches)
        return tf.ensure_shape(attacked, self.compute_output_shape(image.shape))

    def _per_image(self, run, image, seed, cover, weights):
        choice_seed, *seeds = split_seed(seed, len(self.attacks) + 1)
        choice = _draw(weights, choice_seed, tf.shape(image)[0])[:, None, None, None]
        attacked = image
        for i, attack in enumerate(self.attacks):
            result = run(attack, image, seeds[i], cover)
            attacked = tf.where(choice == i, result, attacked)
        return attacked

    def _per_slice(self, run, image, seed, cover):
        rest_seed, *seeds = split_seed(seed, len(self.attacks) + 1)
        shares, left_over = self._shares(image.shape[0] or tf.shape(image)[0])
        parts, start = [], 0
        for attack, share, part_seed in zip(self.attacks, shares, seeds, strict=True):
            if not (isinstance(share, int) and share == 0):
                part = slice(start, start + share)
                part_cover = None if cover is None else cover[part]
                parts.append(run(attack, image[part], part_seed, part_cover))
            start = start + share
        if left_over is not None:
            rest_cover = None if cover is None else cover[start:]
            parts.append(self._per_image(run, image[start:], rest_seed, rest_cover, left_over))
        return tf.ensure_shape(tf.concat(parts, axis=0), image.shape)

    def _shares(self, batch_size):
        """Returns whole numbers of images and the weights of attacks for the rest, or None."""
        if isinstance(batch_size, int):
            exact = self._weights_of_attacks * batch_size
            shares = np.floor(exact + 1e-6).astype(int)
            rest = np.maximum(exact - shares, 0)
            left_over = batch_size - shares.sum()
            weights = tf.constant(rest / max(rest.sum(), 1e-9), tf.float32) if left_over else None
            return [int(share) for share in shares], weights
        exact = tf.constant(self._weights_of_attacks) * tf.cast(batch_size, tf.float64)
        shares = tf.floor(exact + 1e-6)
        rest = tf.maximum(exact - shares, 0)
        weights = tf.cast(tf.math.divide_no_nan(rest, tf.reduce_sum(rest)), tf.float32)
        return tf.unstack(tf.cast(shares, tf.int32)), weights

    def compute_output_shape(self, image_shape, cover_shape=None):
        shapes = [output_shape(attack, image_shape) for attack in self.attacks]
        return tuple(
            sizes[0] if len(set(sizes)) == 1 else None for sizes in zip(*shapes, strict=True)
        )

    def get_config(self):
        return {**super().get_config(), "probabilities": self.probabilities, "per": self.per}


def _draw(weights, seed, num):
    """Draws `num` indices with the probabilities `weights`."""
    number = uniform((num, 1), seed)
    return tf.reduce_sum(tf.cast(number >= tf.cumsum(weights)[:-1], tf.int32), axis=-1)
