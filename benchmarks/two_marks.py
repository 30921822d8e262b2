"""Whether two marks of different keys are read from one photo, and what a third one leaves.

    python benchmarks/two_marks.py --images photos/urban100
    python benchmarks/two_marks.py --images photos/urban100 --photos 6      # to try it out

Each photo is marked by `embed_file` as PNG with a first key and a message of 8 bytes, and then,
with `over="beside"`, with a second and a third key; where the key filters marks (`--network
photo-private`), all over the photo each time. Photos that refuse one of the first two marks
are counted only. Of the others, `first` and `second` are those whose message is read after an edit
by the default search, and `alone` is the first one before there was a second. The row `third mark`
is that of photos with three. PSNR is that of all marks to the photo. Writes
results/photo/two-marks-<set>.csv, and the network's name into that of others than `photo`.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from bound_edits import edited
from photo_sets import of_network, photo_result, places
from tqdm import tqdm

import tfwm
from tfwm.data.sources import list_photos
from tfwm.files import result_head, write_csv
from tfwm.images import ImageError, psnr, read_photo
from tfwm.marking.filtered import is_filtered

FIELDS = (
    *("edit", "level", "images", "refuse_first", "refuse_second"),
    *("alone", "psnr_alone", "first", "second", "third", "psnr"),
)
KEYS = "first", "second", "third"
EDITS = (
    ("identity", None),
    *(("jpeg", quality) for quality in (90, 70, 50, 30)),
    ("resizing", 0.5),
    *(("centre_crop", share) for share in (0.02, 0.1, 0.25)),
    ("gaussian_noise", 10),
    ("gaussian_blur", 1.0),
    ("rotation_cropped", 2),
    ("brightness", 1.5),
    ("messenger", 50),
)


def marked(watermarker, path, messages, folder):
    """Returns copies of a photo with one, two and, if it fits, three marks; fewer if refused."""
    copies, source = [], path
    again = False if is_filtered(watermarker.network) else "beside"
    for key, message in zip(KEYS, messages, strict=True):
        target = folder / f"{key}.png"
        how = {"key": key, "over": again if copies else False, "overwrite": True}
        try:
            watermarker.embed_file(source, target, message, **how)
        except ImageError:
            break
        copies.append(read_photo(target))
        source = target
    return copies


def measure(watermarker, paths, folder):
    """Returns the rows of all edits."""
    random, done = np.random.default_rng(0), []
    for path in tqdm(paths, desc="marks"):
        messages = [int(n) for n in random.integers(2**63, size=len(KEYS))]
        done.append((read_photo(path), messages, marked(watermarker, path, messages, folder)))
    one = sum(len(copies) == 1 for *_, copies in done)
    none = sum(not copies for *_, copies in done)

    def row(name, edit, layers, fit=2):
        """How many photos, of those that `fit` marks, tell each key's message with `layers`."""
        kept = [entry for entry in done if len(entry[2]) >= fit]
        found = {"edit": name, "level": edit[1], "images": len(kept)}
        found |= {"refuse_first": none, "refuse_second": one}
        for number in range(layers):
            found[KEYS[number]] = sum(
                watermarker.extract(edited(*edit, copies[layers - 1]), key=KEYS[number]).message
                == messages[number]
                for _, messages, copies in kept
            )
        values = [psnr(photo.pixels, copies[layers - 1].pixels) for photo, _, copies in kept]
        return found | {"psnr": round(float(np.mean(values)), 2)}

    for edit in tqdm(EDITS, desc="edits"):
        two, alone = row(edit[0], edit, 2), row(edit[0], edit, 1)
        yield dict.fromkeys(FIELDS) | two | {"alone": alone["first"], "psnr_alone": alone["psnr"]}
    yield dict.fromkeys(FIELDS) | row("third mark", EDITS[0], 3, fit=3)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, required=True, help="folder of photos")
    parser.add_argument("--photos", type=int, default=50, help="photos, evenly chosen")
    parser.add_argument("--network", default="photo")
    args = parser.parse_args()
    paths = list_photos(args.images)
    chosen = places(len(paths), args.photos)
    with tempfile.TemporaryDirectory() as folder:
        table = list(measure(tfwm.load(args.network), [paths[n] for n in chosen], Path(folder)))
    name = of_network("two-marks", args.network)
    write_csv(
        table, photo_result(name, args.images), result_head(f"{args.images}, {len(chosen)} images")
    )


if __name__ == "__main__":
    main()
