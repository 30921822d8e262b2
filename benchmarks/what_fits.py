"""How long a message may be in a photo of which size, by network.

    python benchmarks/what_fits.py --images photos/urban100
    python benchmarks/what_fits.py --images photos/urban100 --photos 4      # to try it out

The middle of each photo, square, is resized to each side and marked by `embed_bytes` with a
message of each length and a key, as PNG. `accepted` are those that it writes: it raises the
strength up to 2.5 times, and refuses photos whose message is not read with twice the signal that it
needs. `jpeg_75` and `jpeg_50` are those, of all, that are read after JPEG besides, without a
search. A longer message is not tried where a shorter one fits no photo. PSNR is the mean of the
accepted ones. Writes results/photo/what-fits-<set>.csv.
"""

import argparse
import io
from pathlib import Path

import numpy as np
from photo_sets import photo_result, places
from PIL import Image
from tqdm import tqdm

import tfwm
from tfwm.data.sources import list_photos
from tfwm.files import result_head, write_csv
from tfwm.images import ImageError, decode_photo, psnr
from tfwm.marking.check import resaved

SIDES = 64, 96, 128, 192, 256, 512
BYTES = 2, 8, 16, 32, 64
QUALITIES = 75, 50
KEY = "a key"


def squares(paths, side):
    """Returns the middle of each photo, `(side, side, 3)` uint8."""
    for path in paths:
        with Image.open(path) as photo:
            shorter = min(photo.size)
            left, top = (photo.width - shorter) // 2, (photo.height - shorter) // 2
            box = left, top, left + shorter, top + shorter
            yield np.asarray(photo.convert("RGB").resize((side, side), Image.LANCZOS, box))


def as_png(pixels):
    """Returns the bytes of a PNG of `(height, width, 3)` uint8."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def measure(watermarker, photos, length):
    """Returns what is accepted and read of `photos` with messages of so many bytes."""
    random, qualities = np.random.default_rng(length), []
    read = dict.fromkeys(QUALITIES, 0)
    for photo in photos:
        message = random.bytes(length)
        try:
            encoded = watermarker.embed_bytes(as_png(photo), message, key=KEY)
        except ImageError:
            continue
        marked = decode_photo(encoded)
        qualities.append(psnr(photo, marked.pixels))
        for quality in QUALITIES:
            found = watermarker.extract(resaved(marked, quality), key=KEY, search="none")
            read[quality] += found.message == message
    mean = round(float(np.mean(qualities)), 2) if qualities else None
    found = {"images": len(photos), "accepted": len(qualities), "psnr": mean}
    return found | {f"jpeg_{quality}": count for quality, count in read.items()}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, required=True, help="folder of photos")
    parser.add_argument("--photos", type=int, default=24, help="photos, evenly chosen")
    parser.add_argument("--networks", nargs="+", default=["photo"])
    args = parser.parse_args()
    paths = list_photos(args.images)
    paths = [paths[n] for n in places(len(paths), args.photos)]
    rows = []
    for name in args.networks:
        watermarker = tfwm.load(name)
        for side in tqdm(SIDES, desc=name):
            photos = list(squares(paths, side))
            for length in BYTES:
                row = {"network": watermarker.network.name, "side": side, "bytes": length}
                rows.append(row | measure(watermarker, photos, length))
                if not rows[-1]["accepted"]:
                    break
    head = result_head(f"{args.images}, {len(paths)} images")
    write_csv(rows, photo_result("what-fits", args.images), head)


if __name__ == "__main__":
    main()
