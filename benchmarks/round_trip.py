"""Whether a message with key comes back from every photo, saved as PNG and as JPEG 50.

    python benchmarks/round_trip.py --images photos/
    python benchmarks/round_trip.py --psnr 40 --quality 30
    python benchmarks/round_trip.py --network stegastamp-crop --psnr 22 26 30

Each photo is marked at each PSNR wanted (38 dB by default) with 8 bytes, or as many as the
network holds, encoded, and read from what was encoded, in its size and place. Writes
results/photo/round-trip-<dataset>.csv, a row for each, with the 95 % Wilson interval; of another
network than `photo`, round-trip-<network>-<dataset>.csv in the folder of its system.
"""

import argparse
import io
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from tfwm.evaluation import Photos
from tfwm.files import result_head, write_csv
from tfwm.images import psnr
from tfwm.startup import import_tensorflow
from tfwm.statistics import wilson_interval

ROOT = Path(__file__).resolve().parents[1]
KEY = "tfwm evaluation"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", default="photo")
    parser.add_argument("--images", default="bundled:all", help="folder; bundled:all by default")
    parser.add_argument("--psnr", type=float, nargs="+", default=[38.0])
    parser.add_argument("--quality", type=int, default=50, help="of JPEG, 4:2:0")
    parser.add_argument("--output", type=Path, help="results/photo, or that of --network")
    args = parser.parse_args()
    import_tensorflow()
    from tfwm.watermarker import load

    watermarker = load(args.network)
    photos = Photos.of(args.images, color=True)
    rows = []
    for wanted in args.psnr:
        measured = measure(watermarker, photos.images, wanted, args)
        print(*measured, sep="\n")
        rows += measured
    names = [
        "round-trip",
        *([Path(args.network).name] if args.network != "photo" else []),
        photos.name,
    ]
    folder = args.output or ROOT / "results" / Path(args.network).name.split("-")[0]
    write_csv(
        rows,
        folder / f"{'-'.join(names)}.csv",
        result_head(f"{photos.name}, {len(photos.images)} images"),
    )


def measure(watermarker, images, wanted, args):
    """Returns a row for each format of photos that are marked at a PSNR."""
    size = min(8, watermarker.codec(KEY).max_bytes)
    forms = {"PNG": {}, f"JPEG {args.quality}": {"quality": args.quality, "subsampling": "4:2:0"}}
    found, qualities = {form: [] for form in forms}, []
    for number, cover in enumerate(tqdm(images)):
        payload = np.random.default_rng([0, number]).bytes(size)
        marked = watermarker.embed(cover, payload, key=KEY, psnr=wanted)
        qualities.append(psnr(cover, marked))
        for form, options in forms.items():
            buffer = io.BytesIO()
            Image.fromarray(marked).save(buffer, form.split()[0], **options)
            reading = watermarker.extract(Image.open(buffer), key=KEY, search="none")
            found[form].append(reading.message == payload and reading.decision == "present")
    rows = []
    for form, exact in found.items():
        low, high = wilson_interval(np.mean(exact), len(exact))
        rows.append(
            {
                "network": args.network,
                "form": form,
                "bytes": size,
                "images": len(exact),
                "exact": float(np.mean(exact)),
                "exact_low": low,
                "exact_high": high,
                "psnr_mean": float(np.mean(qualities)),
                "psnr_least": float(np.min(qualities)),
            }
        )
    return rows


if __name__ == "__main__":
    main()
