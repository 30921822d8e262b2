"""The figures of the MBRS paper, and its Table 3 as a figure; see `figures.redmark`."""

import itertools

import numpy as np

from tfwm.distortions import distort
from tfwm.evaluation.bits.curves import ber_curves
from tfwm.evaluation.bits.protocol import Protocol, mark_one
from tfwm.evaluation.suites.loading import load_suite
from tfwm.evaluation.suites.photos import Photos
from tfwm.evaluation.suites.run import evaluate
from tfwm.images.drawing import picture_figure
from tfwm.images.quality import psnr, ssim

NUM_PHOTOS = 2
SIDE = 2.4  # inches


def table_3(networks, images):
    """Bit error rate against PSNR at the strengths of Table 3, a curve for each JPEG quality."""
    suite = load_suite("mbrs-table3")
    return ber_curves(evaluate(networks, images, suite), suite)


def figure_4(networks, images):
    """Cover, marked, |residual| and the same normalized, of two photos for each network.

    Strength 1; beside it PSNR, SSIM and the bit error rate after JPEG of the quality 50.
    """
    suite, lines = load_suite("mbrs"), []
    for (name, network), photo in itertools.product(networks.items(), _usable(images, suite)):
        cover, marked, _, read = mark_one(network, photo, suite, 1.0)
        residual = np.abs(marked.astype(np.float64) - cover)
        ber = read(distort("jpeg", marked, 50))
        quality = f"{psnr(cover, marked):.2f} dB, SSIM {ssim(cover, marked):.4f}"
        line = [(name, cover), (quality, marked), ("|residual|", residual.astype(np.uint8))]
        error = f"normalized; JPEG 50: {100 * ber:.3g} % BER"
        lines.append([*line, (error, normalized(residual))])
    return picture_figure(lines, 1.05 * SIDE, 1.16 * SIDE)


def figure_6(networks, images):
    """Where a single bit lies: |marked with zeros - marked with one 1|, normalized.

    Above each network's picture, the part of the pixels that change by more than a tenth of
    the greatest change.
    """
    suite, line = load_suite("mbrs"), []
    photo = _usable(images, suite)[0]
    for name, network in networks.items():
        protocol = Protocol(suite, network)
        cover = protocol.cover(photo, np.random.default_rng(0))
        change = footprint(protocol, cover)
        strongest = change.max(-1)
        part = np.mean(strongest > strongest.max() / 10)
        line.append((f"{name}\n{100 * part:.3g} % of the pixels", normalized(change)))
    return picture_figure([[("cover", cover), *line]], 1.4 * SIDE, 1.6 * SIDE, 9)


def footprint(protocol, cover):
    """What one bit, in the middle of the message, changes in a color cover.

    Args:
        protocol: `Protocol` of a network, of a color suite.
        cover: uint8 `(H, W, 3)`.

    Returns:
        float `(H, W, 3)`, the absolute difference of the image marked with zeros only and the
        one with a single 1, before rounding, in [0, 1].
    """
    rows, columns = (n // b for n, b in zip(cover.shape[:2], protocol.block, strict=True))
    planes = np.zeros((2, protocol.planes, rows, columns))
    planes[1, protocol.bits // 2, rows // 2, columns // 2] = 1
    zeros, one = protocol.mark(cover, planes, 1.0).astype(np.float64)
    return np.abs(one - zeros)


def normalized(picture):
    """Stretches a picture from its least to its greatest sample to 0..255, uint8.

    Example:

    >>> normalized(np.array([[1.0, 2.0, 3.0]])).tolist()
    [[0, 128, 255]]
    """
    low, high = picture.min(), picture.max()
    return np.rint(255 * (picture - low) / max(high - low, 1e-12)).astype(np.uint8)


def _usable(images, suite):
    """The first photos that are large enough."""
    photos = Photos.of(images, suite.color).images
    large = [p for p in photos if all(n >= s for n, s in zip(p.shape, suite.size, strict=False))]
    if not large:
        raise ValueError(
            f"Expected photos of at least {suite.size[1]} x {suite.size[0]} pixels. Received: "
            f"{len(photos)} smaller ones"
        )
    return large[:NUM_PHOTOS]
