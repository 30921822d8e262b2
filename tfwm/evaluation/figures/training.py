"""Figures 4 to 6 of CropDefender, which are of training: drawn from the folders of runs.

Each function takes the folders that a recipe wrote, one for each seed and setting, and a file
or folder to write to, and returns the path of the picture. Thin lines are the runs, thick ones
their mean over the seeds of one setting. Values are means over epochs.
"""

import math

import numpy as np

from tfwm.evaluation.figures.training_run import TrainingRun
from tfwm.images.drawing import COLORS, new_figure, save_figure

NORMALIZATIONS = {"none": "no normalization", "batch": "batch", "instance": "instance"}
LEARNED = 95.0  # bit accuracy, %, at which a run has left chance
LEAST = 1e-12  # stands for 0 on a logarithmic axis


def figure_4(folders, output):
    """Bit accuracy and cross-entropy over the steps, for each kind of normalization."""
    groups = _groups(folders, _normalization)
    figure = new_figure(10, 4)
    left, right = figure.subplots(1, 2)
    accuracies = {label: [_accuracy(run) for run in runs] for label, runs in groups.items()}
    learned = {
        label: f"{label}: {sum(a.max() >= LEARNED for a in found)} of {len(found)} seeds learn"
        for label, found in accuracies.items()
    }
    _draw(left, {learned[label]: runs for label, runs in groups.items()}, _accuracy)
    _draw(right, groups, lambda run: run.column("loss_message"))
    left.axhline(50, color="k", lw=0.8, ls=":")
    right.axhline(math.log(2), color="k", lw=0.8, ls=":")
    left.set_ylabel("bit accuracy, %")
    right.set_ylabel("cross-entropy of the message")
    left.legend(fontsize=8)
    return save_figure(figure, output, "stegastamp-fig4")


def figure_5(folders, output):
    """Mean |gradient| of the encoder's dense layer and of the decoder's first convolution."""
    groups = _groups(folders, _normalization)
    figure = new_figure(10, 4)
    axes = figure.subplots(1, 2)
    parts = ("embedder", "encoder: dense layer"), ("extractor", "decoder: first convolution")
    for axis, (part, title) in zip(axes, parts, strict=True):
        name = f"gradient_{part}"
        _draw(axis, groups, lambda run, name=name: np.maximum(run.column(name), LEAST))
        axis.set(yscale="log", ylabel="mean |gradient|", title=title)
    axes[0].legend(fontsize=8)
    return save_figure(figure, output, "stegastamp-fig5")


def figure_6(folders, output):
    """Ratio of the image losses' weights to the message's, for ramps and for learned weights."""
    groups = _groups(folders, lambda run: str(run.setting("balance")))
    figure = new_figure(10, 4)
    axes = figure.subplots(1, 2)
    for axis, loss in zip(axes, ("image", "perceptual"), strict=True):
        _draw(axis, groups, lambda run, loss=loss: _ratio(run, loss))
        axis.set_ylabel(f"weight of the {loss} loss / of the message")
    axes[0].legend(fontsize=8)
    return save_figure(figure, output, "stegastamp-fig6")


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


def _groups(folders, label):
    """`{label: runs}`, in the order in which the folders are given."""
    groups = {}
    for run in map(TrainingRun.load, folders):
        groups.setdefault(label(run), []).append(run)
    if not groups:
        raise ValueError("Expected at least one folder of a training run. Received: none")
    return groups


def _draw(axis, groups, value):
    for i, (label, runs) in enumerate(groups.items()):
        color = COLORS[i % len(COLORS)]
        for run in runs:
            axis.plot(run.steps, value(run), color=color, lw=0.8, alpha=0.4)
        axis.plot(*mean_curve(runs, value), color=color, lw=2, label=label)
    axis.set_xlabel("step")
    axis.grid(alpha=0.3)


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
