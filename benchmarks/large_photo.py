"""How much memory and time a large photo takes, from file to marked file and back.

    python benchmarks/large_photo.py
    python benchmarks/large_photo.py --megapixels 24 --format jpg

Marks a made-up photo (a sample photograph, enlarged) in a process of its own and reads it in
another, and prints the largest resident memory of each beyond what the process had with the model
loaded and used once on a small photo. Writes results/speed/large-photo.csv.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from tfwm.files import result_head, write_csv

ROOT = Path(__file__).resolve().parents[1]
MESSAGE = "(c) 2026 Ada Lovelace"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", default="photo")
    parser.add_argument("--megapixels", type=float, nargs="+", default=[2, 24, 60])
    parser.add_argument("--format", default="png", choices=["png", "jpg"])
    parser.add_argument("--output", type=Path, default=ROOT / "results/speed")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        print(json.dumps(run(args.part, args.folder, args.network, args.format)))
        return
    rows = []
    for megapixels in args.megapixels:
        with tempfile.TemporaryDirectory() as folder:
            width = int(math.sqrt(megapixels * 1.5e6))
            height = int(megapixels * 1e6 / width)
            photo = Image.fromarray(data.coffee()).resize((width, height), Image.BICUBIC)
            photo.save(Path(folder) / f"photo.{args.format}", quality=95, compress_level=1)
            del photo
            for part in ("embed", "extract"):
                words = [sys.executable, __file__, "--part", part, "--folder", folder]
                words += ["--network", args.network, "--format", args.format]
                result = json.loads(subprocess.check_output(words).splitlines()[-1])
                rows.append({"pixels": f"{width}x{height}", "part": part, **result})
                print(rows[-1], flush=True)
    head = result_head("scikit-image-coffee, 1 images")
    write_csv(rows, args.output / "large-photo.csv", head)


def run(part, folder, network, ending):
    import tfwm

    watermarker = tfwm.load(network)
    small = np.asarray(Image.fromarray(data.coffee()).resize((768, 512)))
    watermarker.extract(watermarker.embed(small, MESSAGE, key="k"), key="k", search="none")
    before, start = peak(), time.perf_counter()
    if part == "embed":
        target = folder / f"marked.{ending}"
        watermarker.embed_file(folder / f"photo.{ending}", target, MESSAGE, key="k")
        ok = target.is_file()
    else:
        found = watermarker.extract(folder / f"marked.{ending}", key="k")
        ok = found.message == MESSAGE
    return {
        "megabytes_above_model": round((peak() - before) / 1024),
        "seconds_with_file": round(time.perf_counter() - start, 2),
        "works": ok,
    }


def peak():
    """Largest resident memory so far, in kilobytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
