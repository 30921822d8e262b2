"""The end of every run: what the trained network can do, on photos it has not seen."""

import csv
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tfwm.evaluation import Photos, run_suite, text_table
from tfwm.evaluation.figures import FIGURES
from tfwm.export import KerasNetwork, make_card, package_network, redmark_geometry

LIMITS = [
    "Gray images; on colour photos the luminance is marked.",
    "The reader needs the image at its original size and place: no search for crops or scales.",
    "No secret key: whoever has the network can read the mark and write others.",
]


def finish(trainer, config, recipe):
    """Evaluates, plots and exports a trained ReDMark network into the run's folder.

    Args:
        trainer: trained `WatermarkTrainer`.
        config: the recipe's `Config`.
        recipe: name of the recipe's TOML file, for the card.

    Returns:
        Text to print: the table and, as last line, what came out and where it is.
    """
    output = Path(config.output)
    card = _card(config, recipe)
    network = KerasNetwork(trainer.embedder, trainer.extractor, config.name, card)
    photos = Photos.of(config.test_photos)
    result = run_suite(
        {config.name: network},
        photos,
        config.suite,
        output,
        command=card["training"]["command"],
        strengths=[1.0],
        watermarks=config.watermarks,
    )
    plots = output / "plots"
    plots.mkdir(exist_ok=True)
    _plot_training(output / "log.csv", plots / "training.png")
    for name in ("redmark-fig6", "redmark-fig8", "redmark-fig10"):
        FIGURES[name]({config.name: network}, photos, plots / f"{name}.png")
    package_network(trainer.embedder, trainer.extractor, output / config.name, card)
    return (
        f"{text_table(result.rows)}\n"
        f"{result.line}. Report {result.html}, plots {plots}, network {output / config.name}"
    )


def _card(config, recipe):
    attacks = ", ".join(dict.fromkeys(table["name"] for table in config.attacks)) or "none"
    # Folders are named, not located: a card is read on other machines.
    photos = ", ".join(s if ":" in s else "/".join(Path(s).parts[-2:]) for s in config.photos)
    patches = config.steps * config.batch_size * (config.crop_size // config.patch_size) ** 2
    return make_card(
        config.name,
        f"ReDMark network, {config.patch_size}x{config.patch_size} patches, one bit in each "
        f"{config.block_size}x{config.block_size} block; trained against {attacks}.",
        paper="Ahmadi et al., ReDMark: Framework for residual diffusion watermarking based on deep "
        "networks, Expert Systems with Applications 146, 2020",
        licence={"code": "MIT", "weights": "MIT"},
        training={
            "data": f"{photos}; {patches:,} patches seen",
            "recipe": f"recipes/redmark/{recipe}",
            "command": f"python -m tfwm.recipes.redmark --config recipes/redmark/{recipe}",
        },
        geometry=redmark_geometry((config.patch_size,) * 2, (config.block_size,) * 2),
        strength={
            "default": 1.0,
            "guidance": "1 is what it was trained at. Half of it gains 6 dB and loses robustness.",
        },
        limits=LIMITS,
    )


def _plot_training(log, path):
    with open(log, newline="") as file:
        rows = list(csv.DictReader(file))
    figure = Figure((8, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    epochs = [int(row["epoch"]) + 1 for row in rows]
    panels = (
        ("watermarked_psnr", "PSNR, dB"),
        ("logits_bit_error_rate", "Bit error rate, attacked"),
    )
    for axis, (key, label) in zip(figure.subplots(1, 2), panels, strict=True):
        axis.plot(epochs, [float(row[key]) for row in rows])
        axis.set(xlabel="epoch", ylabel=label)
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
