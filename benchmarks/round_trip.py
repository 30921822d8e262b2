"""Whether a message with key comes back from every photo, saved as PNG, as JPEG 50, or cut.

    python benchmarks/round_trip.py --images photos/
    python benchmarks/round_trip.py --psnr 40 --quality 30
    python benchmarks/round_trip.py --network stegastamp-crop --psnr default 30 --bytes 4 --cut

Each photo is marked at each PSNR wanted (38 dB by default) with 8 bytes, or as many as the
network holds, encoded, and read from what was encoded, in its size and place; `--cut` takes 7.5 %
off each edge before that. `default` is what `tfwm embed` does: strength 1, more if the mark would
not be read with some margin, and photos that it refuses count as not read. Writes
results/photo/round-trip-<dataset>.csv, a row for each, with the 95 % Wilson interval; of another
network than `photo`, round-trip-<network>-<dataset>.csv in the folder of its system.
"""

import argparse
import io
import tempfile
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
    parser.add_argument("--psnr", nargs="+", default=["38"], help="in dB, or `default`")
    parser.add_argument("--bytes", type=int, default=8, help="of a message, at most")
    parser.add_argument("--quality", type=int, default=50, help="of JPEG, 4:2:0")
    parser.add_argument("--cut", action="store_true", help="also read with 7.5 % off each edge")
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
    size = min(args.bytes, watermarker.codec(KEY).max_bytes)
    forms = {"PNG": {}, f"JPEG {args.quality}": {"quality": args.quality, "subsampling": "4:2:0"}}
    if args.cut:
        forms["PNG, 7.5 % cut off each edge"] = {}
    found, qualities = {form: [] for form in forms}, []
    for number, cover in enumerate(tqdm(images)):
        payload = np.random.default_rng([0, number]).bytes(size)
        marked = mark(watermarker, cover, payload, wanted)
        if marked is not None:
            qualities.append(psnr(cover, marked))
        for form, options in forms.items():
            copy = marked is not None and encoded(marked, form, options)
            found[form].append(bool(copy) and reads(watermarker, copy, payload))
    rows = []
    for form, exact in found.items():
        low, high = wilson_interval(np.mean(exact), len(exact))
        rows.append(
            {
                "network": args.network,
                "strength": "default" if wanted == "default" else "tuned",
                "form": form,
                "bytes": size,
                "images": len(exact),
                "exact": float(np.mean(exact)),
                "exact_low": low,
                "exact_high": high,
                "refused": 1 - len(qualities) / len(exact),
                "psnr_mean": float(np.mean(qualities)),
                "psnr_least": float(np.min(qualities)),
            }
        )
    return rows


def mark(watermarker, cover, payload, wanted):
    """Returns the marked photo, or `None` if `tfwm embed` would refuse it."""
    if wanted != "default":
        return watermarker.embed(cover, payload, key=KEY, psnr=float(wanted))
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source.png"), Path(folder, "marked.png")
        Image.fromarray(cover).save(source)
        try:
            watermarker.embed_file(source, target, payload, key=KEY)
        except ValueError:
            return None
        return np.asarray(Image.open(target).convert("RGB"))


def encoded(marked, form, options):
    """Returns the bytes of a marked photo in one of the forms."""
    image, buffer = Image.fromarray(marked), io.BytesIO()
    if "cut" in form:
        x, y = (round(0.075 * side) for side in image.size)
        image = image.crop((x, y, image.width - x, image.height - y))
    image.save(buffer, "JPEG" if options else "PNG", **options)
    return buffer.getvalue()


def reads(watermarker, copy, payload):
    """Tells whether the message is read and called present."""
    reading = watermarker.extract(Image.open(io.BytesIO(copy)), key=KEY, search="none")
    return reading.message == payload and reading.decision == "present"


if __name__ == "__main__":
    main()
