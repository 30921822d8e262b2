"""Pictures for reports and figures: what a network does to a photo, and attacks to both."""

import numpy as np

from tfwm.distortions import distort
from tfwm.evaluation.bits.protocol import Protocol


def mark_one(network, image, suite, strength, placement="paper", seed=0):
    """Marks one photo with a random message, by a suite's protocol.

    Args:
        network: object with `embed` and `extract`.
        image: uint8 photo.
        suite: `Suite`.
        strength: number, or one for each plane.
        placement: `"paper"` or `"spread"`.
        seed: integer, for the message and a random crop.

    Returns:
        `(cover, marked, bits, read)`: uint8 images, the message, and a function from a
        damaged image to its bit error rate by majority vote.
    """
    protocol = Protocol(suite, network)
    cover = protocol.cover(image, np.random.default_rng(seed))
    if cover is None:
        raise ValueError(
            f"Expected a photo that holds a message. Received: {image.shape[1]} x {image.shape[0]} "
            "pixels; choose a larger one"
        )
    where = protocol.placement(placement, cover)
    bits = np.random.default_rng(seed).integers(0, 2, where.num_bits)
    marked = protocol.embed(cover, where.spread_out(bits)[None], strength)[0]

    def read(attacked):
        return float(np.mean(where.vote(protocol.read([attacked]))[0] != bits))

    return cover, marked, bits, read


def gallery(network, image, attacks, suite, strength, placement="paper", seed=0):
    """Damages one marked photo in several ways.

    Args:
        network: object with `embed` and `extract`.
        image: uint8 photo.
        attacks: list of `(Attack, level)`.
        suite: `Suite`.
        strength: number, or one for each plane.
        placement: `"paper"` or `"spread"`.
        seed: integer, for message and noise.

    Returns:
        List of `(Attack, level, attacked image, bit error rate)`.
    """
    cover, marked, _, read = mark_one(network, image, suite, strength, placement, seed)
    shown = []
    for i, (attack, level) in enumerate(attacks):
        generator = np.random.default_rng([seed, i])
        damaged = distort(attack.name, marked, level, generator, cover, **attack.options)
        shown.append((attack, level, damaged, read(damaged)))
    return shown
