"""The end of a barrier's run: its tables, its pictures, its package."""

from pathlib import Path

import jinja2
import numpy as np

from tfwm.data.tasks import build_task
from tfwm.evaluation.files import versions, write_csv, write_whole
from tfwm.evaluation.ownership import ownership_row
from tfwm.evaluation.pictures import amplify, data_uri
from tfwm.evaluation.quality import psnr, ssim
from tfwm.recipes.finish import recipe_card

# Photos that are shown, and their width on the page.
SHOWN, WIDTH = 3, 160
RESULTS = ("images_of", "images", "success_nc", "similarity", "success", "p_value")
LIMITS = [
    "It tells that an image went through the barrier, or came from a surrogate that was trained "
    "on such images; not when, nor for whom.",
    "The watermark lies in the extractor's weights too: what counts is the comparison with "
    "unmarked images, of which nothing may be read.",
    "Whoever has the barrier's networks can remove or forge the mark.",
]
MEASURES = {"psnr": psnr, "ssim": ssim}


def report(config, recipe, before, after, surrogates, pairs):
    """Measures a barrier and its surrogates on photos that none has seen; writes page and table.

    Args:
        config: the recipe's `Config`.
        recipe: name of its TOML file.
        before: the `Barrier` after the initial stage.
        after: the same after the adversarial stage.
        surrogates: dict of name and network.
        pairs: inputs and targets of test photos, float32 `(n, height, width, channels)`.

    Returns:
        Text to print.
    """
    inputs, targets = pairs
    targets = to_bytes(targets)
    marked = to_bytes(after.mark(targets))
    copies = {name: to_bytes(_run(network, inputs)) for name, network in surrogates.items()}
    groups = {"marked": marked, **copies, "unmarked": targets}
    if inputs.shape == targets.shape:
        groups["inputs"] = to_bytes(inputs)
    rows = []
    for stage, barrier in (("initial", before), ("adversarial", after)):
        unmarked = barrier.similarity(targets)
        for name, images in groups.items():
            row = ownership_row(name, barrier.read(images), barrier.watermark, unmarked)
            rows.append({"stage": stage, **row})
    planes = [[_plane(image) for image in images] for images in (targets, marked)]
    quality = {name: float(np.mean(list(map(how, *planes)))) for name, how in MEASURES.items()}
    output = Path(config.output)
    command = f"python -m tfwm.recipes.barrier --config recipes/barrier/{recipe}"
    head = f"{len(targets)} crops of {config.test_photos}, PSNR {quality['psnr']:.2f} dB"
    write_csv(rows, output / "ownership.csv", [command, versions(), head])
    page = _page(
        title=f"{config.name}: a barrier, and who copied what is behind it",
        rows=rows,
        quality=quality,
        pictures=_pictures(after, inputs, targets, marked, copies),
        command=command,
        config=config,
    )
    path = write_whole(output / "report.html", page)
    after.card = _card(config, recipe, quality, rows)
    folder = after.package(output / config.name)
    line = f"{config.name} PSNR {quality['psnr']:.2f} dB. Report {path}, barrier {folder}"
    return f"{_text(rows)}\n{line}"


def _card(config, recipe, quality, rows):
    side, task = config.crop_size, config.task["name"]
    colours = "gray" if config.watermark_channels == 1 else "colour"
    message = (
        f"the watermark, a {colours} image of {side}x{side} pixels; images squeezed to that size "
        "as a whole; the logits are the watermark as it is read"
    )
    card = recipe_card(
        config,
        "barrier",
        recipe,
        f"Barrier for outputs of the task {task}: marks them with a picture that surrogates "
        "trained on them learn as well.",
        paper="Zhang et al., Model watermarking for image processing networks, AAAI 2020",
        geometry={
            "patch": [side, side],
            "block": [1, 1],
            "channels": build_task(config.task).channels_out,
            "bits": config.watermark_channels,
            "whole": True,
            "image_watermark": True,
            "message": message,
        },
        guidance="1 is what the extractor was trained at.",
        limits=LIMITS,
    )
    results = [{key: row[key] for key in RESULTS} for row in rows if row["stage"] == "adversarial"]
    return {**card, "results": [{"psnr": quality["psnr"], **row} for row in results]}


def to_bytes(images):
    """Float images in [0, 1] as uint8, rounded."""
    if images.dtype == np.uint8:
        return images
    return np.uint8(np.round(255 * np.clip(images, 0, 1)))


def _run(network, inputs, batch=16):
    return np.concatenate([network(inputs[i : i + batch]) for i in range(0, len(inputs), batch)])


def _plane(image):
    return image[..., 0] if image.shape[-1] == 1 else image


def _pictures(barrier, inputs, targets, marked, copies):
    """For each photo shown: captions and pictures, left to right."""
    shown = []
    for i in np.linspace(0, len(inputs) - 1, min(SHOWN, len(inputs))).astype(int):
        line = {
            "input": to_bytes(inputs[i]),
            "output": targets[i],
            "marked output": marked[i],
            "difference × 10": amplify(targets[i], marked[i]),
            "read from the output": _read(barrier, targets[i]),
            "read from the marked one": _read(barrier, marked[i]),
        }
        for name, images in copies.items():
            line[f"output of {name}"] = images[i]
            line[f"read from {name}"] = _read(barrier, images[i])
        shown.append({name: data_uri(_plane(image), WIDTH) for name, image in line.items()})
    return shown


def _read(barrier, image):
    return to_bytes(barrier.read(image[None])[0])


def _page(**values):
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tfwm", "evaluation"), autoescape=True
    )
    environment.filters["share"] = lambda value: f"{100 * value:.0f} %"
    return environment.get_template("ownership.html").render(**values)


def _text(rows):
    lines = [f"{'read by R of stage':<20}{'images of':<20}{'NC':>7}{'SR':>6}{'sim.':>8}{'p':>10}"]
    for row in rows:
        lines.append(
            f"{row['stage']:<20}{row['images_of']:<20}{row['nc']:>7.3f}"
            f"{100 * row['success_nc']:>5.0f}%{row['similarity']:>8.3f}{row['p_value']:>10.1e}"
        )
    return "\n".join(lines)
