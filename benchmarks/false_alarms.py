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
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy import stats
from tqdm import tqdm

from tfwm.evaluation import Photos
from tfwm.files import result_head, write_csv
from tfwm.payload import Codec, Key
from tfwm.startup import import_tensorflow
from tfwm.statistics import wilson_interval

RATE = 1e-6
SIDES = (64, 512)
CROP_KEYS = 64
ROOT = Path(__file__).resolve().parents[1]


def main():
    args = parse_args()
    import_tensorflow()
    from tfwm.watermarker import load

    watermarker = load(args.network)
    photos = Photos.of(args.images, color=True, limit=args.limit)
    kinds = {
        "crops": crop_readings(watermarker, photos.images, args.crops),
        "keys": key_readings(watermarker, photos.images, args.keys),
        "search": search_readings(watermarker, photos.images, args.search),
    }
    kinds = {kind: np.array(found) for kind, found in kinds.items() if len(found)}
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


def crop_readings(watermarker, images, count):
    """Returns `(p-value, whether present)` of unmarked crops, read in place."""
    codecs = [watermarker.codec(f"key {i}") for i in range(CROP_KEYS)]
    rng = np.random.default_rng(0)
    found = []
    for number in tqdm(range(count), desc="crops", disable=not count):
        votes = watermarker.read_votes(random_crop(images, rng))
        found.append(judged(codecs[number % CROP_KEYS], votes))
    return found


def key_readings(watermarker, images, count):
    """Returns the like of marked photos that are read with wrong keys."""
    if not count:
        return []
    slots = watermarker.codec().slots
    numbers = np.array_split(np.arange(count), min(count, len(images)))
    found = []
    # Making a key is meant to take its time, outside Python's lock.
    with (
        ThreadPoolExecutor(os.cpu_count()) as pool,
        tqdm(total=count, desc="keys", disable=not count) as bar,
    ):
        for i, (image, mine) in enumerate(zip(images, numbers, strict=False)):
            marked = watermarker.embed(image, np.random.default_rng(i).bytes(8), key=f"right {i}")
            votes = watermarker.read_votes(marked)

            def read(number, votes=votes):
                return judged(Codec(slots, Key(f"wrong {number}")), votes)

            for result in pool.map(read, mine):
                found.append(result)
                bar.update()
    return found


def search_readings(watermarker, images, count):
    """Returns the like of unmarked crops, through the whole search."""
    rng = np.random.default_rng(1)
    found = []
    for number in tqdm(range(count), desc="search", disable=not count):
        crop = random_crop(images, rng)
        extraction = watermarker.extract(
            crop, key=f"key {number % CROP_KEYS}", false_positive_rate=RATE
        )
        found.append((extraction.p_value, extraction.decision == "present"))
    return found


def judged(codec, votes):
    """The p-value of one reading, and whether it or a message that fits says present."""
    p_value = codec.p_value(codec.pilot_score(votes))
    decoded = codec.decode(votes)
    tag = 1.0 if decoded is None else decoded.tag_p_value
    return p_value, min(p_value, tag) <= RATE


def random_crop(images, rng):
    image = images[rng.integers(len(images))]
    # As many small as large ones: even in the logarithm of the side.
    rows, columns = (
        min(int(round(np.exp(rng.uniform(*np.log(SIDES))))), n) for n in image.shape[:2]
    )
    top = rng.integers(image.shape[0] - rows + 1)
    left = rng.integers(image.shape[1] - columns + 1)
    return np.ascontiguousarray(image[top : top + rows, left : left + columns])


def summary(kind, found):
    p_values, present = found[:, 0], found[:, 1]
    test = stats.kstest(p_values, "uniform")
    alarms = int(present.sum())
    return {
        "kind": kind,
        "readings": len(found),
        "rate": RATE,
        "present": alarms,
        "present_high": wilson_interval(alarms / len(found), len(found))[1],
        "smallest_p_value": float(p_values.min()),
        "below_0.001": float(np.mean(p_values <= 1e-3)),
        "below_0.01": float(np.mean(p_values <= 1e-2)),
        "below_0.1": float(np.mean(p_values <= 0.1)),
        "ks_distance": float(test.statistic),
        "ks_p_value": float(test.pvalue),
    }


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
