"""What a signpost costs and survives: shared with the mark, or as a second mark on top of it.

    python benchmarks/signpost.py --images photos/urban100 photos/bsds500/test --limit 12

Each photo is marked with a key and 8 bytes at strength 1, in four ways: `alone`; `shared`, with a
signpost in three eighths of the slots, as `tfwm embed --signpost` does it; `second mark`, a public
mark of the same network over the keyed one; and `template`, a classical one over it: informed
spread spectrum at --template-psnr, one cosine in each cell of 8 x 8 pixels, with the same error
correction. Reads both after edits; a cropped or turned copy with the search of `tfwm extract`.
Writes results/provenance/signpost.csv, a row for each way and edit.
"""

import argparse
import math
from pathlib import Path

import numpy as np
from scipy import ndimage
from tqdm import tqdm

from tfwm.distortions import RANDOM, distort
from tfwm.evaluation import Photos
from tfwm.files import result_head, write_csv
from tfwm.images import Photo, psnr
from tfwm.marking import Alignment, Canvas, Reader, natural_scale
from tfwm.networks.network import Network
from tfwm.payload import SignpostCodec, pack_name
from tfwm.provenance import read_signpost
from tfwm.startup import import_tensorflow
from tfwm.statistics import wilson_interval
from tfwm.watermarker import Watermarker

ROOT = Path(__file__).resolve().parents[1]
KEY, HOST = "tfwm evaluation", "c.tfwm.org"
MESSAGE = bytes(range(8))
CELL = 8
FREQUENCIES = 3, 1  # half cycles in a cell, down and across: where the network writes least
# The template's goal and what a cell may spend on it, in levels of 255, both raised by texture.
GOAL, SPENT, TEXTURE = (1.2, 0.5), (2.0, 0.3), 5
WAYS = ("alone", "shared", "second mark", "template")
SEARCHED = ("crop", "rotation")
EDITS = (
    *(("none", None), ("jpeg", 75), ("jpeg", 50), ("half, jpeg", 75), ("webp", 50)),
    *(("gaussian_noise", 15), ("gaussian_blur", 1), ("social_post", 71), ("text_overlay", 0.08)),
    *(("crop", 0.7), ("rotation", 2)),
)


class Template(Network):
    """A signpost's carrier without training: plus or minus one cosine in each cell."""

    def __init__(self):
        super().__init__("template", {"geometry": {"patch": (CELL, CELL), "block": (CELL, CELL)}})
        steps = (np.arange(CELL) + 0.5) * np.pi / CELL
        down, across = (np.cos(n * steps) for n in FREQUENCIES)
        self.pattern = (2 * np.outer(down, across)).astype(np.float32)

    def _embed(self, image, message, strength):
        signs, found = 2 * message[0, ..., 0] - 1, self._correlations(image)[0]
        texture = np.sqrt(ndimage.uniform_filter(found**2, TEXTURE))
        goal, most = (low + share * texture for low, share in (GOAL, SPENT))
        change = signs * np.clip(goal - signs * found, 0, most) * strength / 255
        return image + np.kron(change, self.pattern)[None, ..., None]

    def _extract(self, image):
        found = self._correlations(image)
        texture = np.sqrt([ndimage.uniform_filter(f**2, TEXTURE) for f in found]) + 0.3
        return np.clip(found / texture, -1.5, 1.5)[..., None].astype(np.float32)

    def _correlations(self, image):
        batch, height, width, _ = image.shape
        cells = image[..., 0].reshape(batch, height // CELL, CELL, width // CELL, CELL)
        return 255 * np.einsum("niajb,ab->nij", cells, self.pattern) / CELL**2


def main():
    args = parse_args()
    import_tensorflow()
    from tfwm.watermarker import load

    watermarker, template = load(), Watermarker(Template())
    found = [Photos.of(source, color=True) for source in args.images]
    images = [image for photos in found for image in photos.evenly(args.limit).images]
    records = []
    for number, image in enumerate(tqdm(images)):
        for way in args.ways:
            marked = mark(way, image, watermarker, template, args.template_psnr)
            quality = psnr(image, marked)
            for edit, level in EDITS:
                searched = edit in SEARCHED
                if searched and way not in ("alone", "shared"):
                    continue
                copy = edited(marked, edit, level, number)
                read = read_both(way, image, copy, searched, watermarker, template)
                records.append({"way": way, "edit": edit, "level": level, "psnr": quality, **read})
    rows = [summary(records, way, *edit) for way in args.ways for edit in EDITS]
    rows = [row for row in rows if row is not None]
    names = ", ".join(f"{p.name} ({len(p.evenly(args.limit).images)})" for p in found)
    what = "a signpost beside a keyed mark of 8 bytes"
    head = result_head(f"{names}, {len(images)} images", what=what)
    write_csv(rows, args.output / "signpost.csv", head)
    for row in rows:
        print(", ".join(f"{key} {value}" for key, value in row.items()))


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", nargs="+", default=["bundled:all"])
    parser.add_argument("--limit", type=int, help="use N photos of each, evenly chosen")
    parser.add_argument("--ways", nargs="+", default=WAYS, choices=WAYS)
    parser.add_argument("--template-psnr", type=float, default=48.0, metavar="DB")
    parser.add_argument("--output", type=Path, default=ROOT / "results/provenance")
    return parser.parse_args()


def mark(way, image, watermarker, template, template_psnr):
    """Returns the marked photo, `(H, W, 3)` uint8."""
    how = {"key": KEY, "signpost": HOST if way == "shared" else None}
    marked = watermarker.prepare(image, MESSAGE, **how).apply()
    if way == "second mark":
        marked = watermarker.prepare(marked, pack_name(HOST)).apply()
    if way == "template":
        marked = template.prepare(marked, pack_name(HOST)).at(psnr=template_psnr)[0]
    return marked.pixels


def edited(image, edit, level, seed):
    if edit == "none":
        return image
    if edit == "half, jpeg":
        return distort("jpeg", distort("scale", image, 0.5), level)
    if edit == "gaussian_blur":
        return ndimage.gaussian_filter(image, (level, level, 0))
    more = (np.random.default_rng(seed),) if edit in RANDOM else ()
    return distort(edit, image, level, *more)


def read_both(way, image, copy, searched, watermarker, template):
    """Whether message and signpost are read from a copy."""
    if searched:
        photo = Photo(np.ascontiguousarray(copy))
        found = watermarker.extract(photo, key=KEY)
        there = read_signpost(photo, watermarker, alignment=found.alignment)
        read = {"message": found.message == MESSAGE, "signpost": there.host == HOST}
        return {**read, "margin": found.margin or 0.0}
    votes = read_votes(watermarker, image, copy)
    margin = watermarker.codec(KEY).margin(votes, MESSAGE)
    message = message_of(watermarker.codec(KEY), votes) == MESSAGE
    codec = SignpostCodec(len(votes))
    if way in ("second mark", "template"):
        reader = template if way == "template" else watermarker
        votes, codec = read_votes(reader, image, copy), reader.codec()
    post = message_of(codec, votes) == pack_name(HOST)
    return {"message": message, "signpost": post, "margin": margin}


def read_votes(reader, image, copy):
    """The votes of a copy at the size that it had."""
    photo, network = Photo(np.ascontiguousarray(copy)), reader.network
    sides = image.shape[:2]
    scale = natural_scale(*sides) * math.sqrt(math.prod(sides) / math.prod(copy.shape[:2]))
    return Reader(network, Canvas.of(network, photo), reader.codec()).votes(Alignment(scale))


def message_of(codec, votes):
    found = codec.decode(votes, thorough=False)
    return found and found.message


def summary(records, way, edit, level):
    """The row of one way and edit."""
    mine = [r for r in records if (r["way"], r["edit"], r["level"]) == (way, edit, level)]
    if not mine:
        return None
    row = {"way": way, "edit": edit, "level": level, "images": len(mine)}
    row["psnr"] = float(np.mean([r["psnr"] for r in mine]))
    row["margin"] = float(np.median([r["margin"] for r in mine]))
    for name in ("message", "signpost"):
        count = sum(r[name] for r in mine)
        row[name] = count if (way, name) != ("alone", "signpost") else None
        row[f"{name}_low"] = wilson_interval(count / len(mine), len(mine))[0]
    return row


if __name__ == "__main__":
    raise SystemExit(main())
