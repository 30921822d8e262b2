"""What the marks of the shipped networks cost a photo at their default strength.

    python benchmarks/network_quality.py --images photos/ --limit 50

Each photo is marked with a message of 2 bytes at strength 1, at its own size: PSNR in dB and SSIM
to the photo, and the largest change of a sample. `accepted` is the share of photos that `tfwm
embed` writes, raising the strength if need be; others it refuses, because the mark would not be
read with some margin. Writes results/networks/network-quality-<dataset>.csv.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tfwm.evaluation import Photos
from tfwm.files import result_head, write_csv
from tfwm.images.quality import psnr, ssim
from tfwm.startup import import_tensorflow

ROOT = Path(__file__).resolve().parents[1]
NETWORKS = (
    "photo",
    *("redmark-mt", "redmark-jt", "redmark-gt"),
    *("mbrs-128", "mbrs-128-diffusion"),
    *("stegastamp-original", "stegastamp-crop", "stegastamp-print"),
)
KEY, BYTES = "tfwm evaluation", 2


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--images", default="bundled:all", help="folder; bundled:all by default")
    parser.add_argument("--limit", type=int, help="photos that are measured; all by default")
    parser.add_argument("--output", type=Path, default=ROOT / "results/networks")
    args = parser.parse_args()
    import_tensorflow()
    photos = Photos.of(args.images, color=True)
    images = photos.images[: args.limit]
    rows = [measure(name, images) for name in args.networks]
    print(*rows, sep="\n")
    head = result_head(f"{photos.name}, {len(images)} images")
    print("wrote", write_csv(rows, args.output / f"network-quality-{photos.name}.csv", head))


def measure(name, images):
    """Returns the row of a network."""
    from tfwm.watermarker import load

    watermarker = load(name)
    qualities, changes, accepted = [], [], []
    for number, photo in enumerate(tqdm(images, desc=name)):
        message = np.random.default_rng([0, number]).bytes(BYTES)
        marked = watermarker.embed(photo, message, key=KEY)
        qualities.append((psnr(photo, marked), ssim(photo, marked)))
        changes.append(np.abs(marked.astype(int) - photo).max())
        accepted.append(accepts(watermarker, photo, message))
    quality, similarity = zip(*qualities, strict=True)
    return {
        "network": name,
        "images": len(images),
        "bytes": BYTES,
        "psnr_mean": float(np.mean(quality)),
        "psnr_least": float(np.min(quality)),
        "ssim": float(np.mean(similarity)),
        "largest_change": int(np.max(changes)),
        "accepted": float(np.mean(accepted)),
    }


def accepts(watermarker, photo, message):
    """Tells whether a file of the photo can be marked."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "photo.png"
        Image.fromarray(photo).save(source, compress_level=1)
        try:
            watermarker.embed_file(source, Path(folder) / "marked.png", message, key=KEY)
        except ValueError:
            return False
    return True


if __name__ == "__main__":
    main()
