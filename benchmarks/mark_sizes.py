"""Whether barriers and keyed hosts are read at other sizes than that of their training, 64 x 64.

    python benchmarks/mark_sizes.py --images photos/ --radiographs radiographs/ --limit 50

Images are squeezed to each size and marked by the barrier; a host does its task on them and puts
out that size. All are rounded to 8 bits and read. Writes results/barrier/barrier-sizes.csv and
results/keyed/keyed-sizes.csv: mean and least similarity, the share of at least 0.9, what the
unmarked photos read at most, and of a barrier the PSNR, of a host the share of QR codes decoded.
And results/barrier/barrier-foreign.csv: what is read with barrier-xray from gray photos, which are
no radiographs: unmarked, and (`marked`, `marked_success`) with its mark.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from tfwm.files import result_head, write_csv
from tfwm.images.arrays import to_uint8
from tfwm.startup import import_tensorflow

ROOT = Path(__file__).resolve().parents[1]
SIZES = (64, 128, 256, 512)
TEXT = "TFWM KEYED"  # of the shipped hosts' QR code


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", required=True, help="folder of photos")
    parser.add_argument("--radiographs", required=True, help="folder of radiographs")
    parser.add_argument("--limit", type=int, default=50, help="photos that are measured")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--output", type=Path, default=ROOT / "results")
    parser.add_argument("--xray", default="barrier-xray", help="name or folder of that barrier")
    parser.add_argument("--parts", nargs="+", default=["barrier", "keyed", "foreign"])
    args = parser.parse_args()
    import_tensorflow()
    from tfwm.data import read_photos

    photos = read_photos(args.images, 3, args.limit)
    radiographs = read_photos(args.radiographs, 1, args.limit)
    parts = {
        "barrier": lambda: [
            *measure(Barrier("barrier-derain"), photos, args.sizes),
            *measure(Barrier(args.xray), radiographs, args.sizes),
        ],
        "keyed": lambda: [
            *measure(Host("keyed-colorize", gray), photos, args.sizes),
            *measure(Host("keyed-super-resolve", quarter), photos, args.sizes),
        ],
        "foreign": lambda: list(foreign(Barrier(args.xray), photos, args.sizes)),
    }
    for part in args.parts:
        rows = parts[part]()
        print(*rows, sep="\n")
        used = f"{args.images} and {args.radiographs}" if part == "barrier" else args.images
        head = result_head(f"{used}, {args.limit} images")
        kind, name = ("barrier", part) if part == "foreign" else (part, "sizes")
        print("wrote", write_csv(rows, args.output / kind / f"{kind}-{name}.csv", head))


def foreign(marker, photos, sizes):
    """Yields what is read from photos of another kind, in gray, at each size."""
    for size in sizes:
        images = gray(np.stack([squeezed(photo, size) for photo in photos]))
        similarity = marker.reader.similarity(to_uint8(images))
        marked = marker.reader.similarity(to_uint8(marker.mark(images)))
        yield {
            "network": marker.name,
            "size": size,
            "images": len(images),
            "similarity": float(similarity.mean()),
            "largest": float(similarity.max()),
            "success": float(np.mean(similarity >= 0.9)),
            "marked": float(marked.mean()),
            "marked_success": float(np.mean(marked >= 0.9)),
        }


class Barrier:
    """A shipped barrier."""

    def __init__(self, name):
        from tfwm.protection import load_barrier

        self.name, self.reader = name, load_barrier(name)
        self.mark = self.reader.mark

    def more(self, images, marked, read):
        from tfwm.images.quality import mean_quality

        return {"psnr": mean_quality(to_uint8(images), marked)["psnr"]}


class Host:
    """A shipped keyed host, which does its task on what `prepare` makes of photos."""

    def __init__(self, name, prepare):
        from host_attacks import demonstration_reader

        from tfwm.protection import load_keyed

        network = load_keyed(name)
        self.name, self.reader, self.prepare = name, demonstration_reader(network), prepare
        self.host = network.host

    def mark(self, photos):
        from tfwm.evaluation.ownership import run_network

        return run_network(self.host, self.prepare(photos))

    def more(self, images, marked, read):
        from tfwm.evaluation.ownership import qr_share

        return {"qr": qr_share(read, TEXT)}


def measure(marker, photos, sizes):
    """Yields a row for each size."""
    from tfwm.metrics import watermark_similarity

    for size in sizes:
        images = np.stack([squeezed(photo, size) for photo in photos])
        marked = to_uint8(marker.mark(images))
        read = marker.reader.read(marked)
        similarity = watermark_similarity(marker.reader.watermark, read)
        yield {
            "network": marker.name,
            "size": size,
            "images": len(images),
            "similarity": float(similarity.mean()),
            "least": float(similarity.min()),
            "success": float(np.mean(similarity >= 0.9)),
            "unmarked": float(marker.reader.similarity(images).max()),
            **marker.more(images, marked, read),
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
