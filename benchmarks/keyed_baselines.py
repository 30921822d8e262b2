"""How well marked networks do their task, beside the plainest ways to do it.

    python benchmarks/keyed_baselines.py --images photos/

The crops are those of the hosts' recipes: each photo as a whole and seven parts of it, squeezed to
64 x 64 pixels. The plain ways are those of `tfwm.data.tasks.baselines`; the tint is fitted to the
photos that come with tfwm. Shipped hosts do their task as well.

Writes results/keyed/keyed-baselines.csv: PSNR in dB and SSIM to the truth; and
results/keyed/keyed-gains.csv: how much of the unmarked host's gain over the best plain way each
marked host of keyed-tasks.csv, which `keyed_tables.py` wrote of the same crops, has.
"""

import argparse
from pathlib import Path

from tfwm.files import read_csv, result_head, write_csv
from tfwm.images.arrays import to_uint8
from tfwm.images.quality import mean_quality
from tfwm.startup import import_tensorflow

ROOT = Path(__file__).resolve().parents[1]
SIDE, PER_PHOTO = 64, 8
SHIPPED = ("keyed-colorize", "keyed-super-resolve")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", default="bundled:all", help="folder; bundled:all by default")
    parser.add_argument("--output", type=Path, default=ROOT / "results/keyed")
    args = parser.parse_args()
    import_tensorflow()
    from tfwm.data.tasks import Colorize, Derain, EdgesToPhoto, Edit, SuperResolve

    tasks = {
        "keyed-colorize": Colorize(),
        "keyed-super-resolve": SuperResolve(factor=4, enlarge=False),
        "keyed-edit": Edit(),
        "keyed-derain": Derain(),
        "keyed-edges": EdgesToPhoto(),
    }
    rows = [row for name, task in tasks.items() for row in measure(name, task, args.images)]
    runs = read_csv(args.output / "keyed-tasks.csv")
    head = result_head(f"{args.images}, {rows[0]['images']} images", "crops of photos")
    for name, table in (("baselines", rows), ("gains", gains(runs, rows))):
        print(*table, sep="\n")
        print("wrote", write_csv(table, args.output / f"keyed-{name}.csv", head))


def measure(name, task, photos):
    """Yields the quality of a host's outputs, then of each plain way's."""
    from tfwm.data.tasks.baselines import baseline_rows
    from tfwm.evaluation.ownership import run_network
    from tfwm.protection import load_keyed

    inputs, targets = pairs(photos, task)
    if name in SHIPPED:
        outputs = run_network(load_keyed(name).host, inputs)
        quality = mean_quality(to_uint8(targets), outputs)
        yield {"network": name, "task": task.name, "way": "host", "images": len(targets), **quality}
    for row in baseline_rows(inputs, targets, pairs("bundled:all", task)):
        yield {"network": name, "task": task.name, **row}


def gains(runs, rows):
    """Returns a row for each run: both hosts beside the best plain way to do their task."""
    from tfwm.data.tasks.baselines import gain_share

    table = []
    for run in runs:
        plain = [row for row in rows if row["task"] == run["task"] and row["way"] != "host"]
        values = {"run": run["run"], "task": run["task"], "images": run["images"]}
        for key in ("psnr", "ssim"):
            best = max(plain, key=lambda row, key=key: row[key])
            unmarked, marked = run[f"unmarked_{key}"], run[f"marked_{key}"]
            values |= {f"{key}_way": best["way"], f"{key}_plain": best[key]}
            values |= {f"{key}_unmarked": unmarked, f"{key}_marked": marked}
            values[f"{key}_gain_share"] = gain_share(marked, unmarked, best[key])
        table.append(values)
    return table


def pairs(photos, task):
    """Returns inputs and targets of crops of photos, as the hosts' recipes have them."""
    from tfwm.data import all_pairs, task_crops

    return all_pairs(task_crops(photos, task, SIDE, 0, PER_PHOTO, whole=True), task, 0)


if __name__ == "__main__":
    main()
