"""Tables and curves of watermarked networks, from runs of their recipe, beside the paper's figures.

    python benchmarks/keyed_tables.py runs/keyed-colorize runs/keyed-super-resolve

Writes to results/keyed: keyed-tasks.csv (how like marked and unmarked outputs are, the paper's
SSIM of the like task beside it, and how well both hosts do their task), keyed-readings.csv (which
key reads what from which images, and from damaged ones), keyed-wrong-keys.csv and keyed-
robustness.csv, each of these two with a figure beside it. Figures 5 and 6, the pictures, lie in
each run's `plots`. Rows of other runs that the files hold already stay as they are, with --keep.
"""

import argparse
import tomllib
from pathlib import Path

from kept_rows import write_runs

from tfwm.evaluation.figures.keyed import distortion_figure, key_figure
from tfwm.files import read_csv, result_head
from tfwm.images.drawing import save_figure

RESULTS = Path(__file__).resolve().parents[1] / "results/keyed"
PARTS = ("likeness", "task", "readings", "damages", "wrong-keys", "robustness")


def main():
    """Reads the runs and writes the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folders of finished runs")
    parser.add_argument("--keep", action="store_true", help="keep the rows of runs not given")
    options = parser.parse_args()
    runs = {}
    for folder in map(Path, options.runs):
        missing = [part for part in PARTS if not (folder / f"{part}.csv").is_file()]
        if missing:
            parser.error(
                "expected the folder of a finished run of tfwm.recipes.keyed. Received: "
                f"{folder}, which has no {missing[0]}.csv"
            )
        runs[folder.name] = {part: read_csv(folder / f"{part}.csv") for part in PARTS}
    head = result_head(data_of(options.runs, runs))
    tables = {
        "keyed-tasks": [task_row(name, run) for name, run in runs.items()],
        "keyed-readings": [
            {"run": name, "damage": "none", **row}
            for name, run in runs.items()
            for row in run["readings"] + [r for r in run["damages"] if r["damage"] != "none"]
        ],
    }
    for part in ("wrong-keys", "robustness"):
        rows = [{"run": name, **row} for name, run in runs.items() for row in run[part]]
        tables[f"keyed-{part}"] = rows
    for name, rows in tables.items():
        tables[name] = write_runs(rows, RESULTS / f"{name}.csv", head, options.keep)
    for part, draw in (("wrong-keys", key_figure), ("robustness", distortion_figure)):
        curves = {}
        for row in tables[f"keyed-{part}"]:
            curves.setdefault(row["run"], []).append(row)
        print("wrote", save_figure(draw(curves), RESULTS, f"keyed-{part}"))


def data_of(folders, runs):
    """Test photos of the runs and number of images."""
    configs = [tomllib.loads((f / "keyed" / "config.toml").read_text()) for f in map(Path, folders)]
    names = " and ".join(dict.fromkeys(config["test_photos"] for config in configs))
    counts = dict.fromkeys(run["likeness"][0]["images"] for run in runs.values())
    return f"{names}, {' or '.join(map(str, counts))} images"


def task_row(name, run):
    """How like the outputs of both hosts are, and how well each does its task."""
    unmarked, marked = (
        next(row for row in run["task"] if row["host"] == host) for host in ("unmarked", "marked")
    )
    quality = {
        f"{host}_{key}": row[key]
        for key in ("psnr", "ssim")
        for host, row in (("unmarked", unmarked), ("marked", marked))
    }
    likeness = {"paper_task": None, "paper_ssim": None, **run["likeness"][0]}
    return {"run": name, **likeness, **quality}


if __name__ == "__main__":
    main()
