"""Whether `tfwm embed` notices that a photo is marked already, and how often it is wrong.

    python benchmarks/earlier_marks.py --images photos/urban100 photos/bsds500/test --marked 24

Each photo is looked at as it is, with a key: whatever is found then is a false alarm. Of each
folder, --marked photos, evenly chosen, are marked, and looked at with that key and with another
one: as they are, after JPEG 50 (4:2:0), a resize to 75 %, and a crop of 5 and 3 pixels. `least_p`
is the least p-value of the repetition in unmarked photos: by chance, about one over the number of
photos. Writes results/photo/earlier-marks.csv.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from photo_sets import places
from PIL import Image
from tqdm import tqdm

import tfwm
from tfwm.data.sources import list_photos
from tfwm.files import result_head, write_csv
from tfwm.images import Photo, read_photo
from tfwm.marking.check import resaved
from tfwm.marking.earlier import FALSE_ALARM_RATE, WAYS, known_mark, look

ROOT = Path(__file__).resolve().parents[1]
MESSAGE, KEY, OTHER = "(c) 2026 Ada Lovelace", "key", "another key"


def resized(photo):
    image = Image.fromarray(photo.pixels)
    size = image.width * 3 // 4, image.height * 3 // 4
    return read_photo(image.resize(size, Image.Resampling.BICUBIC))


CHANGES = {
    "intact": lambda photo: photo,
    "jpeg50": lambda photo: resaved(photo, 50),
    "resized": resized,
    "cropped": lambda photo: Photo(photo.pixels[5:, 3:]),
}


def measure(watermarker, folder, marked):
    """Returns the row of a folder."""
    paths = list_photos(folder)
    alarms, values, seconds = 0, [], []
    for path in tqdm(paths, desc=f"{folder}, unmarked"):
        photo = read_photo(path)
        start = time.perf_counter()
        place, votes, value = look(watermarker.network, photo, KEY)
        known = known_mark(place, votes, KEY)
        seconds.append(time.perf_counter() - start)
        alarms += known is not None or value <= FALSE_ALARM_RATE / WAYS
        values.append(value)
    row = {
        "photos": "-".join(p for p in Path(folder).parts[-2:] if p != "photos"),
        "unmarked": len(paths),
        "alarms": alarms,
    }
    row |= {"least_p": min(values), "seconds": float(np.median(seconds)), "marked": 0}
    row |= {f"{who}_{name}": 0 for who in ("own", "other") for name in CHANGES}
    for number in tqdm(places(len(paths), marked), desc=f"{folder}, marked"):
        mark = watermarker.prepare(paths[number], MESSAGE, key=KEY).apply()
        row["marked"] += 1
        for name, change in CHANGES.items():
            copy = change(Photo(mark.pixels))
            own = watermarker.earlier_mark(copy, key=KEY)
            row[f"own_{name}"] += own is not None and own.message == MESSAGE
            row[f"other_{name}"] += watermarker.earlier_mark(copy, key=OTHER) is not None
    return row


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", nargs="+", required=True, help="folders of photos")
    parser.add_argument("--marked", type=int, default=24, help="photos of each to mark")
    parser.add_argument("--network", default="photo")
    parser.add_argument("--output", type=Path, default=ROOT / "results" / "photo")
    args = parser.parse_args()
    watermarker = tfwm.load(args.network)
    rows = [measure(watermarker, folder, args.marked) for folder in args.images]
    data = ", ".join(f"{row['photos']} ({row['unmarked']})" for row in rows)
    path = args.output / "earlier-marks.csv"
    write_csv(
        rows, path, result_head(data, f"one false alarm in {1 / FALSE_ALARM_RATE:.0e} wanted")
    )
    print(f"written to {path}")


if __name__ == "__main__":
    main()
