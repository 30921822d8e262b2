"""What reading photos while a network trains costs: memory, and steps a second.

    python benchmarks/training_data.py --photos photos/photos299

Memory: the largest resident memory of a process beyond TensorFlow's that takes crops of `--copies`
photos (hard links of those given), until cache and pools are full. Speed: steps a second of the
recipe `photo` at its packaged settings `cpu`, with crops cut once and held as one tensor in memory,
as tfwm did it before, and with `CropStream`, in turns in one process. Writes
results/speed/training-data.csv.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tfwm.files import result_head, write_csv

ROOT = Path(__file__).resolve().parents[1]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True, help="folder of photos")
    parser.add_argument("--copies", type=int, default=100_000, help="photos of the large folder")
    parser.add_argument("--read", type=int, default=6_000, help="photos that are read of these")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=10, help="steps of a round")
    parser.add_argument("--output", type=Path, default=ROOT / "results/speed")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        part = memory(args.photos, args.read) if args.part == "memory" else speed(args)
        print(json.dumps(part))
        return
    with tempfile.TemporaryDirectory(dir=args.output) as folder:
        many = link(args.photos, Path(folder), args.copies)
        row = {"photos": many, **part_of(args, "memory", folder)}
    row |= part_of(args, "speed", args.photos)
    head = result_head(f"{args.photos.name}, {len(photos_of(args.photos))} images")
    print(write_csv([row], args.output / "training-data.csv", head).read_text())


def part_of(args, part, photos):
    words = [sys.executable, __file__, "--part", part, "--photos", photos]
    for name in ("read", "rounds", "steps"):
        words += [f"--{name}", str(getattr(args, name))]
    return json.loads(subprocess.check_output(words).splitlines()[-1])


def photos_of(folder):
    return sorted(path for path in folder.iterdir() if path.suffix in (".jpg", ".jpeg", ".png"))


def link(photos, folder, copies):
    """Fills a folder with so many hard links to copies of photos; returns their number."""
    files = photos_of(photos)
    for number in range(copies):
        first, target = number % len(files), folder / f"{number:06d}{files[0].suffix}"
        if number < len(files):
            shutil.copyfile(files[first], target)
        else:
            os.link(folder / f"{first:06d}{files[0].suffix}", target)
    return copies


def memory(photos, count):
    """Takes crops of 128 pixels until so many photos were read, as MBRS is trained."""
    import tensorflow as tf

    from tfwm.data import CropStream

    tf.reduce_sum(tf.ones((16, 128, 128, 3))).numpy()
    before, start = peak(), time.perf_counter()
    stream = CropStream(str(photos), 128, 16)
    opened = time.perf_counter() - start
    batches = iter(stream.dataset())
    for _ in range(count * stream.per_photo // 16):
        next(batches)
    return {
        "megabytes_above_tensorflow": round((peak() - before) / 1024),
        "seconds_to_open": round(opened, 1),
        "photos_per_second": round(count / (time.perf_counter() - start - opened)),
    }


def speed(args):
    """Steps a second of both ways, the median over rounds of each."""
    import tensorflow as tf

    from tfwm.recipes import find_recipe, parts

    recipe = find_recipe("photo")
    config = recipe.load("cpu", [f"photos={args.photos}"])
    patches = parts.cut_source(config, str(args.photos))
    ways = {
        "before": held_in_memory(tf, patches, config),
        "stream": recipe.stream(config).dataset(),
    }
    ways = {name: iter(way) for name, way in ways.items()}
    trainer = recipe.build_model(config)
    steps, batches = {name: [] for name in ways}, {name: [] for name in ways}
    for number in range(args.rounds + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            for _ in range(args.steps):
                trainer.train_on_batch(next(way))
            steps[name].append(args.steps / (time.perf_counter() - start))
            start = time.perf_counter()
            for _ in range(20 * args.steps):
                next(way)
            batches[name].append(20 * args.steps / (time.perf_counter() - start))
        if not number:  # it traced
            steps, batches = {name: [] for name in ways}, {name: [] for name in ways}
    ratios = np.divide(steps["stream"], steps["before"])
    return {
        "steps_per_second_before": float(np.median(steps["before"])),
        "steps_per_second": float(np.median(steps["stream"])),
        "ratio": float(np.median(ratios)),
        "batches_alone_before": float(np.median(batches["before"])),
        "batches_alone": float(np.median(batches["stream"])),
        "crops": len(patches),
    }


def held_in_memory(tf, patches, config):
    """The way before: all crops in one tensor, mirrored by the batch."""
    table, size, count = tf.constant(patches), config.batch_size, len(patches)

    def to_batch(step):
        numbers = step * size + tf.range(size, dtype=tf.int64)
        seeds = tf.stack([numbers * 0, numbers * 0 + config.seed, numbers // count], -1)
        order = tf.raw_ops.RandomIndexShuffle(
            index=numbers % count, seed=seeds, max_index=tf.constant(count - 1, tf.int64), rounds=4
        )
        batch = tf.gather(table, order)
        for axis in (1, 2):
            drawn = tf.random.stateless_uniform((), [axis, step])
            batch = tf.cond(
                drawn < 0.5, lambda b=batch, a=axis: tf.reverse(b, [a]), lambda b=batch: b
            )
        return tf.image.convert_image_dtype(batch, tf.float32)

    steps = tf.data.Dataset.counter(0)
    return steps.map(to_batch, tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)


def peak():
    """Largest resident memory so far, in kilobytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
