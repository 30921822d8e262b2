"""Under which edits a signed photo is still told to be its signer's, and what a forger gets.

    python benchmarks/signatures.py --images photos/urban100
    python benchmarks/signatures.py --images photos/urban100 --photos 4     # to try it out

Photos are brought to the size at which they are marked, and half of them signed at strength 1. What
`extract` decides with the public key, by its default search, is counted for

- `signed`: their copies after an edit; `read` counts those whose signature was read.
- `forged`: the other half. Each gets the mark of a signed one, cell by cell, by the public network;
  or first also the least change of its coarse brightness with which it shows what was signed, and
  PSNR tells how much that is.

And for all photos, `pairs` tells how many of the 64 bits differ between two of them. Writes
results/photo/signatures-<set>.csv.
"""

import argparse
import itertools
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from attacker import Attacker
from bound_edits import edited, of_one_size, save
from PIL import Image
from security import working_size
from tqdm import tqdm

import tfwm
from tfwm.data.sources import list_photos
from tfwm.fingerprints import FREQUENCIES, plane_of, waves
from tfwm.images import Photo, psnr
from tfwm.networks.signing import new_key_pair
from tfwm.signatures import BITS, OTHER, SAME, Signer, differing, lowest, shown

EDITS = (
    ("identity", None),
    *(("jpeg", quality) for quality in (75, 50, 30, 20)),
    *(("webp", quality) for quality in (50, 20)),
    *(("resizing", scale) for scale in (0.75, 0.5)),
    *(("brightness", factor) for factor in (0.6, 1.5)),
    *(("contrast", factor) for factor in (0.5, 2.0)),
    ("gamma", 0.5),
    ("gaussian_noise", 10),
    ("gaussian_blur", 1.0),
    ("text_overlay", 0.15),
    ("rotation_cropped", 2),
    *(("centre_crop", share) for share in (0.02, 0.1, 0.25)),
    ("messenger", 50),
    ("screenshot", 0.83),
)
DECISIONS = "present", "copied", "uncertain", "absent"
FIELDS = (
    *("kind", "what", "level", "images", "read", *DECISIONS, "psnr"),
    *("pairs", "least", "mean", "same", "other"),
)


def counted(kind, what, level, watermarker, copies, public_key):
    """Returns the row of some copies."""
    found = [watermarker.extract(copy, public_keys=public_key) for copy in copies]
    counts = Counter(f.decision for f in found)
    row = {"kind": kind, "what": what, "level": level, "images": len(copies)}
    row["read"] = sum(f.kind == "signature" for f in found)
    return row | {name: counts[name] for name in DECISIONS}


def showing(photo, wanted):
    """Returns a photo with the least change of its lowest frequencies that shows what is wanted."""
    low = waves() @ plane_of(photo) @ waves().T
    apart = (low - np.median(low)).ravel()
    bits = np.unpackbits(np.frombuffer(wanted, np.uint8)) > 0
    wrong = [n for n, bit in zip(lowest(), bits, strict=True) if (apart[n] > 0) != bit]
    wrong = sorted(wrong, key=lambda n: abs(apart[n]))
    change, least = np.zeros_like(apart), 4 / 255
    for count in range(max(len(wrong) - SAME, 0), len(wrong) + 1):
        change[wrong[:count]] = [-apart[n] - np.sign(apart[n]) * least for n in wrong[:count]]
        slow = waves().T @ change.reshape(FREQUENCIES, FREQUENCIES) @ waves()
        slow = Image.fromarray(np.float32(255 * slow)).resize(
            photo.pixels.shape[1::-1], Image.BICUBIC
        )
        pixels = np.clip(np.rint(photo.pixels + np.asarray(slow)[..., None]), 0, 255)
        moved = Photo(np.uint8(pixels))
        seen = shown(moved)
        if seen is not None and differing(seen, wanted) <= SAME:
            break
    return moved


def rows(watermarker, photos, folder):
    """Yields all rows."""
    half = len(photos) // 2
    for name in ("owner", "other"):
        private, line = new_key_pair(name)
        (folder / name).write_text(private)
        (folder / f"{name}.pub").write_text(line)
    signer, public, other = Signer(folder / "owner"), folder / "owner.pub", folder / "other.pub"
    signed = [watermarker.embed(photo, signer) for photo in tqdm(photos[:half], desc="marks")]
    quality = np.mean([psnr(a.pixels, b.pixels) for a, b in zip(photos, signed, strict=False)])
    for name, level in tqdm(EDITS):
        copies = [edited(name, level, photo) for photo in signed]
        row = counted("signed", name, level, watermarker, copies, public)
        yield row | {"psnr": round(float(quality), 2)} if name == "identity" else row
    yield counted("signed", "another public key", None, watermarker, signed, other)
    attacker = Attacker(watermarker.network, np.random.default_rng(0))
    targets = photos[half : 2 * half]
    pairs = list(zip(signed, targets, strict=True))
    copies = [attacker.carried(mark, target) for mark, target in tqdm(pairs, desc="carries")]
    yield counted("forged", "mark carried", None, watermarker, copies, public)
    moved = [showing(target, shown(mark)) for mark, target in tqdm(pairs, desc="moves")]
    change = np.mean([psnr(a.pixels, b.pixels) for a, b in zip(targets, moved, strict=True)])
    copies = [attacker.carried(mark, m) for mark, m in zip(signed, moved, strict=True)]
    row = counted("forged", "coarse brightness too", None, watermarker, copies, public)
    yield row | {"psnr": round(float(change), 2)}


def pairs_row(values):
    """Returns how much two photos differ in what they show."""
    apart = np.array([differing(*pair) for pair in itertools.combinations(values, 2)])
    row = {"kind": "pairs", "what": f"of {BITS} bits", "images": len(values), "pairs": len(apart)}
    row |= {"least": int(apart.min()), "mean": round(float(apart.mean()), 2)}
    return row | {"same": int(np.sum(apart <= SAME)), "other": int(np.sum(apart >= OTHER))}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, required=True, help="folder of photos")
    parser.add_argument("--photos", type=int, default=40, help="photos signed, and forged")
    args = parser.parse_args()
    paths = list_photos(args.images)
    values = [value for path in paths if (value := shown(path)) is not None]
    photos = [photo for photo in map(working_size, paths) if shown(photo) is not None]
    photos = of_one_size(photos, 2 * args.photos)
    with tempfile.TemporaryDirectory() as folder:
        table = [*rows(tfwm.load(), photos, Path(folder)), pairs_row(values)]
    save([dict.fromkeys(FIELDS) | row for row in table], "signatures", args.images, photos)


if __name__ == "__main__":
    main()
