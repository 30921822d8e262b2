"""The curves of several runs beside each other: finds out which training is steadier or better.

    python benchmarks/training_curves.py mbrs_diffusion runs/mbrs-compare-*
    python benchmarks/training_curves.py mbrs_modes NAME=runs/mbrs-table6-oeds ...

Writes the epochs of the runs' `log.csv` to results/NAME.csv, and a plot of the bit error rate and
the PSNR in training (thin) and in validation (thick) to results/NAME.png.
"""

import argparse
import csv
import sys
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

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
    table = RESULTS / f"{options.name}.csv"
    with open(table, "w", newline="") as file:
        command = f"python benchmarks/training_curves.py {' '.join(sys.argv[1:])}"
        file.write(f"# {command}\n")
        columns = ["run", "epoch", *(f"{p}{key}" for key, _ in PANELS for p in ("", "val_"))]
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows({"run": name, **row} for name, rows in runs.items() for row in rows)
    draw(runs, table.with_suffix(".png"))
    print(f"wrote {table} and {table.with_suffix('.png')}")


def draw(runs, path):
    """Plots training and validation of every run."""
    figure = Figure((12, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    for axis, (key, label) in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
        for number, (name, rows) in enumerate(runs.items()):
            for prefix, style in (("", {"lw": 0.8, "ls": ":"}), ("val_", {"lw": 2, "label": name})):
                points = [(int(r["epoch"]) + 1, r.get(prefix + key, "NA")) for r in rows]
                points = [(x, float(y)) for x, y in points if y not in ("NA", "")]
                if points:
                    axis.plot(*zip(*points, strict=True), color=f"C{number}", **style)
        axis.set(xlabel="epoch", ylabel=label)
        axis.grid(alpha=0.3)
        if key != "watermarked_psnr":
            axis.set_yscale("log")
    figure.axes[0].legend(fontsize="small")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
