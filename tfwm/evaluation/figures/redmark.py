"""The figures of ReDMark, drawn from any networks and photos.

Each function takes a dict of networks by name and photos (folder, list of uint8 arrays, or
`Photos`; Figures 9 and 10 need none), and returns a figure.
"""

import numpy as np
from scipy.fft import dctn

from tfwm.evaluation.bits.protocol import Protocol, gallery, mark_one
from tfwm.evaluation.bits.suite import BitSuite, same_network
from tfwm.evaluation.suite import Distortion
from tfwm.evaluation.suites.photos import Photos
from tfwm.images.drawing import COLORS, new_figure, picture_figure
from tfwm.images.pictures import amplify
from tfwm.images.quality import psnr, ssim

FIGURE_6_STRENGTHS = (0.2, 0.4, 0.6, 0.8, 1.0)
FIGURE_7_STRENGTHS = (0.2, 0.4, 0.6)
FIGURE_7_BITS = 128
FIGURE_8_STRENGTH = 0.6
# Distortions and the paper's bit error rates, in percent.
FIGURE_8 = (
    (Distortion("salt_and_pepper", [0.1], "Salt and pepper", percent=True), 8.8),
    (Distortion("cropping", [0.3], "Cropping", percent=True), 18.5),
    (Distortion("resizing", [0.5], "Resizing"), 18.1),
    (Distortion("gaussian_blur", [1.6], "Gaussian blur, sigma"), 36.3),
    (Distortion("gaussian_noise", [25], "Gaussian noise, sigma"), 26.0),
    (Distortion("pattern_elimination", [16], "Pattern elimination, lines"), 18.0),
    (Distortion("grid_crop", [0.3], "Grid crop", percent=True), 13.4),
    (Distortion("sharpening", [10], "Sharpening, radius"), 3.5),
    (Distortion("median_filter", [3], "Median, window"), 10.3),
)


def figure_6(networks, images):
    """Box plots of PSNR and SSIM against strength, a row for each network."""
    photos = Photos.of(images)
    figure = new_figure(8.5, 2.7 * len(networks))
    axes = figure.subplots(len(networks), 2, squeeze=False)
    for row, (name, network) in zip(axes, networks.items(), strict=True):
        protocol = Protocol(_suite(), network)
        usable = [photo for photo in photos.images if protocol.cover(photo) is not None]
        values = [[_quality(network, x, s) for x in usable] for s in FIGURE_6_STRENGTHS]
        for i, (axis, label) in enumerate(zip(row, ("PSNR, dB", "SSIM"), strict=True)):
            axis.boxplot(
                list(np.array(values)[..., i]),
                tick_labels=[f"{s:g}" for s in FIGURE_6_STRENGTHS],
                medianprops={"color": COLORS[1]},
                flierprops={"markersize": 3},
            )
            axis.set(xlabel="strength", ylabel=label, title=name)
            axis.grid(axis="y", alpha=0.3)
    return figure


def figure_7(networks, images):
    """Marked photo and difference x 10, a part enlarged, at strengths 0.2, 0.4 and 0.6."""
    image = Photos.of(images).images[0]
    lines = [
        [
            (f"{name}, strength {strength:g}", _figure_7_panel(network, image, strength))
            for name, network in networks.items()
        ]
        for strength in FIGURE_7_STRENGTHS
    ]
    height = 2.8 * image.shape[0] / image.shape[1] + 0.35
    return picture_figure(lines, 4.2, height, 10, interpolation=None)


def figure_8(networks, images):
    """Nine distortions of one marked photo, each with its bit error rate, strength 0.6.

    The network is the first whose name has the part "mt", else the first; the paper's own
    rate (MT-Net, Barbara) stands beside.
    """
    image = Photos.of(images).images[0]
    name = next((n for n in networks if same_network(n, "mt")), next(iter(networks)))
    columns = [(distortion, distortion.levels[0]) for distortion, _ in FIGURE_8]
    shown = gallery(networks[name], image, columns, _suite(), FIGURE_8_STRENGTH)
    pictures = []
    for (distortion, level, copy, ber), (_, paper) in zip(shown, FIGURE_8, strict=True):
        title = f"{distortion.label} {distortion.show(level)}"
        pictures.append((f"{title}\nBER {100 * ber:.1f} % (paper {paper:g} %)", copy))
    lines = [pictures[i : i + 3] for i in range(0, len(pictures), 3)]
    height = 3.4 * (image.shape[0] / image.shape[1] + 0.5 / 3)
    figure = picture_figure(lines, 3.5, height, 9, interpolation=None)
    figure.suptitle(f"{name}, strength {FIGURE_8_STRENGTH:g}")
    return figure


def figure_9(networks):
    """The pattern of a bit wraps around the borders of its patch.

    The paper draws the idea of the circular convolution; this shows what it does: the pattern
    of the bit (1, 1), the same patch repeated around itself (the frame is the patch), where
    what left it on one side comes back on the other, and the pattern of the corner bit
    (0, 0), which is the first one moved around by a block.
    """
    figure = new_figure(9.5, 3.3 * len(networks))
    axes = figure.subplots(len(networks), 3, squeeze=False)
    for row, (name, network) in zip(axes, networks.items(), strict=True):
        inner, corner = (diffusion_pattern(network, *place) for place in ((1, 1), (0, 0)))
        limit = max(np.abs(inner).max(), 1e-6)
        shown = (inner, np.tile(inner, (3, 3)), corner)
        titles = ("bit (1, 1)", "bit (1, 1), repeated", "bit (0, 0)")
        for axis, pattern, title in zip(row, shown, titles, strict=True):
            _draw_pattern(axis, pattern, limit, _block(network), f"{name}: {title}", 9)
        height, width = corner.shape
        frame = np.array([[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]]) + 1.0
        row[1].plot(frame[:, 1] * width - 0.5, frame[:, 0] * height - 0.5, "k", lw=1.5)
    return figure


def figure_10(networks):
    """Diffusion patterns of one bit, and their energy over the DCT frequencies."""
    figure = new_figure(3.6 * max(2, len(networks)), 6.4)
    axes = figure.subplots(2, len(networks), squeeze=False, height_ratios=(1.15, 1))
    for i, (name, network) in enumerate(networks.items()):
        pattern = diffusion_pattern(network, 1, 1)
        limit = max(np.abs(pattern).max(), 1e-6)
        drawn = _draw_pattern(axes[0, i], pattern, limit, _block(network), name, 10)
        figure.colorbar(drawn, ax=axes[0, i], fraction=0.045, label="gray levels")
        energy = spectral_energy(pattern, _block(network))
        axes[1, i].fill_between(np.arange(len(energy)), energy, alpha=0.25, color=COLORS[0], lw=0)
        axes[1, i].plot(energy, color=COLORS[0])
        axes[1, i].set(xlabel="DCT coefficient, zig-zag order", ylim=(0, None))
        axes[1, i].grid(alpha=0.3)
    axes[1, 0].set_ylabel("sum of |DCT| over the blocks")
    return figure


def diffusion_pattern(network, row, column):
    """What a single 1 among zeros changes in a constant patch of gray 128.

    Args:
        network: object with `embed`.
        row, column: the bit's block in the patch.

    Returns:
        `(H, W)` in gray levels: watermarked with the 1 minus watermarked with zeros only.
    """
    patch, block = tuple(getattr(network, "patch_shape", (32, 32))), _block(network)
    cover = np.full((2, *patch, 1), 128 / 255, np.float32)
    message = np.zeros((2, patch[0] // block[0], patch[1] // block[1], 1), np.float32)
    message[1, row, column] = 1
    zeros, one = np.asarray(network.embed(cover, message, 1.0), np.float64)[..., 0] * 255
    return one - zeros


def spectral_energy(pattern, block=(8, 8)):
    """Sum of the absolute DCT coefficients over all blocks, in zig-zag order.

    Args:
        pattern: `(H, W)`.
        block: sides of a block.

    Returns:
        float64 `(rows columns of a block,)`; the first is the mean (DC).

    Example:

    >>> energy = spectral_energy(np.ones((32, 32)))
    >>> float(energy[0].round()), float(energy[1:].max().round())
    (128.0, 0.0)
    """
    rows, columns = block
    height, width = pattern.shape
    blocks = pattern.reshape(height // rows, rows, width // columns, columns).transpose(0, 2, 1, 3)
    energy = np.abs(dctn(blocks, axes=(2, 3), norm="ortho")).sum((0, 1))
    return np.array([energy[y, x] for y, x in zigzag(rows, columns)])


def zigzag(rows, columns):
    """The places `(row, column)` of a block in JPEG's zig-zag order.

    Example:

    >>> zigzag(8, 8)[:4]
    [(0, 0), (0, 1), (1, 0), (2, 0)]
    """
    places = [(y, x) for y in range(rows) for x in range(columns)]
    return sorted(places, key=lambda p: (sum(p), p[0] if sum(p) % 2 else p[1]))


def _suite(redundancy=4):
    return BitSuite("figures", "Figures", [], redundancy=redundancy)


def _block(network):
    return tuple(getattr(network, "block_shape", (8, 8)))


def _quality(network, image, strength):
    cover, marked, _, _ = mark_one(network, image, _suite(), strength)
    return psnr(cover, marked), ssim(cover, marked)


def _figure_7_panel(network, image, strength):
    """Marked photo, beside it a detail of it and of its difference, enlarged."""
    protocol = Protocol(_suite(), network)
    patches = np.prod(np.array(image.shape[:2]) // protocol.patch)
    redundancy = max(1, patches * protocol.patch_cells**2 // FIGURE_7_BITS)
    cover, marked, _, _ = mark_one(network, image, _suite(redundancy), strength)
    half = cover.shape[0] // 2
    size = min(64, half)
    top, left = ((n - size) // 2 // 8 * 8 for n in cover.shape)
    detail = np.s_[top : top + size, left : left + size]
    scale = -(-half // size)
    enlarged = [
        np.kron(part[detail], np.ones((scale, scale), np.uint8))[:half, :half]
        for part in (marked, amplify(cover, marked))
    ]
    side = np.concatenate(enlarged, 0)
    main = marked[: side.shape[0]].copy()
    main[[top, top + size - 1], left : left + size] = 255
    main[top : top + size, [left, left + size - 1]] = 255
    gap = np.full((side.shape[0], 6), 255, np.uint8)
    return np.concatenate([main, gap, side], 1)


def _draw_pattern(axis, pattern, limit, block, title, size):
    """A pattern of gray levels up to `limit`, with lines between the blocks."""
    drawn = axis.imshow(pattern, cmap="RdBu_r", vmin=-limit, vmax=limit)
    axis.set_title(title, fontsize=size)
    axis.set_xticks(np.arange(0, pattern.shape[1], block[1]) - 0.5, [])
    axis.set_yticks(np.arange(0, pattern.shape[0], block[0]) - 0.5, [])
    axis.tick_params(length=0)
    axis.grid(color="k", alpha=0.15, lw=0.5)
    return drawn
