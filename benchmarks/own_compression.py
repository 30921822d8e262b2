"""What a marked file weighs and bears if it keeps its source's compression, beside the default.

    python benchmarks/own_compression.py --images photos/ --count 12

Each photo is saved as a source (JPEG 4:2:0 of several qualities, WebP, AVIF), marked, and saved by
that source's own compression and by the default (JPEG 95 and AVIF 90 with 4:4:4, lossless WebP).
Writes results/photo/own-compression.csv: the size beside the source's, the PSNR of the file to its
source, the room with which it reads, and whether it reads after JPEG 75 and 50 (4:2:0).
"""

import argparse
import io
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

import tfwm
from tfwm.data.sources import list_photos
from tfwm.files import result_head, write_csv
from tfwm.images import decode_photo, encode_photo, encodings, psnr, read_photo
from tfwm.marking.check import resaved

ROOT = Path(__file__).resolve().parents[1]
SOURCES = {
    "JPEG 95 4:2:0": ("jpg", {"quality": 95}),
    "JPEG 85 4:2:0": ("jpg", {"quality": 85}),
    "JPEG 75 4:2:0": ("jpg", {"quality": 75}),
    "WebP 80": ("webp", {"quality": 80}),
    "AVIF 75 4:2:0": ("avif", {"quality": 75}),
}
MESSAGE, KEY = "(c) 2026 Ada Lovelace", "key"


def measure(watermarker, path):
    """Yields a row for each source and way to save."""
    pixels = read_photo(path).pixels
    codec = watermarker.codec(KEY)
    for source, (ending, options) in SOURCES.items():
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, {"jpg": "JPEG"}.get(ending, ending.upper()), **options)
        cover = decode_photo(buffer.getvalue())
        marked = watermarker.prepare(cover, MESSAGE, key=KEY).apply()
        ways = encodings(cover, cover.encoding.file_format)
        for way, encoding in zip(("own", "default"), ways, strict=True):
            encoded = encode_photo(marked, f"a.{ending}", encoding)
            copy = decode_photo(encoded)
            read = {"margin": codec.margin(watermarker.read_votes(copy, KEY), MESSAGE)}
            for quality in (75, 50):
                again = watermarker.read_votes(resaved(copy, quality), KEY)
                read[f"margin{quality}"] = codec.margin(again, MESSAGE)
                found = codec.decode(again)
                read[f"read{quality}"] = found is not None and found.message == MESSAGE
            size = len(encoded) / cover.encoding.size
            yield {
                "source": source,
                "way": way,
                "size": size,
                "psnr": psnr(cover.pixels, copy.pixels),
                **read,
            }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", required=True)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--network", default="photo")
    options = parser.parse_args()
    watermarker = tfwm.load(options.network)
    paths = list_photos(options.images)
    paths = paths[:: max(len(paths) // options.count, 1)][: options.count]
    rows = [row for path in tqdm(paths) for row in measure(watermarker, path)]
    table = []
    for source in SOURCES:
        for way in ("own", "default"):
            chosen = [row for row in rows if (row["source"], row["way"]) == (source, way)]
            values = {name: np.mean([row[name] for row in chosen]) for name in list(chosen[0])[2:]}
            for quality in (75, 50):
                values[f"read{quality}"] = sum(row[f"read{quality}"] for row in chosen)
            table.append({"source": source, "way": way, "photos": len(chosen), **values})
    head = result_head(f"{Path(options.images).name}, {len(paths)} images")
    write_csv(table, ROOT / "results/photo/own-compression.csv", head)
    for row in table:
        print({k: round(v, 2) if isinstance(v, float) else v for k, v in row.items()})


if __name__ == "__main__":
    main()
