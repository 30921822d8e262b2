"""What `subtle` takes from a mark where it shows, and what that costs when it is read.

    python benchmarks/subtle_mark.py --images photos/ --count 24

Takes the photos of a folder of which most is smooth or clipped. Each is marked at strength 1, and
more until it reads with room to spare, as `tfwm embed` does it; then the change in its smooth and
clipped parts is measured in levels of 255, and the photo is read after JPEG 75 and 50 (4:2:0) and
after a resize to 75 % (`--search scale`). Writes results/photo/subtle.csv.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

import tfwm
from tfwm.data.sources import list_photos
from tfwm.files import result_head, write_csv
from tfwm.images import Photo, luminance, read_photo
from tfwm.marking.check import resaved
from tfwm.marking.subtle import hiding, visible_share

ROOT = Path(__file__).resolve().parents[1]
MESSAGE, KEY = "(c) 2026 Ada Lovelace", "key"
SEEN = 0.25
MARGIN = 2.0


def resized(photo):
    pixels = photo.pixels
    image = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[..., 0])
    size = image.width * 3 // 4, image.height * 3 // 4
    return read_photo(image.resize(size, Image.Resampling.BICUBIC))


CHANGES = {
    "jpeg75": resaved,
    "jpeg50": lambda photo: resaved(photo, 50),
    "resized": resized,
}


def measure(watermarker, path):
    """Yields a row for the default mark and for the subtle one."""
    cover = read_photo(path)
    codec = watermarker.codec(KEY)
    parts = hiding(cover.pixels / np.float32(255)) < SEEN
    for subtle in (False, True):
        mark = watermarker.prepare(cover, MESSAGE, key=KEY, subtle=subtle)
        for marked, strength in mark.attempts():  # noqa: B007
            margin = codec.margin(watermarker.read_votes(marked, KEY), MESSAGE)
            if margin >= MARGIN:
                break
        change = 255 * np.abs(luminance(marked.pixels) - luminance(cover.pixels))[parts]
        row = {"subtle": subtle, "written": margin >= MARGIN, "psnr": mark.psnr(marked)}
        row |= {"strength": strength, "mean": change.mean(), "p99": np.percentile(change, 99)}
        for name, changed in CHANGES.items():
            copy = changed(Photo(marked.pixels))
            row[name] = watermarker.extract(copy, key=KEY, search="scale").message == MESSAGE
        yield row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", required=True)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--network", default="photo")
    options = parser.parse_args()
    watermarker = tfwm.load(options.network)
    shares = {}
    for path in list_photos(options.images):
        shares[path] = visible_share(read_photo(path).pixels / np.float32(255))
    paths = sorted(shares, key=shares.get, reverse=True)[: options.count]
    rows = [row for path in tqdm(paths) for row in measure(watermarker, path)]
    table = []
    for subtle in (False, True):
        chosen = [row for row in rows if row["subtle"] == subtle]
        means = {n: np.mean([r[n] for r in chosen]) for n in ("psnr", "strength", "mean", "p99")}
        counts = {name: sum(r[name] for r in chosen) for name in ("written", *CHANGES)}
        smooth = np.mean([shares[path] for path in paths])
        table.append({"subtle": subtle, "photos": len(paths), "smooth": smooth, **means, **counts})
    head = result_head(f"{Path(options.images).name}, {len(paths)} images")
    write_csv(table, ROOT / "results/photo/subtle.csv", head)
    for row in table:
        print({k: round(float(v), 3) for k, v in row.items()})


if __name__ == "__main__":
    main()
