"""Whether edits that change what a photo shows are told from marks that were carried to it.

    python benchmarks/bound_edits.py --images photos/bsds500/test

Marks half of the photos with one key at strength 1. Their copies are `genuine`; `carried` are the
other half, into which somebody with the public network carried the mark of one of these, cell by
cell, edited likewise. Counts what `extract` decides with the key, without a search: `decided` are
those whose message was read. Writes results/photo/bound-edits-<set>.csv.
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from attacker import Attacker
from photo_sets import photo_result
from security import working_size
from tqdm import tqdm

import tfwm
from tfwm.data.sources import list_photos
from tfwm.distortions import distort
from tfwm.files import result_head, write_csv
from tfwm.images import Photo, filters

KEY, MESSAGE = "the owner's key", "(c) 2026 Ada Lovelace"
DECISIONS = "present", "copied", "uncertain"


def clahe(pixels, limit):
    """Contrast-limited adaptive histogram equalization."""
    from skimage.exposure import equalize_adapthist

    return np.uint8(np.rint(255 * equalize_adapthist(pixels, clip_limit=limit)))


def high_pass(pixels, deviation):
    """Takes away the luminance that is slower than a Gaussian window."""
    slow = filters.gaussian(pixels.mean(axis=-1, dtype=np.float32), deviation)
    return np.uint8(np.clip(np.rint(pixels - slow[..., None] + 128), 0, 255))


def one_channel(pixels, number):
    """One of R, G and B as a gray photo."""
    return pixels[..., number : number + 1].repeat(3, axis=-1)


OWN = {"clahe": clahe, "high_pass": high_pass, "one_channel": one_channel}
EDITS = (
    ("identity", None),
    ("jpeg", 50),
    ("brightness", 0.4),
    ("contrast", 0.3),
    ("contrast", 2.0),
    ("gamma", 0.5),
    ("gamma", 2.0),
    ("hue", 180),
    ("equalise", None),
    ("posterise", 2),
    ("vignette", 0.8),
    ("text_overlay", 0.15),
    ("one_channel", 0),
    ("one_channel", 2),
    ("clahe", 0.01),
    ("clahe", 0.03),
    ("high_pass", 15.0),
)


def edited(name, level, photo):
    if name in OWN:
        return Photo(OWN[name](photo.pixels, level))
    return Photo(distort(name, photo.pixels, level, np.random.default_rng(0)))


def rows(watermarker, photos):
    """Yields a row for each edit of genuine photos and of those with a carried mark."""
    attacker = Attacker(watermarker.network, np.random.default_rng(0))
    half = len(photos) // 2
    genuine = [watermarker.embed(p, MESSAGE, key=KEY) for p in tqdm(photos[:half], desc="marks")]
    pairs = zip(genuine, photos[half:], strict=False)
    carried = [attacker.carried(m, t) for m, t in tqdm(pairs, desc="carries", total=half)]
    for name, level in tqdm(EDITS):
        for marks, copies in (("genuine", genuine), ("carried", carried)):
            found = [
                watermarker.extract(edited(name, level, p), key=KEY, search="none") for p in copies
            ]
            read = [f.decision for f in found if f.message == MESSAGE]
            counts = Counter(read)
            row = {"marks": marks, "edit": name, "level": level, "images": len(copies)}
            yield row | {"decided": len(read)} | {d: counts[d] for d in DECISIONS}


def of_one_size(photos, count):
    """Returns up to `count` photos of the size that most have: marks are carried among these."""
    shape = Counter(photo.pixels.shape for photo in photos).most_common(1)[0][0]
    return [photo for photo in photos if photo.pixels.shape == shape][:count]


def save(table, name, images, photos):
    """Writes the rows of photos of one size from a folder."""
    height, width = photos[0].pixels.shape[:2]
    head = result_head(f"{images}, {len(photos)} images of {width} x {height}")
    write_csv(table, photo_result(name, images), head)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, required=True, help="folder of photos")
    parser.add_argument("--photos", type=int, default=40, help="photos marked, and carried to")
    args = parser.parse_args()
    photos = of_one_size([working_size(path) for path in list_photos(args.images)], 2 * args.photos)
    if len(photos) < 2:
        parser.error(f"Expected two photos of one size in {args.images}. Received: {len(photos)}")
    save(list(rows(tfwm.load(), photos)), "bound-edits", args.images, photos)


if __name__ == "__main__":
    main()
