"""Measures how close each JPEG attack comes to the real codec.

    python benchmarks/jpeg_fidelity.py [--images FOLDER] [--output results/jpeg/jpeg-fidelity.csv]

Mean PSNR in dB over images of the attack's 8-bit output against what Pillow (libjpeg-turbo)
decodes at the same quality and chroma subsampling. Where both are equal in every pixel the
PSNR has no bound and counts as 100 dB. "Baseline" is the photo itself. By default the
photos are those that scikit-image carries, cut to odd sides on purpose.
"""

import argparse
import csv
import io
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
from PIL import Image

from tfwm.attacks import JPEG

QUALITIES = range(10, 100, 5)
METHODS = ("faithful", "codec", "cubic", "noise", "mask")
KINDS = ("gray", "4:4:4", "4:2:0")
EQUAL = 100.0


def sample_photos():
    from skimage import data

    names = ("astronaut", "chelsea", "coffee", "rocket")
    return [getattr(data, name)()[:299, :401, :3] for name in names]


def photos_in(folder):
    paths = sorted(p for p in Path(folder).iterdir() if p.suffix.lower() in (".png", ".jpg"))
    if not paths:
        raise SystemExit(f"No .png or .jpg images in {folder}")
    return [np.asarray(Image.open(path).convert("RGB")) for path in paths]


def real_jpeg(image, quality, kind):
    buffer = io.BytesIO()
    pixels = Image.fromarray(image[..., 0] if kind == "gray" else image)
    subsampling = {} if kind == "gray" else {"subsampling": kind}
    pixels.save(buffer, "JPEG", quality=quality, **subsampling)
    return np.asarray(Image.open(buffer)).reshape(image.shape)


def psnr(first, second):
    error = np.mean((first.astype(np.float64) - second) ** 2)
    return 10 * np.log10(255**2 / error) if error else EQUAL


def measure(images):
    """Yields (kind, quality, method, mean PSNR, smallest PSNR, images equal in every pixel)."""
    grays = [np.asarray(Image.fromarray(image).convert("L"))[..., None] for image in images]
    for kind in KINDS:
        subsampling = "4:2:0" if kind == "gray" else kind
        group = grays if kind == "gray" else images
        for quality in QUALITIES:
            real = [real_jpeg(image, quality, kind) for image in group]
            attacks = {m: JPEG(quality, method=m, subsampling=subsampling, seed=0) for m in METHODS}
            attacks = {"baseline": lambda x: x, **attacks}
            for method, attack in attacks.items():
                values = []
                for image, wanted in zip(group, real, strict=True):
                    output = attack(tf.constant(image[None] / 255, tf.float32))[0]
                    output = np.rint(np.clip(output, 0, 1) * 255)
                    values.append(psnr(output, wanted))
                equal = sum(value == EQUAL for value in values)
                yield kind, quality, method, np.mean(values), min(values), equal


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", help="folder of .png or .jpg photos")
    parser.add_argument("--output", default="results/jpeg/jpeg-fidelity.csv")
    arguments = parser.parse_args()
    images = photos_in(arguments.images) if arguments.images else sample_photos()
    rows = list(measure(images))

    output = Path(arguments.output)
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["kind", "quality", "method", "psnr_mean", "psnr_min", "equal", "images"])
        for *key, mean, smallest, equal in rows:
            writer.writerow([*key, f"{mean:.2f}", f"{smallest:.2f}", equal, len(images)])

    print(f"{len(images)} photos, quality 10..95 step 5; mean PSNR (dB) to Pillow's JPEG")
    print(f"{'':10}" + "".join(f"{kind:>20}" for kind in KINDS))
    for method in ("baseline", *METHODS):
        cells = ""
        for kind in KINDS:
            found = [row for row in rows if row[0] == kind and row[2] == method]
            total = len(found) * len(images)
            equal = sum(row[5] for row in found)
            cells += f"{np.mean([row[3] for row in found]):10.2f} ={equal:>4}/{total}"
        print(f"{method:10}{cells}")
    print(f"'= n/m': images equal to the codec's in every pixel, counted as {EQUAL:.0f} dB")
    print(f"wrote {output}")


if __name__ == "__main__":
    main()
