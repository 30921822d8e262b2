"""How far fingerprints of photos move under everyday edits, and how far apart other photos are.

    python benchmarks/fingerprint.py --images photos/urban100 photos/bsds500/test
    python benchmarks/fingerprint.py --edited 5       # a quick look

Distances are numbers of different bits, of 256. Writes results/provenance/fingerprint.csv: a row
for each edit of the suite `everyday`, on --edited photos, and one for all pairs of photos.
"""

import argparse
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tfwm.distortions import RANDOM, distort
from tfwm.evaluation import Photos, load_suite
from tfwm.files import result_head, write_csv
from tfwm.fingerprints import OTHER, SAME, distance, fingerprint

ROOT = Path(__file__).resolve().parents[1]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", nargs="+", default=["bundled:all"])
    parser.add_argument("--edited", type=int, default=20)
    parser.add_argument("--output", type=Path, default=ROOT / "results/provenance")
    args = parser.parse_args()
    found = [Photos.of(source, color=True) for source in args.images]
    images = [image for photos in found for image in photos.images]
    plain = sum(fingerprint(image) is None for image in images)
    images = [image for image in images if fingerprint(image) is not None]
    print(f"{plain} of {plain + len(images)} show too little for a fingerprint")
    rows = [*edits(images[:: max(len(images) // args.edited, 1)][: args.edited]), pairs(images)]
    names = ", ".join(f"{photos.name} ({len(photos.images)})" for photos in found)
    what = "different bits of fingerprints, of 256"
    head = result_head(f"{names}, {len(images)} images", what=what)
    write_csv(rows, args.output / "fingerprint.csv", head)
    for row in rows:
        print(", ".join(f"{key} {value}" for key, value in row.items()))


def edits(images):
    """Yields the row of each edit."""
    before = [fingerprint(image) for image in images]
    columns = [(d.name, level) for d in load_suite("everyday").distortions for level in d.levels]
    for name, level in tqdm(columns):
        apart = []
        for number, (image, value) in enumerate(zip(images, before, strict=True)):
            more = (np.random.default_rng(number),) if name in RANDOM else ()
            after = fingerprint(distort(name, image, level, *more))
            if after is not None:
                apart.append(distance(value, after))
        yield row(name, level, apart)


def pairs(images):
    values = [np.frombuffer(fingerprint(image), np.uint8) for image in images]
    values = np.array(values)
    apart = [np.bitwise_count(v ^ values[n + 1 :]).sum(1) for n, v in enumerate(values[:-1])]
    return row("pairs of photos", None, np.concatenate(apart))


def row(name, level, apart):
    apart = np.asarray(apart)
    return {
        "edit": name,
        "level": level,
        "number": len(apart),
        "least": int(apart.min()),
        "median": float(np.median(apart)),
        "most": int(apart.max()),
        "same": int((apart <= SAME).sum()),
        "another": int((apart > OTHER).sum()),
    }


if __name__ == "__main__":
    raise SystemExit(main())
