"""How long it takes to find that a photo has no mark, in one thread and in all.

    python benchmarks/unmarked_speed.py --images photos/urban100
    python benchmarks/unmarked_speed.py --images photos/urban100 --photos 2      # to try it out

Photos are scaled to cover each size and cut to it from the middle, and read by
`Watermarker.extract` with a key and the default search, after one that does not count. With one
thread and with as many as there are cores in turn; `processor` is the time of all threads. Writes
results/speed/unmarked.csv.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
from photo_sets import places
from PIL import Image, ImageOps
from tqdm import tqdm

import tfwm
from tfwm.data.sources import list_photos
from tfwm.files import result_head, write_csv
from tfwm.marking import Reader

SIZES = ((768, 512), (4000, 3000))
NETWORKS = ("photo", "photo-private")


def of_size(path, size):
    """Returns the middle of a photo as RGB of a size, scaled to cover it."""
    with Image.open(path) as image:
        return np.asarray(ImageOps.fit(image.convert("RGB"), size, Image.Resampling.BICUBIC))


def measure(watermarker, photo, threads):
    """Returns the seconds, those of the processor, and the decision of one reading."""
    Reader._threads = property(lambda self: threads)
    start, processor = time.perf_counter(), time.process_time()
    found = watermarker.extract(photo, key="of nobody")
    return time.perf_counter() - start, time.process_time() - processor, found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, required=True, help="folder of photos")
    parser.add_argument("--photos", type=int, default=10, help="photos, evenly chosen")
    args = parser.parse_args()
    paths = list_photos(args.images)
    chosen = [paths[n] for n in places(len(paths), args.photos)]
    rows = []
    for name in NETWORKS:
        watermarker = tfwm.load(name)
        watermarker.extract(of_size(chosen[0], SIZES[0]), key="of nobody")
        cores = watermarker.network.parallel
        for size in SIZES:
            found = {1: [], cores: []}
            for path in tqdm(chosen, desc=f"{name}, {size[0]}x{size[1]}"):
                photo = of_size(path, size)
                for threads in found:
                    found[threads].append(measure(watermarker, photo, threads))
            for threads, results in found.items():
                seconds, processor, readings = zip(*results, strict=True)
                rows.append(
                    {
                        "network": name,
                        "size": f"{size[0]}x{size[1]}",
                        "threads": threads,
                        "photos": len(chosen),
                        "seconds": round(statistics.median(seconds), 2),
                        "slowest": round(max(seconds), 2),
                        "processor": round(statistics.median(processor), 2),
                        "present": sum(reading.found for reading in readings),
                    }
                )
                print(rows[-1])
    head = result_head(f"{args.images}, {len(chosen)} images", "medians of the photos' seconds")
    path = Path(__file__).resolve().parents[1] / "results/speed/unmarked.csv"
    write_csv(rows, path, head)


if __name__ == "__main__":
    main()
