"""Figures 1 to 3 of CropDefender (StegaStamp made to survive cropping): bit accuracies.

See `figures.redmark`; Figures 4 to 6 are of training, `tfwm.evaluation.figures.training`.
`match` compares networks at one image quality, see `tfwm.evaluation.evaluate`; else strength is 1.
"""

import numpy as np

from tfwm.checks import by_name
from tfwm.evaluation.suites.loading import load_suite
from tfwm.evaluation.suites.photos import Photos
from tfwm.evaluation.suites.run import evaluate
from tfwm.images.drawing import COLORS, new_figure, save_figure

PIXELS = 400  # a side of the paper's images
BINS = np.linspace(40, 100, 25)


def figure_1(networks, images, output, match=None):
    """Bit accuracy against the factors of brightness, contrast and saturation."""
    figure = _curves(networks, images, "stegastamp-fig1", match, unchanged=1)
    return save_figure(figure, output, "stegastamp-fig1")


def figure_2(networks, images, output, match=None):
    """Histograms of the photos' bit accuracies after changes of style, a row for each network."""
    networks = by_name(networks, "network")
    columns = _photo_accuracies(networks, images, load_suite("stegastamp-fig2"), match)
    styles = list(dict.fromkeys(style for _, style in columns))
    figure = new_figure(2.3 * len(styles), 0.6 + 2.6 * len(networks))
    axes = figure.subplots(len(networks), len(styles), squeeze=False, sharex=True, sharey=True)
    for row, name in zip(axes, networks, strict=True):
        for axis, style in zip(row, styles, strict=True):
            accuracy = columns[name, style]
            axis.hist(np.maximum(accuracy, BINS[0]), BINS, color=COLORS[0])
            mean, exact = np.mean(accuracy), 100 * np.mean(accuracy == 100)
            title = f"{style}\nmean {mean:.1f} %, all bits {exact:.0f} %"
            axis.set_title(title, fontsize=8)
            axis.grid(alpha=0.3)
        row[0].set_ylabel(f"{name}\nphotos")
    for axis in axes[-1]:
        axis.set_xlabel("bit accuracy, %")
    return save_figure(figure, output, "stegastamp-fig2")


def figure_3(networks, images, output, match=None):
    """Bit accuracy against the width that is cut off, or framed black, at every edge."""
    axis = {"unchanged": 0, "scale": PIXELS, "unit": "pixels of 400"}
    figure = _curves(networks, images, "stegastamp-fig3", match, **axis)
    return save_figure(figure, output, "stegastamp-fig3")


def _curves(networks, images, suite, match, unchanged, scale=1, unit="factor"):
    """A panel for each distortion, a curve for each network; crosses are the paper's numbers.

    The undistorted photo stands at the level `unchanged`.
    """
    suite = load_suite(suite)
    rows = evaluate(networks, images, suite, match)
    names = list(dict.fromkeys(row["network"] for row in rows))
    figure = new_figure(4.2 * len(suite.distortions), 4.2)
    axes = figure.subplots(1, len(suite.distortions), sharey=True)
    for axis, distortion in zip(axes, suite.distortions, strict=True):
        for i, name in enumerate(names):
            mine = [row for row in rows if row["network"] == name]
            points = {unchanged: next(r["ber"] for r in mine if r["attack"] == "identity")}
            points |= {r["level"]: r["ber"] for r in mine if r["attack"] == distortion.name}
            style = {"color": COLORS[i % len(COLORS)], "ls": "-", "marker": "o", "ms": 3}
            _line(axis, points, scale, label=name, **style)
            paper = {r["level"]: r["paper_ber"] for r in mine if r["attack"] == distortion.name}
            paper = {level: ber for level, ber in paper.items() if ber is not None}
            if paper:
                style |= {"ls": "", "marker": "x", "ms": 6}
                _line(axis, paper, scale, label=f"{name}, the paper's text", **style)
        axis.axhline(50, color="k", lw=0.8, ls=":")
        axis.set(xlabel=unit, title=distortion.label.split(",")[0])
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("bit accuracy, %")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8)
    return figure


def _line(axis, points, scale, **style):
    levels, errors = zip(*sorted(points.items()), strict=True)
    axis.plot(scale * np.array(levels), 100 * (1 - np.array(errors)), **style)


def _photo_accuracies(networks, images, suite, match):
    """`{(network, style): percentages}`, one for each photo."""
    photos = Photos.of(images, suite.color)
    suites = dict.fromkeys(networks, suite)
    if match is not None:
        rows = evaluate(networks, photos, suite.replace(distortions=[]), match)
        suites = {row["network"]: suite.replace(strengths=[row["strength"]]) for row in rows}
    columns = {}
    for name, network in networks.items():
        for number, photo in enumerate(photos.images):
            # Each photo by itself, since rows are means over photos; the seed gives its message.
            rows = evaluate({name: network}, [photo], suites[name], seed=number)
            for row in rows:
                style = f"{row['label']} {row['shown']}".strip()
                columns.setdefault((name, style), []).append(100 * (1 - row["ber"]))
    return {key: np.array(values) for key, values in columns.items()}
