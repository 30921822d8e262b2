"""What is read from a barrier's outputs, and a surrogate's, after edits that change their size too.

    python benchmarks/barrier_edits.py runs/barrier-derain --surrogates unet-l2 res9-l2

Takes a finished run of `tfwm.recipes.barrier` and crops of its test photos, at their own size
(256 x 256 by default): the barrier's outputs, unmarked ones, and what surrogates, which the run
trained at its own size, make of the task's inputs. Copies stay as small or large as the edit leaves
them. Writes results/barrier/barrier-edits-NAME.csv, a row for each edit and kind of image:
similarity, the least, and the share of at least 0.9.
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np

from tfwm.files import result_head, write_csv
from tfwm.startup import import_tensorflow

ROOT = Path(__file__).resolve().parents[1]
# Distortions of `tfwm.distortions` by what they are called in the table.
EDITS = {
    "none": [],
    **{f"JPEG {quality}": [("jpeg", quality)] for quality in (70, 50, 30)},
    **{f"resized to {n}%": [("scale", n / 100)] for n in (50, 63, 75, 90, 120, 150, 200)},
    **{f"cropped to {n}% of the area": [("crop", n / 100)] for n in (90, 50)},
    **{f"Gaussian blur, sigma {sigma}": [("gaussian_blur", sigma)] for sigma in (1, 2)},
    "Gaussian noise, sigma 10": [("gaussian_noise", 10)],
    "resized to 75%, JPEG 70": [("scale", 0.75), ("jpeg", 70)],
    "cropped to 90%, resized to 75%, JPEG 70": [("crop", 0.9), ("scale", 0.75), ("jpeg", 70)],
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--surrogates", nargs="*", default=["unet-l2"], help="of the run")
    parser.add_argument("--size", type=int, default=256, help="side of the crops in pixels")
    parser.add_argument("--images", type=int, default=50, help="crops")
    parser.add_argument("--output", type=Path, default=ROOT / "results/barrier")
    args = parser.parse_args()
    import_tensorflow()
    from tfwm.evaluation.runs import BarrierRun

    run = BarrierRun.load(args.run)
    rows, path = [], args.output / f"barrier-edits-{run.name}.csv"
    head = result_head(f"{run.config['test_photos']}, {args.images} images")
    for row in measure(run, args):
        rows.append(row)
        print(row, flush=True)
        write_csv(rows, path, head)
    print("wrote", path)


def measure(run, args):
    """Yields a row for each edit of each kind of image."""
    from tfwm.evaluation.ownership import run_network
    from tfwm.images.arrays import to_uint8
    from tfwm.recipes.barrier import Config, test_pairs
    from tfwm.training import load_config

    config = load_config(Config, run.folder / "initial" / "config.toml")
    barrier = run.barrier()
    inputs, targets = test_pairs(dataclasses.replace(config, crop_size=args.size), args.images)
    groups = {"marked": to_uint8(barrier.mark(targets)), "unmarked": to_uint8(targets)}
    for name in args.surrogates:
        groups[name] = run_network(run.surrogate(name), inputs)
    for label, steps in EDITS.items():
        for kind, images in groups.items():
            copies = [edited(image, steps, seed) for seed, image in enumerate(images)]
            read = barrier.similarity(copies)
            yield {
                "run": run.name,
                "edit": label,
                "images_of": kind,
                "images": len(images),
                "similarity": float(read.mean()),
                "least": float(read.min()),
                "largest": float(read.max()),
                "success": float(np.mean(read >= 0.9)),
            }


def edited(image, steps, seed):
    """Returns a copy of a uint8 image `(height, width, channels)` after distortions."""
    from tfwm.distortions import distort
    from tfwm.images.arrays import plane

    generator, copy = np.random.default_rng(seed), plane(image)
    for name, level in steps:
        copy = distort(name, copy, level, generator)
    return copy.reshape(*copy.shape[:2], -1)


if __name__ == "__main__":
    main()
