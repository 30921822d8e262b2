"""Training speed of ReDMark: this package's way against the usual one, in one run.

    python benchmarks/redmark_training.py

Both train the same network (MT-Net of the paper: four attacks, SSIM and cross-entropy losses) on
the same bundled photos. The reference way is the authors': batches of 32, all four attacks computed
and blended by masks, `train_on_batch` and then `predict_on_batch` in each step. This package's way
is that of its recipes: `fit` over batches of 512 with the attacks side by side, compiled by XLA.
The two take turns; the last line has the ratios of their medians in patches a second, and a second
of the processor's time, which a busy machine disturbs less. Also writes
`results/speed/redmark-training.csv`.
"""

import argparse
import itertools
import statistics
import time
from pathlib import Path

import keras

from tfwm import data
from tfwm.files import result_head, write_csv
from tfwm.recipes.redmark import RECIPE, Config

REFERENCE = Config(batch_size=32, attack_per="image", jit_compile=False)
PACKAGE = Config(
    batch_size=512,
    attack_per="slice",
    optimizer="adam",
    learning_rate=1e-3,
    beta_2=0.995,
    clip_norm=1.0,
    schedule="cosine",
    jit_compile=True,
)


def main():
    """Prints patches a second of both ways, round by round, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each way in each round")
    options = parser.parse_args()
    keras.utils.set_random_seed(0)
    patches = data.cut_patches(data.read_photos("bundled:train", 1), 32)
    ways = {"reference": _reference_way(patches), "package": _package_way(patches)}
    speeds = {name: [] for name in ways}
    for run in range(options.rounds):
        for name, way in ways.items():
            speeds[name].append(_measure(way, options.seconds))
            wall, processor = speeds[name][-1]
            print(
                f"round {run + 1}  {name:9}  {wall:8.0f} patches/s  {processor:8.0f} a CPU second"
            )
    row = {}
    for index, kind in enumerate(("", "cpu_")):
        medians = {n: statistics.median(v[index] for v in values) for n, values in speeds.items()}
        row |= {kind + name: round(value) for name, value in medians.items()}
        row[f"{kind}ratio"] = f"{medians['package'] / medians['reference']:.1f}"
    path = Path(__file__).resolve().parents[1] / "results/speed/redmark-training.csv"
    head = result_head("bundled:train, 7 images", f"patches a second, medians of {options.rounds}")
    write_csv([row], path, head)
    print(*(f"{name} {value}" for name, value in row.items()), sep=", ")


def _measure(way, seconds):
    """Returns the patches a second, and a second of the processor's time."""
    start, processor, patches = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - start < seconds:
        patches += way()
    processor = time.process_time() - processor
    return patches / (time.perf_counter() - start), patches / processor


def _reference_way(patches):
    batches = iter(data.CropStream(patches, 32, REFERENCE.batch_size).dataset())
    return _way(REFERENCE, reference_steps, batches)


def _package_way(patches):
    batches = data.CropStream(patches, 32, PACKAGE.batch_size).dataset()
    return _way(PACKAGE, package_steps, batches)


def _way(config, train, batches):
    """Returns a function that trains some steps and returns the number of patches."""
    trainer = RECIPE.build_model(config)
    train(trainer, batches)  # traces the graphs, and compiles
    return lambda: train(trainer, batches) * config.batch_size


def reference_steps(trainer, batches):
    """Trains ten steps in the authors' way; returns their number."""
    for batch in itertools.islice(batches, 10):
        trainer.train_on_batch(batch)
        trainer.predict_on_batch(batch)
    return 10


def package_steps(trainer, batches):
    """Trains an epoch of a hundred steps in this package's way; returns their number."""
    trainer.fit(batches, steps_per_epoch=100, verbose=0)
    return 100


if __name__ == "__main__":
    main()
