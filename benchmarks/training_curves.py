"""The curves of several runs beside each other, to see which training is steadier or better.

    python benchmarks/training_curves.py mbrs/mbrs-diffusion runs/mbrs-compare-*
    python benchmarks/training_curves.py mbrs/mbrs-modes NAME=runs/mbrs-table6-oeds ...

Writes the epochs of the runs' `log.csv` to results/NAME.csv, and a plot of the bit error rate, the
loss and the PSNR in training (thin) and in validation (thick) to results/NAME.png.
"""

import argparse
import csv
from pathlib import Path

from tfwm.files import result_head, write_csv
from tfwm.images.drawing import COLORS, new_figure, save_figure

RESULTS = Path(__file__).resolve().parents[1] / "results"
PANELS = (
    ("logits_bit_error_rate", "bit error rate, attacked"),
    ("loss", "loss"),
    ("watermarked_psnr", "PSNR, dB"),
)


def main():
    """Reads the runs and writes table and plot."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("name", help="of the files in results/")
    parser.add_argument("runs", nargs="+", metavar="[NAME=]FOLDER", help="folders with a log.csv")
    options = parser.parse_args()
    runs = {}
    for run in options.runs:
        name, _, folder = run.rpartition("=")
        log = Path(folder) / "log.csv"
        if not log.is_file():
            parser.error(f"expected the folder of a training run. Received: {folder}, no log.csv")
        with open(log, newline="") as file:
            runs[name or Path(folder).name] = list(csv.DictReader(file))
    columns = ["epoch", *(f"{prefix}{key}" for key, _ in PANELS for prefix in ("", "val_"))]
    lines = [
        {"run": name, **{column: row.get(column, "") for column in columns}}
        for name, rows in runs.items()
        for row in rows
    ]
    head = result_head("training-and-validation of the runs")
    print("wrote", write_csv(lines, RESULTS / f"{options.name}.csv", head))
    print("wrote", draw(runs, RESULTS / f"{options.name}.png"))


def draw(runs, path):
    """Plots training and validation of every run; returns the path."""
    figure = new_figure(12, 3.6)
    for axis, (key, label) in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
        for number, (name, rows) in enumerate(runs.items()):
            colour = COLORS[number % len(COLORS)]
            for prefix, style in (("", {"lw": 0.8, "ls": ":"}), ("val_", {"lw": 2, "label": name})):
                points = [(int(r["epoch"]) + 1, r.get(prefix + key, "NA")) for r in rows]
                points = [(x, float(y)) for x, y in points if y not in ("NA", "")]
                if points:
                    axis.plot(*zip(*points, strict=True), color=colour, **style)
        axis.set(xlabel="epoch", ylabel=label)
        axis.grid(alpha=0.3)
        if key != "watermarked_psnr":
            axis.set_yscale("log")
    figure.axes[0].legend(fontsize="small")
    return save_figure(figure, path, path.stem)


if __name__ == "__main__":
    main()
