"""Attacks made of attacks: one after the other, one of several, growing from nothing."""

import functools

import keras
import numpy as np
import tensorflow as tf

from tfwm.attacks.base import Attack, Twin, is_left_out
from tfwm.checks import one_of
from tfwm.layers.base import add_number
from tfwm.ops.random import split_seed, uniform

__all__ = ["Chain", "Identity", "Ramp", "RandomChoice"]


@keras.saving.register_keras_serializable(package="tfwm")
class Identity(Attack):
    """Leaves the image unchanged: "no attack" in a `RandomChoice`.

    Example:

    >>> Identity()(tf.zeros((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    twins = (Twin("identity"),)

    def apply(self, image, seed, cover=None):
        return image


class CompositeAttack(Attack):
    """Base of the attacks that are made of attacks. Not public.

    Seeds and counters advance outside of any branch, so that branches are pure functions,
    which XLA and `tf.distribute` need.
    """

    moves = True

    def __init__(self, attacks, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        attacks = list(attacks)
        if not attacks or not all(isinstance(attack, keras.Layer) for attack in attacks):
            raise ValueError(
                "Expected a list of at least one Keras layer, such as [Identity(), JPEG(50)]. "
                f"Received: attacks={attacks}"
            )
        self.attacks = attacks

    def build(self, image_shape, cover_shape=None):
        for attack in self.attacks:
            if not attack.built:
                attack.build(image_shape)
        self.built = True

    def apply(self, image, seed, cover=None):
        return self.apply_share(image, seed, cover, None)

    def advance(self):
        for attack in self.attacks:
            if isinstance(attack, Attack):
                attack.advance()


def output_shape(attack, image_shape):
    """Returns the shape of an attack's result; other Keras layers must keep the shape."""
    shape = attack.compute_output_shape(image_shape) if isinstance(attack, Attack) else image_shape
    return tuple(shape)


def check_size_is_kept(owner, attacks):
    """Raises ValueError if one of the attacks changes the size of images."""
    probe = (1, 64, 64, 3)
    for attack in attacks:
        if output_shape(attack, probe) != probe:
            raise ValueError(
                f"{owner} needs attacks that keep the size of images; put attacks that change it "
                f"into a Chain or RandomChoice(per='batch'). Received: {attack!r}"
            )


def run_attack(attack, image, seed, cover, share=None):
    """Calls an attack, or any other Keras layer, on float32 images.

    With a `share`, the attack has that share of its strength; see `Attack.apply_share`.
    """
    if is_left_out(attack):
        return image
    if isinstance(attack, Attack):
        if share is None:
            return attack.apply(image, seed, cover)
        return attack.apply_share(image, seed, cover, share)
    attacked = keras.ops.cast(attack(image), image.dtype)
    return attacked if share is None else image + share * (attacked - image)


@keras.saving.register_keras_serializable(package="tfwm")
class Chain(CompositeAttack):
    """Applies several attacks one after the other.

    An attack that puts the cover back must come before one that changes the size of images.

    Args:
        attacks: list of attacks, in the order in which they are applied; other Keras layers
            are allowed.
        seed: see `Attack`.

    Example:

    >>> attack = Chain([GaussianBlur(1.0), GaussianNoise(0.01)], seed=1)
    >>> attack(tf.ones((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    twins = (Twin(differs="it is made of other attacks"),)

    def apply_share(self, image, seed, cover=None, share=None):
        for attack, own_seed in zip(self.attacks, split_seed(seed, len(self.attacks)), strict=True):
            image = run_attack(attack, image, own_seed, cover, share)
        return image

    def compute_output_shape(self, image_shape, cover_shape=None):
        for attack in self.attacks:
            image_shape = output_shape(attack, image_shape)
        return image_shape


@keras.saving.register_keras_serializable(package="tfwm")
class RandomChoice(CompositeAttack):
    """Applies one of several attacks, drawn again in each call.

    The "roulette" of ReDMark (section 3.3), which uses `"batch"`.

    | per | what shares an attack | cost |
    |---|---|---|
    | `"batch"` | the whole batch | one attack |
    | `"image"` | every image draws its own | all attacks on all images |
    | `"slice"` | runs of images, in proportion to the probabilities | about one attack |

    With `"slice"` each step trains against all attacks at the price of one; the images
    must be in random order. If the shares are not whole numbers of images, the remaining
    images draw their own attacks, so that each image meets each attack with its
    probability for any batch size.

    Args:
        attacks: list of attacks, or of Keras layers that keep the image's shape.
            Attacks that change the image's size need `per="batch"`.
        probabilities: one non-negative number per attack, normalized to sum 1; equal
            by default.
        per: `"batch"`, `"image"` or `"slice"`.
        seed: see `Attack`.

    Example:

    >>> attack = RandomChoice([Identity(), GaussianNoise(5 / 255)], [0.3, 0.7], seed=1)
    >>> attack(tf.ones((8, 32, 32, 1))).shape
    TensorShape([8, 32, 32, 1])
    """

    twins = (Twin(differs="it is made of other attacks"),)

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


def _draw(weights, seed, num):
    """Draws `num` indices with the probabilities `weights`."""
    number = uniform((num, 1), seed)
    return tf.reduce_sum(tf.cast(number >= tf.cumsum(weights)[:-1], tf.int32), axis=-1)


@keras.saving.register_keras_serializable(package="tfwm")
class Ramp(Attack):
    """Increases the strength of an attack from nothing over a number of calls.

    In call number `n`, counted from 0, the attack has the share `s = (n - start) / steps`, from 0
    to 1, of its strength. The result is `image + s * (attacked - image)`, for any attack.
    `Affine`, `GaussianNoise`, `JPEG`, `PerspectiveWarp` and `RandomResizedCrop` scale their
    drawn parameters by `s` instead, since a mixture of an image and a warped one is a double
    image. A ramp of a `Chain` or `RandomChoice` acts on each attack in it.

    StegaStamp trains like this, over 1,000 steps, or 10,000 for the warp. The number of calls
    is a weight: it is saved, and continues when a training is resumed. Calls with
    `training=False` are not counted.

    Args:
        attack: an attack or another Keras layer.
        steps: number of calls in which the attack comes to its full strength.
        start: number of calls before it begins.
        seed: see `Attack`.

    Example:

    >>> attack = Ramp(GaussianNoise(0.02), steps=1000)
    >>> attack(tf.ones((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    moves = True
    twins = (Twin(differs="it is made of other attacks"),)

    def __init__(self, attack, steps, start=0, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        if not isinstance(attack, keras.Layer):
            raise ValueError(f"Expected a Keras layer. Received: attack={attack!r}")
        if int(steps) < 1:
            raise ValueError(f"Expected a positive number of calls. Received: steps={steps}")
        if int(start) < 0:
            raise ValueError(f"Expected a start of at least 0. Received: start={start}")
        check_size_is_kept("Ramp", [attack])
        self.attack = attack
        self.steps = int(steps)
        self.start = int(start)

    def build(self, image_shape, cover_shape=None):
        if not self.attack.built:
            self.attack.build(image_shape)
        self.step = add_number(self, "step")
        self.built = True

    def advance(self):
        self.step.assign_add(1.0)
        if isinstance(self.attack, Attack):
            self.attack.advance()

    def apply(self, image, seed, cover=None):
        return self.apply_share(image, seed, cover)

    def apply_share(self, image, seed, cover=None, share=1.0):
        # `advance` has already counted this call.
        own = tf.clip_by_value((self.step - 1 - self.start) / self.steps, 0, 1)
        return run_attack(self.attack, image, seed, cover, own * share)
