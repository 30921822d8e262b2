"""Bits and messages that are read from simulated photographs of prints and screens.

    python benchmarks/prints.py --network stegastamp-print --images photos/
    python benchmarks/prints.py --network stegastamp-crop --scenes plain margin --count 50

Each photo is marked at strength 1 with a message of 4 bytes and a key, put into a scene as in
`benchmarks/rectify.py`, photographed at levels 1 to 3, and read as `tfwm extract --corners find`
does: at every quadrilateral that looks like a print. `bits` is the share of right bits in the one
whose votes are clearest, `exact` the share of messages that are read and called present. Writes
results/stegastamp/prints-<dataset>.csv, with 95 % Wilson intervals of `exact`.
"""

import argparse
from pathlib import Path

import numpy as np
from rectify import SCENES, photograph_in
from tqdm import tqdm

from tfwm.evaluation import Photos
from tfwm.files import result_head, write_csv
from tfwm.images import Photo, psnr
from tfwm.startup import import_tensorflow
from tfwm.statistics import wilson_interval

ROOT = Path(__file__).resolve().parents[1]
KEY, BYTES = "tfwm evaluation", 4


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", nargs="+", default=["stegastamp-print", "stegastamp-crop"])
    parser.add_argument("--images", default="bundled:test", help="folder; bundled:test by default")
    parser.add_argument("--count", type=int, default=50, help="photos, the first ones")
    parser.add_argument("--scenes", nargs="+", choices=SCENES, default=SCENES)
    parser.add_argument("--output", type=Path, default=ROOT / "results/stegastamp")
    args = parser.parse_args()
    import_tensorflow()
    from tfwm.watermarker import load

    photos = Photos.of(args.images, color=True, limit=args.count)
    rows = []
    for name in args.network:
        watermarker = load(name)
        marked = [mark(watermarker, *pair) for pair in enumerate(photos.images)]
        quality = float(np.mean([psnr(x, y) for x, y in zip(photos.images, marked, strict=True)]))
        for scene in args.scenes:
            for level in (1, 2, 3):
                rows.append(measure(watermarker, scene, level, marked))
                rows[-1] = {"network": Path(name).name, **rows[-1], "psnr_mean": quality}
                print(rows[-1], flush=True)
    head = result_head(f"{photos.name}, {len(photos.images)} images")
    write_csv(rows, args.output / f"prints-{photos.name}.csv", head)


def payload(number):
    """Returns the message of a photo."""
    return np.random.default_rng([0, number]).bytes(BYTES)


def mark(watermarker, number, cover):
    """Returns the marked photo."""
    return watermarker.embed(cover, payload(number), key=KEY)


def measure(watermarker, scene, level, marked):
    """Returns the row of a scene at a level."""
    right, exact = [], []
    codec = watermarker.codec(KEY)
    for number, image in enumerate(tqdm(marked, desc=f"{scene} {level}")):
        generator = np.random.default_rng([SCENES.index(scene), level, number])
        photo = Photo(photograph_in(scene, image, level, generator)[0])
        message = payload(number)
        reading = watermarker.extract(photo, key=KEY, corners="find", search="none")
        exact.append(reading.message == message and reading.decision == "present")
        right.append(bits_read(watermarker.network, codec, photo, codec.encode(message)))
    low, high = wilson_interval(np.mean(exact), len(exact))
    return {
        "scene": scene,
        "level": level,
        "images": len(exact),
        "bits": float(np.mean(right)),
        "exact": float(np.mean(exact)),
        "exact_low": low,
        "exact_high": high,
    }


def bits_read(network, codec, photo, bits):
    """Returns the share of right bits in the picture whose votes are clearest."""
    from tfwm.marking.views import readings

    votes = [found[2] for found in readings(network, codec, photo, "find", "none")]
    best = max(votes, key=lambda found: np.abs(found).mean())
    return np.mean((best > 0) == bits)


if __name__ == "__main__":
    main()
