"""What removals leave of the mark in a barrier's outputs, and in the surrogates trained on them.

    python benchmarks/barrier_bench.py runs/barrier-derain
    python benchmarks/barrier_bench.py runs/barrier-derain --images 64 --surrogates unet-l2 cnet-l2
    python benchmarks/barrier_bench.py runs/barrier-derain --others runs/other/barrier-other

Takes a finished run of `tfwm.recipes.barrier`. The barrier's outputs of test photos, and those of
its surrogates, are attacked in every way of `removal`; each surrogate
is also trained further on clean pairs. Each result is compared with the unmarked outputs. `psnr`
is what an attack cost, against what the attacker began with. Rows are written as they come.

Writes barrier-bench-NAME.csv and a figure, barrier-bench-NAME.png, in results/barrier: what is left
of the mark after each attack, with the first photo and what is read from it.
"""

import argparse
import functools
import sys
import time
from pathlib import Path

import numpy as np
from photo_sets import places

from tfwm.files import result_head, write_csv
from tfwm.images.drawing import COLORS, new_figure, save_figure
from tfwm.startup import import_tensorflow

ROOT = Path(__file__).resolve().parents[1]
UNTOUCHED, BROKEN = "#444444", "#b9b9b9"
ROW, PICTURE = 0.42, 64  # inches, pixels


def main():
    args = parse_args()
    import_tensorflow()
    from tfwm.evaluation.runs import BarrierRun
    from tfwm.training import ConfigError

    try:
        run = BarrierRun.load(args.run)
        names = run.surrogates if args.surrogates is None else args.surrogates
        networks = {name: run.surrogate(name) for name in names}
        results = bench(run, networks, args)
        path = args.output / f"barrier-bench-{run.name}.csv"
        data = f"{run.config['test_photos']}, {args.images} images"
        head = result_head(data, f"crops; seed {args.seed}")
        rows, kept, start = [], [], time.perf_counter()
        for result in results:
            rows.append(result.row)
            kept.append(result)
            write_csv(rows, path, head)
            print(f"{time.perf_counter() - start:7.0f} s  {line(result.row)}", flush=True)
    except (ConfigError, FileNotFoundError, ValueError) as error:
        sys.exit(f"barrier_bench: error: {error}")
    print("wrote", path)
    print("wrote", draw(kept, run.name, path.with_suffix(".png")))


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--images", type=int, default=64, help="test crops, 64 by default")
    parser.add_argument(
        "--surrogates", nargs="*", help="those of the run to attack; all by default"
    )
    parser.add_argument("--others", nargs="*", default=[], help="barriers to mark again with")
    parser.add_argument("--held", type=int, default=256, help="outputs the attacker averages")
    parser.add_argument("--queries", type=int, default=200, help="0: without these attacks")
    parser.add_argument("--steps", type=int, default=20, help="gradients; 0: without them")
    parser.add_argument("--pairs", type=int, default=32, help="clean ones for fine-tuning")
    parser.add_argument("--tuned", type=int, nargs="*", default=[50, 200, 800], help="after steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=ROOT / "results/barrier")
    args = parser.parse_args()
    if min(args.images, args.held, args.pairs) < 1:
        parser.error("expected --images, --held and --pairs of at least 1")
    return args


def bench(run, networks, args):
    """Yields all results, group by group."""
    from removal import overwrite, removal_attacks
    from removal.bench import OwnershipBench

    from tfwm.evaluation.ownership import run_network
    from tfwm.images.arrays import to_uint8
    from tfwm.protection import load_barrier
    from tfwm.recipes.barrier import Config, test_pairs
    from tfwm.training import load_config

    config = load_config(Config, run.folder / "initial" / "config.toml")
    barrier = run.barrier()
    pairs = test_pairs(config, config.test_images)
    pairs = evenly(dict(zip(("input", "target"), pairs, strict=True)), args.images)
    clean = attacker_pairs(config, max(args.held, args.pairs))
    held = to_uint8(barrier.mark(evenly(clean, args.held)[config.source]))
    unmarked = to_uint8(pairs["target"])
    marked = to_uint8(barrier.mark(pairs[config.source]))
    overwriters = {
        f"barrier {other.name}": functools.partial(overwrite, barrier=other)
        for other in map(load_barrier, args.others)
    }
    attacks = removal_attacks(
        barrier,
        held,
        reader_of(barrier) if args.steps else None,
        overwriters,
        args.queries,
        args.steps,
        args.seed,
    )
    owned = OwnershipBench(barrier, unmarked)
    yield from owned.attack("unmarked", unmarked)
    yield from owned.attack("marked", marked, attacks)
    copies = {name: run_network(network, pairs["input"]) for name, network in networks.items()}
    clean = evenly(clean, args.pairs)
    for name, images in copies.items():
        yield from owned.attack(name, images, attacks)
        if args.tuned:
            tuning = {"steps": args.tuned, "seed": args.seed}
            yield from owned.fine_tune(name, networks[name], pairs["input"], clean, **tuning)
    yield from owned.average(copies)


def attacker_pairs(config, count):
    """Inputs and clean targets of the attacker's photos, float32."""
    from tfwm.data import all_pairs
    from tfwm.data.tasks import build_task
    from tfwm.recipes.barrier import ATTACKER
    from tfwm.recipes.translation import read_crops

    crops = read_crops(config, config.photos, part=ATTACKER)
    crops = evenly({"crops": crops}, count)["crops"]
    pairs = all_pairs(crops, build_task(config.task), config.seed)
    return dict(zip(("input", "target"), pairs, strict=True))


def evenly(arrays, count):
    """Up to so many entries of arrays of one length, from all of it."""
    have = len(next(iter(arrays.values())))
    chosen = places(have, count)
    return {key: array[chosen] for key, array in arrays.items()}


def reader_of(barrier):
    """The barrier's extractor as a function that has gradients."""
    from tfwm.protection.picture import resized

    def read(images):
        return barrier.extractor(resized(images, barrier.image_size), training=False)

    return read


def line(row):
    name = f"{row['images_of']}: {row['attack']}"
    return (
        f"{name:<48} PSNR {row['psnr']:6.2f} dB  similarity {row['similarity']:6.3f}  "
        f"success {100 * row['success']:3.0f} %  p {row['p_value']:.1e}"
    )


def draw(results, name, path):
    """Draws a column of bars and pictures for each group that was attacked; returns the path."""
    groups = {}
    for result in results:
        groups.setdefault(result.row["images_of"], []).append(result)
    groups = {key: found for key, found in groups.items() if len(found) > 1}
    longest = max(len(found) for found in groups.values())
    figure = new_figure(6.5 * len(groups), 1.4 + ROW * longest)
    figure.suptitle(
        f"{name}: what is read after each attack, and the PSNR that it cost. Gray: not proven"
    )
    columns = figure.subplots(
        1, 2 * len(groups), squeeze=False, gridspec_kw={"width_ratios": [5, 2 * ROW] * len(groups)}
    )[0]
    for number, (key, found) in enumerate(groups.items()):
        bars, pictures = columns[2 * number : 2 * number + 2]
        _draw_bars(bars, key, found)
        sheet = np.concatenate([_pictures(result) for result in found])
        pictures.imshow(sheet, extent=(0, 2, len(found) - 0.5, -0.5), aspect="auto")
        for axis in (bars, pictures):
            axis.set_ylim(longest - 0.5, -0.5)
        pictures.set_title("image, read", fontsize=8)
        pictures.axis("off")
    return save_figure(figure, path, path.stem)


def _draw_bars(axis, name, results):
    kinds = dict.fromkeys(result.row["kind"] for result in results)
    colours = dict(zip(kinds, (UNTOUCHED, *COLORS, *COLORS), strict=False))
    for place, result in enumerate(results):
        row = result.row
        colour = colours[row["kind"]]
        axis.barh(place, row["similarity"], color=colour if row["proven"] else BROKEN, height=0.7)
        if row["attack"] != "none":
            axis.text(1.02, place, f"{row['psnr']:.1f} dB", va="center", fontsize=8)
    axis.set_yticks(range(len(results)), [result.row["attack"] for result in results], fontsize=8)
    axis.set(xlim=(-0.1, 1.25), title=name, xlabel="similarity")
    axis.grid(axis="x", alpha=0.3)


def _pictures(result):
    """The first image and what is read from it, side by side in white frames."""
    pair = []
    for image in (result.image / 255, result.read.clip(0, 1)):
        rows, columns = (np.arange(PICTURE) * side // PICTURE for side in image.shape[:2])
        small = np.broadcast_to(image[rows][:, columns], (PICTURE, PICTURE, 3))
        pair.append(np.pad(small, [(2, 2), (2, 2), (0, 0)], constant_values=1))
    return np.concatenate(pair, 1)


if __name__ == "__main__":
    main()
