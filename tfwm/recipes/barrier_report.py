"""The end of a barrier's run: its tables, its pictures, its package."""

from pathlib import Path

import numpy as np

from tfwm.data.tasks import build_task
from tfwm.evaluation.ownership import ownership_row, quality_row, run_network
from tfwm.files import result_head, write_csv, write_whole
from tfwm.images.arrays import to_uint8
from tfwm.images.pictures import amplify, thumbnails
from tfwm.pages import render
from tfwm.protection.evidence import LIMIT
from tfwm.recipes.card import recipe_card, train_command, whole_geometry

SHOWN = 3  # photos
RESULTS = ("images_of", "images", "success_nc", "similarity", "success", "p_value")
UNMARKED_NETWORK, CLEAN, INNOCENT = "unmarked network", "clean outputs", "innocent "
LIMITS = [
    "It tells that an image went through the barrier, or came from a surrogate that was trained "
    "on such images; not when, nor for whom.",
    "The watermark lies in the extractor's weights too: what counts is the comparison with "
    "unmarked images, of which nothing may be read.",
    "Whoever has the barrier's networks can remove or forge the mark. So can anybody who averages "
    "many outputs, if it is alike in all of them.",
    LIMIT,
]
TASK_LIMIT = "It does its task at the size that it was trained at; larger images lose their detail."


def report(config, recipe, before, after, surrogates, innocent, pairs, clean, unmarked=None):
    """Measure a barrier and its surrogates on photos that none has seen; write page and tables.

    Args:
        config: the recipe's `Config`.
        recipe: label of its TOML file, see `tfwm.recipes.registry.label`.
        before: the `Barrier` after the initial stage.
        after: the same after the adversarial stage.
        surrogates: dict of name and network.
        innocent: the same of networks that learned the task from unmarked outputs.
        pairs: inputs and targets of test photos, float32 `(n, height, width, channels)`.
        clean: more targets, unmarked, among which false claims are counted.
        unmarked: the network that a task-specific barrier is compared with, or `None`.

    Returns:
        Text to print.
    """
    inputs, targets = pairs
    marked = to_uint8(after.mark(inputs if config.task_specific else targets))
    targets = to_uint8(targets)
    copies = {name: run_network(network, inputs) for name, network in surrogates.items()}
    others = {"inputs": to_uint8(inputs)} if inputs.shape == targets.shape else {}
    if unmarked is not None:
        others[UNMARKED_NETWORK] = run_network(unmarked, inputs)
    innocent = {INNOCENT + name: run_network(net, inputs) for name, net in innocent.items()}
    others |= innocent
    groups = {"marked": marked, **copies, "unmarked": targets, **others, CLEAN: to_uint8(clean)}
    rows = []
    for stage, barrier in (("initial", before), ("adversarial", after)):
        reference = barrier.similarity(targets)
        for name, images in groups.items():
            row = ownership_row(name, barrier.read(images), barrier.watermark, reference)
            rows.append({"stage": stage, **row})
    compared = {"marked": marked, **copies, **others}
    quality = [quality_row(name, targets, images) for name, images in compared.items()]
    output = Path(config.output)
    command = train_command("barrier", recipe)
    head = result_head(f"{config.test_photos}, {len(targets)} crops", command=command)
    write_csv(quality, output / "quality.csv", head)
    write_csv(rows, output / "ownership.csv", head)
    page = render(
        "ownership.html",
        title=f"{config.name}: a barrier, and who copied what is behind it",
        rows=rows,
        quality=quality[0],
        others=quality[1:],
        false_claims=[row for row in rows if row["images_of"] in (CLEAN, *innocent)],
        pictures=thumbnails(_pictures(config, after, inputs, targets, marked, copies | innocent)),
        command=command,
        config=config,
    )
    path = write_whole(output / "report.html", page)
    after.card = _card(config, recipe, quality[0], rows)
    folder = after.package(output / config.name)
    line = f"{config.name} PSNR {quality[0]['psnr']:.2f} dB. Report {path}, barrier {folder}"
    return f"{_text(rows)}\n{line}"


def _card(config, recipe, quality, rows):
    side, task = config.crop_size, config.task["name"]
    colors = "gray" if config.watermark_channels == 1 else "color"
    way = "squeezed to that size as a whole" if config.whole else "in tiles of that size"
    message = (
        f"the watermark, a {colors} image of {side}x{side} pixels; images {way}; the logits are "
        "the watermark as it is read"
    )
    description = (
        f"Network for the task {task} that marks its outputs with a picture"
        if config.task_specific
        else f"Barrier for outputs of the task {task}: marks them with a picture"
    )
    card = recipe_card(
        config,
        "barrier",
        recipe,
        f"{description} that surrogates trained on them learn as well.",
        paper="Zhang et al., Model watermarking for image processing networks, AAAI 2020",
        geometry=whole_geometry(
            side,
            build_task(config.task).channels_out,
            message,
            bits=config.watermark_channels,
            whole=config.whole,
        ),
        guidance="1 is what the extractor was trained at.",
        limits=[*LIMITS, *[TASK_LIMIT] * config.task_specific],
    )
    results = [{key: row[key] for key in RESULTS} for row in rows if row["stage"] == "adversarial"]
    return {**card, "results": [{"psnr": quality["psnr"], **row} for row in results]}


def _pictures(config, barrier, inputs, targets, marked, copies):
    """Yields captions and pictures, left to right, for each photo shown."""
    output = "target" if config.task_specific else "output"
    for i in np.linspace(0, len(inputs) - 1, min(SHOWN, len(inputs))).astype(int):
        line = {
            "input": to_uint8(inputs[i]),
            output: targets[i],
            "marked output": marked[i],
            "difference × 10": amplify(targets[i], marked[i]),
            f"read from the {output}": _read(barrier, targets[i]),
            "read from the marked one": _read(barrier, marked[i]),
        }
        for name, images in copies.items():
            line[f"output of {name}"] = images[i]
            line[f"read from {name}"] = _read(barrier, images[i])
        yield line


def _read(barrier, image):
    return to_uint8(barrier.read(image[None])[0])


def _text(rows):
    lines = [f"{'read by R of stage':<20}{'images of':<20}{'NC':>7}{'SR':>6}{'sim.':>8}{'p':>10}"]
    for row in rows:
        lines.append(
            f"{row['stage']:<20}{row['images_of']:<20}{row['nc']:>7.3f}"
            f"{100 * row['success_nc']:>5.0f}%{row['similarity']:>8.3f}{row['p_value']:>10.1e}"
        )
    return "\n".join(lines)
