"""How well shipped keyed hosts do their task, beside the plainest ways to do it.

    python benchmarks/keyed_baselines.py --images photos/

The crops are those of the hosts' recipes: each photo as a whole and seven parts of it, squeezed to
64 x 64 pixels. A gray photo is copied to red, green and blue, or gets one fixed tint (a factor and
an offset for each channel, fitted to the photos that come with tfwm); a small photo is enlarged by
bicubic resampling. Writes results/keyed/keyed-baselines.csv: PSNR in dB and SSIM to the truth.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from tfwm.files import result_head, write_csv
from tfwm.images.arrays import to_uint8
from tfwm.images.quality import mean_quality
from tfwm.startup import import_tensorflow

ROOT = Path(__file__).resolve().parents[1]
SIDE, PER_PHOTO = 64, 8


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", default="bundled:all", help="folder; bundled:all by default")
    parser.add_argument("--output", type=Path, default=ROOT / "results/keyed")
    args = parser.parse_args()
    import_tensorflow()
    from tfwm.data.tasks import Colorize, SuperResolve

    gray = {"the gray photo": lambda x: np.repeat(x, 3, -1), "one tint": fit_tint(Colorize())}
    tasks = {
        "keyed-colorize": (Colorize(), gray),
        "keyed-super-resolve": (SuperResolve(factor=4, enlarge=False), {"bicubic": enlarge}),
    }
    rows = [row for name, task in tasks.items() for row in measure(name, *task, args.images)]
    print(*rows, sep="\n")
    head = result_head(f"{args.images}, {rows[0]['images']} images", "crops of photos")
    print("wrote", write_csv(rows, args.output / "keyed-baselines.csv", head))


def measure(name, task, plain_ways, photos):
    """Yields the quality of a host's outputs, then of each plain way's."""
    from tfwm.evaluation.ownership import run_network
    from tfwm.protection import load_keyed

    inputs, targets = pairs(photos, task)
    host = load_keyed(name).host
    for way, run in {"host": lambda x: run_network(host, x), **plain_ways}.items():
        quality = mean_quality(to_uint8(targets), to_uint8(run(inputs)))
        yield {"network": name, "way": way, "images": len(targets), **quality}


def pairs(photos, task):
    """Returns inputs and targets of crops of photos, as the hosts' recipes have them."""
    from tfwm.data import all_pairs, task_crops

    return all_pairs(task_crops(photos, task, SIDE, 0, PER_PHOTO, whole=True), task, 0)


def fit_tint(task):
    """Returns the function that colors a gray image by the best line for each channel."""
    inputs, targets = pairs("bundled:all", task)
    lines = [np.polyfit(inputs.ravel(), targets[..., c].ravel(), 1) for c in range(3)]
    return lambda x: np.concatenate([np.polyval(line, x) for line in lines], -1)


def enlarge(images):
    """Returns images of four times the size."""
    sides = tuple(4 * side for side in images.shape[2:0:-1])
    resize = [Image.fromarray(i).resize(sides, Image.Resampling.BICUBIC) for i in to_uint8(images)]
    return np.stack([np.asarray(image) for image in resize]) / np.float32(255)


if __name__ == "__main__":
    main()
