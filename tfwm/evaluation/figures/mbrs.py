"""The figures of the MBRS paper, and its Table 3 as a figure; see `figures.redmark`."""

import numpy as np

from tfwm.checks import by_name
from tfwm.distortions import distort
from tfwm.evaluation.bits.curves import ber_curves
from tfwm.evaluation.bits.gallery import mark_one
from tfwm.evaluation.bits.protocol import Protocol
from tfwm.evaluation.suites.loading import load_suite
from tfwm.evaluation.suites.photos import Photos
from tfwm.evaluation.suites.run import evaluate
from tfwm.images.drawing import new_figure, save_figure
from tfwm.images.quality import psnr, ssim

NUM_PHOTOS = 2
SIDE = 2.4  # inches


def table_3(networks, images, output):
    """Bit error rate against PSNR at the strengths of Table 3, a curve for each JPEG quality."""
    suite = load_suite("mbrs-table3")
    rows = evaluate(networks, images, suite)
    return save_figure(ber_curves(rows, suite), output, "mbrs-table3")


def figure_4(networks, images, output):
    """Cover, marked, |residual| and the same normalized, of two photos for each network.

    Strength 1; beside it PSNR, SSIM and the bit error rate after JPEG of the quality 50.
    """
    networks, suite = by_name(networks, "network"), load_suite("mbrs")
    photos = _usable(images, suite)
    figure = new_figure(4.2 * SIDE, 1.16 * SIDE * len(networks) * len(photos))
    axes = figure.subplots(len(networks) * len(photos), 4, squeeze=False)
    lines = [(name, photo) for name in networks for photo in photos]
    for row, (name, photo) in zip(axes, lines, strict=True):
        cover, marked, _, read = mark_one(networks[name], photo, suite, 1.0)
        residual = np.abs(marked.astype(np.float64) - cover)
        ber = read(distort("jpeg", marked, 50))
        quality = f"{psnr(cover, marked):.2f} dB, SSIM {ssim(cover, marked):.4f}"
        titles = (name, quality, "|residual|", f"normalized; JPEG 50: {100 * ber:.3g} % BER")
        shown = (cover, marked, residual.astype(np.uint8), normalized(residual))
        for axis, picture, title in zip(row, shown, titles, strict=True):
            axis.imshow(picture, interpolation="nearest")
            axis.set_title(title, fontsize=8)
            axis.set_axis_off()
    return save_figure(figure, output, "mbrs-fig4")


def figure_6(networks, images, output):
    """Where a single bit lies: |marked with zeros - marked with one 1|, normalized.

    Above each network's picture, the part of the pixels that change by more than a tenth of
    the greatest change.
    """
    networks, suite = by_name(networks, "network"), load_suite("mbrs")
    photo = _usable(images, suite)[0]
    figure = new_figure(1.4 * SIDE * (1 + len(networks)), 1.6 * SIDE)
    axes = figure.subplots(1, 1 + len(networks), squeeze=False)[0]
    for axis, (name, network) in zip(axes[1:], networks.items(), strict=True):
        protocol = Protocol(suite, network)
        cover = protocol.cover(photo, np.random.default_rng(0))
        change = footprint(protocol, cover)
        strongest = change.max(-1)
        part = np.mean(strongest > strongest.max() / 10)
        axis.imshow(normalized(change), interpolation="nearest")
        axis.set_title(f"{name}\n{100 * part:.3g} % of the pixels", fontsize=9)
    axes[0].imshow(cover)
    axes[0].set_title("cover", fontsize=9)
    for axis in axes:
        axis.set_axis_off()
    return save_figure(figure, output, "mbrs-fig6")


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
