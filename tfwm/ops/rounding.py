"""Rounding and clipping whose gradients do not vanish."""

import tensorflow as tf


def straight_through(forward, backward):
    """Returns the values of `forward` with the gradient of `backward`.

    Example:

    >>> x = tf.Variable(0.7)
    >>> with tf.GradientTape() as tape:
    ...     y = straight_through(tf.round(x), x)
    >>> float(y), float(tape.gradient(y, x))
    (1.0, 1.0)
    """
    return backward + tf.stop_gradient(forward - backward)


def straight_through_clip(x, low=0.0, high=1.0):
    """Clips to `[low, high]`; the gradient is 1, also outside the range."""
    return straight_through(tf.clip_by_value(x, low, high), x)


def cubic_round(x):
    """Returns `round(x) + (x - round(x))^3`, a smooth step function.

    It differs from rounding by at most 1/8, and its gradient is `3 (x - round(x))^2`.

    Reference:
        Shin and Song, "JPEG-resistant adversarial images", NIPS workshop 2017.
    """
    nearest = tf.stop_gradient(tf.round(x))
    return nearest + (x - nearest) ** 3


def cubic_round_at_zero(x):
    """Returns `x^3` where `|x| < 0.5`, and `x` elsewhere.

    Of rounding, only the loss of small values remains. The gradient is `3 x^2` or 1.

    Reference:
        Tancik et al., "StegaStamp", CVPR 2020; MBRS calls it JPEG-SS.
    """
    return tf.where(tf.abs(x) < 0.5, x**3, x)
