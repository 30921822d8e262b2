"""Pictures for reports and figures: a marked photo, and distorted copies of it."""

import numpy as np

from tfwm.evaluation.bits.protocol import Protocol


def mark_one(network, image, suite, strength, placement="paper", seed=0):
    """Marks one photo with a random message, by a suite's protocol.

    Args:
        network: object with `embed` and `extract`.
        image: uint8 photo.
        suite: `BitSuite`.
        strength: number, or one for each plane.
        placement: `"paper"` or `"spread"`.
        seed: integer, for the message and a random crop.

    Returns:
        `(cover, marked, bits, read)`: uint8 images, the message, and a function from a
        distorted image to its bit error rate by majority vote.
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

    def read(image):
        return float(np.mean(where.vote(protocol.read([image]))[0] != bits))

    return cover, marked, bits, read


def gallery(network, image, columns, suite, strength, placement="paper", seed=0):
    """Distorts one marked photo in several ways.

    Args:
        network: object with `embed` and `extract`.
        image: uint8 photo.
        columns: list of `(Distortion, level)`.
        suite: `BitSuite`.
        strength: number, or one for each plane.
        placement: `"paper"` or `"spread"`.
        seed: integer, for message and noise.

    Returns:
        List of `(Distortion, level, distorted image, bit error rate)`.
    """
    cover, marked, _, read = mark_one(network, image, suite, strength, placement, seed)
    shown = []
    for number, (distortion, level) in enumerate(columns):
        copy = distortion.apply(marked, level, (seed, number), cover)
        shown.append((distortion, level, copy, read(copy)))
    return shown
