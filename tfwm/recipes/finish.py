"""The end of every run: what the trained network can do, on photos it has not seen."""

import csv
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tfwm.evaluation import Photos, load_suite, run_suite
from tfwm.evaluation.figures import FIGURES
from tfwm.export import package_network
from tfwm.networks import KerasNetwork, make_card


def finish(embedder, extractor, config, card, figures=(), **changes):
    """Evaluates, plots and exports a trained network into the run's folder.

    Args:
        embedder: trained model, in float32.
        extractor: trained model, in float32.
        config: the recipe's `Config`.
        card: see `recipe_card`.
        figures: names of `tfwm.evaluation.figures.FIGURES` to draw.
        **changes: arguments of the suite that differ.

    Returns:
        Text to print: the table and, as last line, what came out and where it is.
    """
    output = Path(config.output)
    network = KerasNetwork(embedder, extractor, config.name, card)
    networks = {config.name: network}
    command = card["training"]["command"]
    suite = load_suite(config.suite)
    photos = Photos.of(config.test_photos, suite.color)
    result = run_suite(networks, photos, suite, output, command=command, **changes)
    plots = output / "plots"
    plots.mkdir(exist_ok=True)
    _plot_training(output / "log.csv", plots / "training.png")
    for name in figures:
        FIGURES[name](networks, photos, plots / f"{name}.png")
    folder = package(embedder, extractor, config, card)
    return (
        f"{suite.table(result.rows)}\n"
        f"{result.line}. Report {result.html}, plots {plots}, network {folder}"
    )


def package(embedder, extractor, config, card):
    """Exports a trained network into the run's folder; returns its folder."""
    return package_network(embedder, extractor, Path(config.output) / config.name, card)


def recipe_card(config, system, recipe, description, *, paper, geometry, guidance, limits):
    """Returns the card of a network that a recipe trained, under the MIT licence.

    Args:
        config: the recipe's `Config`.
        system: name of the recipe's module.
        recipe: name of its TOML file.
        description: see `tfwm.export.make_card`, also for `paper`, `geometry` and `limits`.
        guidance: what the strength does, 1 being the default.
    """
    # Folders are named, not located: a card is read on other machines.
    photos = ", ".join(s if ":" in s else "/".join(Path(s).parts[-2:]) for s in config.photos)
    return make_card(
        config.name,
        description,
        paper=paper,
        licence={"code": "MIT", "weights": "MIT"},
        training={
            "data": f"{photos}; {config.steps * config.batch_size:,} crops of {config.crop_size} x "
            f"{config.crop_size} pixels seen",
            "recipe": f"recipes/{system}/{recipe}",
            "command": f"python -m tfwm.recipes.{system} --config recipes/{system}/{recipe}",
        },
        geometry=geometry,
        strength={"default": 1.0, "guidance": guidance},
        limits=limits,
    )


def tile_geometry(config, side, bits, message, **more):
    """Returns a card's geometry for networks of colour images in square tiles."""
    sides = [side, side]
    return {
        "patch": sides,
        "block": sides,
        "channels": config.channels,
        "bits": bits,
        "message": message,
        **more,
    }


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
