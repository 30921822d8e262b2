"""How long marking a generator's pictures takes, beside the time that making them takes.

    python benchmarks/stamper.py
    python benchmarks/stamper.py --repeats 9 --sides 512

`Stamper` marks arrays in [-1, 1], as pipelines have them before they become files: with the check
that reads each picture back, and without. `StampLayer` marks the same in a compiled graph, without
a check. `sign` makes JPEG files that are read back and signed with a test certificate (left out
without the extra `provenance`). The stand-in for a generator is a small U-Net that is run 20 times
a picture, as a sampler runs its denoiser: the large ones of the field take hundreds of times as
long on the same processor. It makes one picture a size; the others take turns. Medians and the
fastest runs, and the medians of the cores' time, which other programs on the machine hardly change,
are written to results/provenance/stamper.csv. The pictures are pieces of
scikit-image's `coffee`, enlarged.
"""

import argparse
import importlib.util
import os
import platform
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image
from skimage import data

from tfwm.files import result_head, write_csv
from tfwm.models.parts import unet
from tfwm.provenance import Stamper, make_test_signer

STEPS = 20  # of the sampler
ROOT = Path(__file__).resolve().parents[1]


def main():
    args = parse_args()
    rows = []
    for side in args.sides:
        for batch in args.batches:
            rows += measure(pictures(side, batch), args.repeats)
    load = f"load average at the end {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    notes = f"network photo; medians of {args.repeats}; {os.cpu_count()} cores", cpu(), load
    write_csv(rows, args.output, result_head("scikit-image-samples, 1 image", *filter(None, notes)))
    for row in rows:
        print(", ".join(f"{key} {value}" for key, value in row.items()))


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sides", type=int, nargs="+", default=[512, 1024])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", type=Path, default=ROOT / "results/provenance/stamper.csv")
    return parser.parse_args()


def pictures(side, batch):
    """Returns `(batch, side, side, 3)` float32 in [-1, 1], mirrored and turned pieces."""
    photo = np.asarray(Image.fromarray(data.coffee()[:, 100:500]).resize((side, side)))
    turned = [np.rot90(photo[:, :: 1 - 2 * (i // 4 % 2)], i) for i in range(batch)]
    return np.stack(turned).astype(np.float32) / np.float32(127.5) - 1


def measure(images, repeats):
    """Returns a row for each method on one batch, after one run to warm up."""
    times, runs = {}, methods(images)
    for turn in range(repeats + 1):
        for name, run in runs.items():
            clocks = np.array([time.perf_counter(), time.process_time()])
            run()
            if turn:
                spent = [time.perf_counter(), time.process_time()] - clocks
                times.setdefault(name, []).append(spent)
    batch, side = images.shape[:2]
    if batch == 1:
        times[f"generator, {STEPS} steps"] = [generator_time(side)]
    return [
        {
            "method": name,
            "side": side,
            "batch": batch,
            "ms_an_image": round(1000 * np.median(found, axis=0)[0] / batch, 1),
            "fastest_ms_an_image": round(1000 * np.min(found, axis=0)[0] / batch, 1),
            "core_ms_an_image": round(1000 * np.median(found, axis=0)[1] / batch, 1),
        }
        for name, found in times.items()
    ]


def methods(images):
    """Returns `{name: function}` that mark one batch."""
    stamper, unchecked = (
        Stamper("acme-image", "2.1", key="secret", range=(-1, 1), check=check)
        for check in (True, False)
    )
    layer = tf.function(stamper.layer())
    found = {
        "Stamper": lambda: stamper.stamp(images),
        "Stamper, no check": lambda: unchecked.stamp(images),
        "StampLayer": lambda: layer(tf.constant(images)).numpy(),
    }
    if importlib.util.find_spec("c2pa"):
        signer = make_test_signer(Path(tempfile.mkdtemp()) / "test")
        found["Stamper.sign, JPEG"] = lambda: stamper.sign(images, signer=signer, file_format="jpg")
    return found


def generator_time(side):
    """Seconds, and those of one core, that a small sampler takes for one picture."""
    inputs = keras.Input((None, None, 4))
    denoiser = keras.Model(inputs, unet(inputs, 3, width=32, depth=4, normalization=None))
    step = tf.function(lambda x: denoiser(x, training=False))
    noisy = tf.random.normal((1, side, side, 4))
    step(noisy)
    clocks = np.array([time.perf_counter(), time.process_time()])
    for _ in range(STEPS):
        noisy = tf.concat([step(noisy), noisy[..., :1]], axis=-1)
    noisy.numpy()
    return [time.perf_counter(), time.process_time()] - clocks


def cpu():
    path = Path("/proc/cpuinfo")
    names = [x for x in path.read_text().splitlines() if "model name" in x] if path.exists() else []
    return names[0].split(":")[1].strip() if names else platform.machine()


if __name__ == "__main__":
    main()
