"""Pictures for reports and figures: what a network does to a photo, and attacks to both."""

import base64
import io

import numpy as np
from PIL import Image

from tfwm.evaluation.distortions import distort
from tfwm.evaluation.protocol import Protocol


def amplify(cover, marked, factor=10):
    """Returns the absolute difference of two uint8 images, multiplied and clipped.

    Example:

    >>> cover = np.full((8, 8), 100, np.uint8)
    >>> int(amplify(cover, cover + np.uint8(3)).max())
    30
    """
    difference = np.abs(cover.astype(np.int32) - marked) * factor
    return np.minimum(difference, 255).astype(np.uint8)


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


def data_uri(image, width=None):
    """Returns a uint8 image as the `data:` address of a PNG, scaled down to a width."""
    picture = Image.fromarray(image)
    if width is not None and picture.width > width:
        size = width, round(picture.height * width / picture.width)
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
