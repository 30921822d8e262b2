"""How often an unmarked photo, or a wrong key, is taken for a mark, and whether p-values tell.

    python benchmarks/false_alarms.py --images photos/
    python benchmarks/false_alarms.py --network redmark-mt --crops 2000 --keys 2000 --search 100

Three kinds of readings that should find nothing:

- crops: random pieces of 64 to 512 pixels a side of unmarked photos, read in place, each with
  one of 64 keys;
- keys: marked photos, read in place with keys they were not marked with, a new one each time;
- search: crops again, through all of `Watermarker.extract` with its search for shift, scale and
  rotation, where the best of very many readings counts (--search says how many; slow).

Counts p-values at or below the false-positive rate, and `present`, and tests the p-values
against the uniform distribution (Kolmogorov-Smirnov). For the search the p-value is an upper
bound: overlapping readings are not independent, so few small values are as they should be.
Writes false-alarms.csv, false-alarms-p-values.csv and false-alarms.png in results/photo.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from tqdm import tqdm

from tfwm.evaluation import Photos
from tfwm.evaluation.messages.false_positives import false_positives, summary
from tfwm.files import result_head, write_csv
from tfwm.startup import import_tensorflow

ROOT = Path(__file__).resolve().parents[1]


def main():
    args = parse_args()
    import_tensorflow()
    from tfwm.watermarker import load

    watermarker = load(args.network)
    photos = Photos.of(args.images, color=True, limit=args.limit)
    counts = {"crops": args.crops, "keys": args.keys, "search": args.search}
    with tqdm(total=100, unit="%", bar_format="{l_bar}{bar}| {elapsed}<{remaining}") as bar:

        def progress(share, text):
            bar.set_description(text, refresh=False)
            bar.update(100 * share - bar.n)

        kinds = false_positives(watermarker, photos.images, **counts, progress=progress)
    rows = [summary(kind, found) for kind, found in kinds.items()]
    data = f"{photos.name}, {len(photos.images)} images"
    comments = result_head(data, what=f"network {args.network}")
    write_csv(rows, args.output / "false-alarms.csv", comments)
    write_csv(distribution(kinds), args.output / "false-alarms-p-values.csv", comments)
    plot(kinds, rows, args.output / "false-alarms.png")
    for row in rows:
        print(", ".join(f"{key} {value}" for key, value in row.items()))
    return 1 if any(row["present"] for row in rows) else 0


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", default="photo")
    parser.add_argument("--images", default="bundled:all", help="folder; bundled:all by default")
    parser.add_argument("--limit", type=int, help="use the first N photos")
    parser.add_argument("--crops", type=int, default=10_000)
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--search", type=int, default=100)
    parser.add_argument("--output", type=Path, default=ROOT / "results/photo")
    return parser.parse_args()


def distribution(kinds):
    """Points of the plot: how many readings have at most a p-value."""
    grid = np.concatenate([np.logspace(-6, -1, 41), np.linspace(0.1, 1, 46)[1:]])
    return [
        {"kind": kind, "p_value": float(p), "share": float(np.mean(found[:, 0] <= p))}
        for kind, found in kinds.items()
        for p in grid
    ]


def plot(kinds, rows, path):
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    plain, logarithmic = figure.subplots(1, 2)
    for (kind, found), row in zip(kinds.items(), rows, strict=True):
        p_values = np.sort(found[:, 0])
        share = np.arange(1, len(p_values) + 1) / len(p_values)
        label = f"{kind}: {len(found)} readings, KS p = {row['ks_p_value']:.2g}"
        plain.step(p_values, share, where="post", label=label)
        logarithmic.step(p_values, share, where="post")
    for axes in (plain, logarithmic):
        axes.axline((1e-6, 1e-6), (1, 1), color="black", linewidth=0.8, linestyle="--")
        axes.set_xlabel("p-value")
        axes.set_ylabel("share of readings up to it")
    plain.set(xlim=(0, 1), ylim=(0, 1), title="unmarked photos and wrong keys")
    plain.legend(loc="lower right", fontsize="small")
    smallest = 0.3 / max(map(len, kinds.values()))
    logarithmic.set(
        xscale="log", yscale="log", xlim=(smallest, 1), ylim=(smallest, 1), title="small p-values"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    sys.exit(main())
