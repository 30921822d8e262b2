"""Measures how close each JPEG attack comes to the real codec.

    python benchmarks/jpeg_fidelity.py [--images FOLDER] [--output results/jpeg/jpeg-fidelity.csv]

Mean PSNR in dB over images of the attack's 8-bit output against what Pillow (libjpeg-turbo)
decodes at the same quality and chroma subsampling. Where both are equal in every pixel the
PSNR has no bound and counts as 100 dB. "Baseline" is the photo itself. By default the
photos are those that scikit-image carries, cut to odd sides on purpose.
"""

import argparse
import io
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
from PIL import Image

from tfwm.attacks import JPEG
from tfwm.files import result_head, write_csv
from tfwm.images.quality import IDENTICAL as EQUAL
from tfwm.images.quality import psnr

QUALITIES = range(10, 100, 5)
METHODS = ("faithful", "codec", "cubic", "noise", "mask")
KINDS = ("gray", "4:4:4", "4:2:0")


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
                    output = np.uint8(np.rint(np.clip(output, 0, 1) * 255))
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

    columns = ["kind", "quality", "method", "psnr_mean", "psnr_min", "equal"]
    table = [
        {**dict(zip(columns, row, strict=True)), "images": len(images)}
        | {"psnr_mean": f"{row[3]:.2f}", "psnr_min": f"{row[4]:.2f}"}
        for row in rows
    ]
    data = arguments.images or "scikit-image-samples"
    head = result_head(f"{data}, {len(images)} images")
    output = write_csv(table, arguments.output, head)

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
