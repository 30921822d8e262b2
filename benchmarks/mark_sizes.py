"""Whether barriers and keyed hosts are read at other sizes than that of their training, 64 x 64.

    python benchmarks/mark_sizes.py --images photos/ --radiographs radiographs/ --limit 50

Images are squeezed to each size and marked by the barrier; a host does its task on them and puts
out that size. All are rounded to 8 bits and read. Writes results/barrier/barrier-sizes.csv and
results/keyed/keyed-sizes.csv: mean and least similarity, and the share of at least 0.9.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from tfwm.files import result_head, write_csv
from tfwm.images.arrays import to_uint8
from tfwm.startup import import_tensorflow

ROOT = Path(__file__).resolve().parents[1]
SIZES = (64, 128, 256)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", required=True, help="folder of photos")
    parser.add_argument("--radiographs", required=True, help="folder of radiographs")
    parser.add_argument("--limit", type=int, default=50, help="photos that are measured")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--output", type=Path, default=ROOT / "results")
    args = parser.parse_args()
    import_tensorflow()
    from tfwm.data import read_photos

    photos = read_photos(args.images, 3, args.limit)
    radiographs = read_photos(args.radiographs, 1, args.limit)
    tables = {
        "barrier": [
            *measure(Barrier("barrier-derain"), photos, args.sizes),
            *measure(Barrier("barrier-xray"), radiographs, args.sizes),
        ],
        "keyed": [
            *measure(Host("keyed-colorize", gray), photos, args.sizes),
            *measure(Host("keyed-super-resolve", quarter), photos, args.sizes),
        ],
    }
    for kind, rows in tables.items():
        print(*rows, sep="\n")
        used = f"{args.images} and {args.radiographs}" if kind == "barrier" else args.images
        head = result_head(f"{used}, {args.limit} images")
        print("wrote", write_csv(rows, args.output / kind / f"{kind}-sizes.csv", head))


class Barrier:
    """A shipped barrier."""

    def __init__(self, name):
        from tfwm.protection import load_barrier

        self.name, self.reader = name, load_barrier(name)
        self.mark = self.reader.mark


class Host:
    """A shipped keyed host, which does its task on what `prepare` makes of photos."""

    def __init__(self, name, prepare):
        from tfwm.protection import load_keyed

        network = load_keyed(name)
        key = (network.folder / "demonstration.secret").read_text().strip()
        self.name, self.reader, self.prepare = name, network.reader(key), prepare
        self.host = network.host

    def mark(self, photos):
        from tfwm.evaluation.ownership import run_network

        return run_network(self.host, self.prepare(photos))


def measure(marker, photos, sizes):
    """Yields a row for each size."""
    for size in sizes:
        images = np.stack([squeezed(photo, size) for photo in photos])
        similarity = marker.reader.similarity(to_uint8(marker.mark(images)))
        yield {
            "network": marker.name,
            "size": size,
            "images": len(images),
            "similarity": float(similarity.mean()),
            "least": float(similarity.min()),
            "success": float(np.mean(similarity >= 0.9)),
        }


def squeezed(photo, size):
    """Returns a uint8 photo as a square."""
    image = Image.fromarray(photo[..., 0] if photo.shape[-1] == 1 else photo)
    square = np.asarray(image.resize((size, size), Image.Resampling.BICUBIC), np.float32) / 255
    return square.reshape(size, size, -1)


def gray(images):
    return images @ np.array([[0.299], [0.587], [0.114]], np.float32)


def quarter(images):
    small = images.shape[1] // 4
    return np.stack([squeezed(image, small) for image in to_uint8(images)])


if __name__ == "__main__":
    main()
