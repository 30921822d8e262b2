"""The figures of CropDefender, which is StegaStamp made to survive cropping.

Figures 1 to 3 are bit accuracies of networks, see `figures.redmark`. `match` compares networks at
one image quality, see `tfwm.evaluation.evaluate`; else the strength is 1.

Figures 4 to 6 are of training. They take the folders that a recipe wrote, one for each seed and
setting. Thin lines are the runs, thick ones their mean over the seeds of one setting. Values are
means over epochs.
"""

from itertools import cycle

import numpy as np

from tfwm.evaluation.runs import TrainingRun
from tfwm.evaluation.suites.loading import load_suite
from tfwm.evaluation.suites.photos import Photos
from tfwm.evaluation.suites.run import evaluate
from tfwm.images.drawing import COLORS, new_figure

PIXELS = 400  # a side of the paper's images
BINS = np.linspace(40, 100, 25)
NORMALIZATIONS = {"none": "no normalization", "batch": "batch", "instance": "instance"}
LEARNED = 90.0  # bit accuracy, %, at which a run has learned the message
LEAST = 1e-12  # stands for 0 on a logarithmic axis


def figure_1(networks, images, match=None):
    """Bit accuracy against the factors of brightness, contrast and saturation."""
    return _curves(networks, images, "stegastamp-fig1", match, unchanged=1)


def figure_2(networks, images, match=None):
    """Histograms of the photos' bit accuracies after changes of style, a row for each network."""
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
    return figure


def figure_3(networks, images, match=None):
    """Bit accuracy against the width that is cut off, or framed black, at every edge."""
    axis = {"unchanged": 0, "scale": PIXELS, "unit": "pixels of 400"}
    return _curves(networks, images, "stegastamp-fig3", match, **axis)


def figure_4(folders):
    """Bit accuracy at the PSNR that is wanted, and the PSNR in training, by kind of normalization.

    The paper has the cross-entropy in place of the PSNR.
    """
    groups = {}
    for label, runs in _groups(folders, _normalization).items():
        learned = sum(_accuracy(run).max() >= LEARNED for run in runs)
        groups[f"{label}: {learned} of {len(runs)} seeds learn"] = runs
    figure, (left, right) = _panels(groups, _accuracy, lambda run: run.column("watermarked_psnr"))
    left.axhline(50, color="k", lw=0.8, ls=":")
    left.set_ylabel("bit accuracy, %")
    right.set_ylabel("PSNR in training, dB")
    return figure


def figure_5(folders):
    """Mean |gradient| of the encoder's dense layer and of the decoder's first convolution."""
    names = ("gradient_embedder", "gradient_extractor")
    values = [lambda run, name=name: np.maximum(run.column(name), LEAST) for name in names]
    figure, axes = _panels(_groups(folders, _normalization), *values)
    titles = ("encoder: dense layer", "decoder: first convolution")
    for axis, title in zip(axes, titles, strict=True):
        axis.set(yscale="log", ylabel="mean |gradient|", title=title)
    return figure


def figure_6(folders):
    """Ratio of the image losses' weights to the message's, for ramps and for learned weights."""
    losses = ("image", "perceptual")
    values = [lambda run, loss=loss: _ratio(run, loss) for loss in losses]
    figure, axes = _panels(_groups(folders, lambda run: str(run.setting("balance"))), *values)
    for axis, loss in zip(axes, losses, strict=True):
        axis.set_ylabel(f"weight of the {loss} loss / of the message")
    return figure


def mean_curve(runs, value):
    """Mean of a measure over runs, at each step that one of them has.

    Args:
        runs: list of `TrainingRun`.
        value: function from a run to an array, one value for each epoch.

    Returns:
        Steps and means, two arrays; at a step, of the runs that got there.
    """
    sums = {}
    for run in runs:
        for step, number in zip(run.steps, value(run), strict=True):
            if np.isfinite(number):
                sums.setdefault(int(step), []).append(number)
    steps = sorted(sums)
    return np.array(steps), np.array([np.mean(sums[step]) for step in steps])


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
        for color, name in zip(cycle(COLORS), names, strict=False):
            mine = [row for row in rows if row["network"] == name]
            points = {unchanged: next(r["ber"] for r in mine if r["attack"] == "identity")}
            mine = [row for row in mine if row["attack"] == distortion.name]
            points |= {row["level"]: row["ber"] for row in mine}
            style = {"color": color, "ls": "-", "marker": "o", "ms": 3}
            _line(axis, points, scale, label=name, **style)
            paper = {r["level"]: r["paper_ber"] for r in mine if r["paper_ber"] is not None}
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


def _groups(folders, label):
    """`{label: runs}`, in the order in which the folders are given."""
    groups = {}
    for run in map(TrainingRun.load, folders):
        groups.setdefault(label(run), []).append(run)
    if not groups:
        raise ValueError("Expected at least one folder of a training run. Received: none")
    return groups


def _panels(groups, *values):
    """A figure with a panel for each of `values`, functions from a run to a curve; its axes."""
    figure = new_figure(10, 4)
    axes = figure.subplots(1, len(values))
    for axis, value in zip(axes, values, strict=True):
        for color, (label, runs) in zip(cycle(COLORS), groups.items(), strict=False):
            for run in runs:
                axis.plot(run.steps, value(run), color=color, lw=0.8, alpha=0.4)
            axis.plot(*mean_curve(runs, value), color=color, lw=2, label=label)
        axis.set_xlabel("step")
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=8)
    return figure, axes


def _normalization(run):
    if run.setting("balance") == "ramped":
        return "StegaStamp as it was"
    kind = run.setting("normalization") or "none"
    label = NORMALIZATIONS.get(kind, str(kind))
    # Without any, there is no last one to leave out.
    without = kind != "none" and not run.setting("last_normalization")
    return f"{label} without the decoder's last" if without else label


def _accuracy(run):
    """In validation if there is one, which in these recipes is without attacks."""
    validation = "val_logits_bit_error_rate"
    name = validation if validation in run.log else validation.removeprefix("val_")
    return 100 * (1 - run.column(name))


def _ratio(run, loss):
    message = run.column("weight_message")
    return np.divide(
        run.column(f"weight_{loss}"), message, out=np.full_like(message, np.nan), where=message != 0
    )
