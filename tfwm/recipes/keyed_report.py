"""The end of a watermarked network's run: its tables, its pictures, its package."""

from pathlib import Path

import numpy as np

from tfwm.data.tasks import build_task
from tfwm.data.tasks.baselines import baseline_rows, gain_share
from tfwm.evaluation.figures.keyed import distortion_figure, key_figure
from tfwm.evaluation.ownership import (
    PAPER_TASKS,
    distorted,
    distortion_curves,
    distortion_rows,
    hamming_curve,
    reading_row,
    run_network,
    wrong_keys,
)
from tfwm.files import result_head, write_csv, write_whole
from tfwm.images.arrays import to_uint8
from tfwm.images.drawing import picture_figure, save_figure
from tfwm.images.pictures import amplify, data_uri, thumbnails
from tfwm.images.quality import mean_quality
from tfwm.pages import render
from tfwm.protection import prove_images
from tfwm.protection.evidence import LIMIT
from tfwm.recipes.card import recipe_card, train_command, whole_geometry

# Photos that are shown; images and keys of the proof.
SHOWN = 3
SIZE = 1.7, 1.955  # of a picture and its caption in a figure, inches
PROOF_IMAGES, PROOF_KEYS = 8, 999
CURVE_IMAGES = 64
UNMARKED = "unmarked.keras"
RESULTS = ("images_of", "key", "images", "similarity", "success", "qr", "p_value")
LIMITS = [
    "The picture lies in the extractor's weights, and who has these can find a key that opens it: "
    "what counts is that key and extractor were committed to before the dispute, and that "
    "unmarked images and other keys give nothing.",
    "It tells that an image comes from this host; not when, nor for whom.",
    "Whoever has the host can train the mark away.",
    LIMIT,
]


def report(config, recipe, unmarked, host, reader, pairs):
    """Measure a watermarked network on photos that it has not seen; write page and tables.

    Args:
        config: the recipe's `Config`.
        recipe: label of its TOML file, see `tfwm.recipes.registry.label`.
        unmarked: the host that was trained by the task's loss alone.
        host: the host whose outputs are marked.
        reader: its `tfwm.protection.KeyedReader`, with the owner's key.
        pairs: inputs and targets of test photos, float32 `(n, height, width, channels)`.

    Returns:
        Text to print.
    """
    inputs, targets = pairs
    targets = to_uint8(targets)
    plain, marked = (run_network(model, inputs) for model in (unmarked, host))
    text = qr_text(config)
    task = _task_quality(pairs, {"unmarked": plain, "marked": marked})
    likeness = mean_quality(plain, marked)
    rows = reading_rows(reader, marked, plain, targets, text)
    damages = distortion_rows(reader, {"marked outputs": marked, "unmarked outputs": plain}, text)
    few = marked[:: max(1, len(marked) // CURVE_IMAGES)][:CURVE_IMAGES]
    curve = hamming_curve(reader, few, text, len(few))
    levels = distortion_curves(reader, few, text)
    proof = prove_images(reader, marked[:PROOF_IMAGES], plain, keys=PROOF_KEYS, seed=config.seed)
    paper = _paper(config)
    likeness_row = {"task": config.task["name"], "images": len(targets), **likeness}
    if paper:
        likeness_row |= {"paper_task": paper["task"], "paper_ssim": paper["ssim"]}
    pictures = list(_pictures(reader, inputs, targets, plain, marked, config.seed))
    figures = {
        "wrong-keys": key_figure({config.name: curve}),
        "robustness": distortion_figure({config.name: levels}),
        f"keyed-fig{5 if config.watermark_channels == 1 else 6}": picture_figure(
            [p.items() for p in pictures], *SIZE, 7
        ),
    }
    command = train_command("keyed", recipe)
    output = Path(config.output)
    head = result_head(f"{config.test_photos}, {len(targets)} crops", command=command)
    tables = {"readings": rows, "damages": damages, "wrong-keys": curve, "task": task}
    tables |= {"robustness": levels, "likeness": [likeness_row]}
    for name, table in tables.items():
        write_csv(table, output / f"{name}.csv", head)
    for name, figure in figures.items():
        save_figure(figure, output / "plots", name)
    page = render(
        "keyed.html",
        title=f"{config.name}: a network whose outputs carry its owner's mark",
        task=task,
        likeness=likeness,
        paper=paper,
        rows=rows,
        damages=damages,
        curve=curve,
        curves=[_uri(figures[name]) for name in ("wrong-keys", "robustness")],
        proof=str(proof),
        pictures=thumbnails(pictures),
        command=command,
        config=config,
    )
    path = write_whole(output / "report.html", page)
    unmarked.save(output / UNMARKED)  # what benchmarks compare with
    reader.card = _card(config, recipe, likeness, task, rows)
    demonstration = "" if config.key_file else config.key
    folder = reader.package(host, output / config.name, demonstration)
    line = f"{config.name} SSIM {likeness['ssim']:.4f}. Report {path}, network {folder}"
    return f"{_text(rows, damages)}\n{line}"


def qr_text(config):
    """Returns the text of the watermark's QR code, `None` if it is none."""
    is_code = config.watermark.startswith("qr:")
    return config.watermark.removeprefix("qr:") if is_code else None


def reading_rows(reader, marked, plain, targets, text, seed=0):
    """Returns the rows of which keys read what from which images."""
    unmarked = reader.similarity(plain)
    count = len(marked)
    keys = {
        "one bit wrong": wrong_keys(reader.key, 1, count, seed),
        "eight bits wrong": wrong_keys(reader.key, min(8, reader.bits), count, seed),
        "random": np.random.default_rng(seed).integers(0, 2, (count, reader.bits)),
    }
    groups = {
        ("marked outputs", "right"): reader.read(marked),
        **{("marked outputs", name): reader.read_each(marked, key) for name, key in keys.items()},
        ("unmarked outputs", "right"): reader.read(plain),
        ("photos", "right"): reader.read(targets),
    }
    return [
        reading_row(images_of, key, read, reader, unmarked if key == "right" else None, text)
        for (images_of, key), read in groups.items()
    ]


def _task_quality(pairs, outputs):
    """How near the plainest ways (the tint at its best) and both hosts come to the targets."""
    targets = to_uint8(pairs[1])
    plain = baseline_rows(*pairs, fit=pairs)
    hosts = {host: mean_quality(targets, images) for host, images in outputs.items()}
    rows = [{"host": row["way"], "psnr": row["psnr"], "ssim": row["ssim"]} for row in plain]
    rows += [{"host": host, **quality} for host, quality in hosts.items()]
    for row in rows:
        row |= {"psnr_gain_share": None, "ssim_gain_share": None}
    for key in ("psnr", "ssim"):
        best = max(row[key] for row in plain)
        share = gain_share(hosts["marked"][key], hosts["unmarked"][key], best)
        rows[-1][f"{key}_gain_share"] = share
    return rows


def _paper(config):
    name, code, colour = PAPER_TASKS.get(config.task["name"], (None, None, None))
    if name is None:
        return None
    figure, value = ("Fig. 5", code) if config.watermark_channels == 1 else ("Fig. 6", colour)
    return {"task": name, "figure": figure, "ssim": value}


def _card(config, recipe, likeness, task, rows):
    side, bits = config.crop_size, (config.watermark_size // config.block) ** 2
    colors, size = "gray" if config.watermark_channels == 1 else "color", config.watermark_size
    card = recipe_card(
        config,
        "keyed",
        recipe,
        f"Host for the task {config.task['name']} whose outputs carry a picture, and the extractor "
        "that reads it with the owner's key.",
        paper="Wu et al., Watermarking neural networks with watermarked images, IEEE TCSVT 2021",
        geometry=whole_geometry(
            side,
            build_task(config.task).channels_out,
            f"a {colors} picture of {size}x{size} pixels, read with a key of {bits} bits from "
            f"tiles of {side}x{side} pixels of outputs of any size; it is the same in all",
        ),
        guidance=None,
        limits=LIMITS,
    )
    summary = {
        "ssim": likeness["ssim"],
        "psnr": likeness["psnr"],
        "task_psnr": task[-1]["psnr"],
        "unmarked_task_psnr": task[-2]["psnr"],
        "plain_task_psnr": max(row["psnr"] for row in task[:-2]),
    }
    return {**card, "results": [summary, *({k: row[k] for k in RESULTS} for row in rows)]}


def _pictures(reader, inputs, targets, plain, marked, seed):
    """Yields captions and pictures, left to right, for each photo shown."""
    shown = np.linspace(0, len(inputs) - 1, min(SHOWN, len(inputs))).astype(int)
    wrong = wrong_keys(reader.key, min(8, reader.bits), len(inputs), seed)
    for i in shown:
        one = marked[i : i + 1]
        yield {
            "input": to_uint8(inputs[i]),
            "photo": targets[i],
            "unmarked host's output": plain[i],
            "marked output": marked[i],
            "difference × 10": amplify(plain[i], marked[i]),
            "read with the key": to_uint8(reader.read(one)[0]),
            "read with eight wrong bits": to_uint8(reader.read_each(one, wrong[i : i + 1])[0]),
            "read from the unmarked output": to_uint8(reader.read(plain[i : i + 1])[0]),
            "read after JPEG 70": to_uint8(reader.read(distorted("JPEG 70", one))[0]),
        }


def _uri(figure):
    figure.canvas.draw()
    return data_uri(np.asarray(figure.canvas.buffer_rgba()))


def _text(rows, damages):
    lines = [f"{'images of':<20}{'key or damage':<22}{'sim.':>8}{'QR':>7}{'p':>10}"]
    marked = [row for row in damages if row["images_of"] == "marked outputs"]
    for row in [*rows, *marked[1:]]:
        code = "–" if row["qr"] is None else f"{100 * row['qr']:.0f}%"
        p_value = "–" if row["p_value"] is None else f"{row['p_value']:.1e}"
        lines.append(
            f"{row['images_of']:<20}{row.get('damage', row['key']):<22}"
            f"{row['similarity']:>8.3f}{code:>7}{p_value:>10}"
        )
    return "\n".join(lines)
