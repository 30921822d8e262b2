"""What the mark of `photo` is worth against somebody without the key: forging, removing, finding.

    python benchmarks/security.py --images photos/urban100
    python benchmarks/security.py --images photos/urban100 --photos 4 --pool 6    # to try it out

Photos are brought to the size at which they are marked, 768 x 512 at most in area, and marked with
one key at strength 1. Of three sets of photos that share none, the victims are marked, with one
message; the targets are not; the pool is marked too, for averages, once with the victims' message
and once with a message for each photo. The attacker has marked photos and, where a row says so,
the public network; never the key, nor the photos as they were but for `exact`. Where the key
filters marks (`photo-private`), a second attacker looks for the filter in marked photos of the key
(`filter_fitting.py`), and does the same with what was found. As photos of such a key have 16
patterns, the details that are most alike to a victim's are averaged too, of the pool and, with
`--crowd`, of the photos of another folder besides.

- `forge`: the mark goes into the targets. `present` and `copied` count what `extract` decides with
  the key, `message` those with the victims' message; PSNR is to the target. Who learned signs from
  many photos takes, for each cell, the sign that was seen most where the same was shown.
- `remove`: it is taken from the victims. `present` and `message` count what is still read there, as
  the photo is or, for warps, by the default search; PSNR is to the photo as it was before marking,
  which the marked photos themselves have to `none`.
- `find`: a statistic of marked and unmarked photos; `auc` is the chance that a marked one has more.
- `link`: the share of cells with equal signs in two marked photos; `auc` against pairs of different
  keys and messages.

Writes results/photo/security-<set>.csv, and the network's name into that of others than `photo`.
"""

import argparse
import functools
import itertools
from pathlib import Path

import numpy as np
from attacker import Attacker
from filter_fitting import Fitting, filtered_extractor
from photo_sets import of_network
from PIL import Image
from removal import denoise, remove_by_gradients
from tqdm import tqdm

import tfwm
from tfwm.data.sources import list_photos
from tfwm.distortions import distort
from tfwm.files import result_head, write_csv
from tfwm.images import Photo, psnr, read_photo
from tfwm.marking.canvas import add_residual, natural_scale
from tfwm.marking.check import resaved
from tfwm.marking.earlier import repetition_p_value
from tfwm.marking.filtered import is_filtered
from tfwm.marking.lattice import lattices
from tfwm.statistics import wilson_interval

ROOT = Path(__file__).resolve().parents[1]
KEY, OTHER_KEY = "the owner's key", "another key"
MESSAGE, OTHER_MESSAGE = "(c) 2026 Ada Lovelace", "somebody else"
AVERAGED = 1, 5, 20, 50
# Of so many photos, the details that are most alike are averaged.
ALIKE = 5, 20
BUDGET = 40.0
# Strength of what says whose mark it is, where the attacker writes strongly what he knows besides.
FAINT = 0.35
# Photos and starts of somebody who fits the key's filter.
FITTED, STARTS = 20, 3
FIELDS = [
    *("kind", "attack", "has", "images", "psnr", "present", "present_low", "present_high"),
    *(
        "copied",
        "copied_low",
        "copied_high",
        "message",
        "message_low",
        "message_high",
        "auc",
        "least",
        "most",
        "strangers",
    ),
]


class Bench:
    """The three sets of photos, and what is counted on them.

    Args:
        watermarker: `tfwm.Watermarker` of the network.
        photos: unmarked `Photo`s at working size.
        count: of victims, and of targets.
        seed: of all that is drawn.
        crowd: further photos of other sizes, for averages of those that are alike.
    """

    def __init__(self, watermarker, photos, count, seed, crowd=()):
        self.watermarker = watermarker
        rng = np.random.default_rng(seed)
        self.attackers = {"public network": Attacker(watermarker.network, rng)}
        self.attacker = self.attackers["public network"]
        self.covers, self.targets, pool = (
            photos[:count],
            photos[count : 2 * count],
            photos[2 * count :],
        )
        self.marked = [self.mark(photo) for photo in tqdm(self.covers, desc="victims")]
        self.pool = [self.mark(photo) for photo in tqdm(pool, desc="pool, one message")]
        self.pool_own = [
            self.mark(photo, f"photo {number:012d}") for number, photo in enumerate(tqdm(pool))
        ]
        self.crowd = [self.mark(photo) for photo in tqdm(crowd, desc="crowd")]
        if is_filtered(watermarker.network):
            fitting = Fitting(self.attacker, self.pool[:FITTED])
            starts = [fitting.run(seed=n) for n in tqdm(range(STARTS), desc="filter")]
            fitted, agreement = max(starts, key=lambda pair: pair[1])
            print(f"tiles agree behind the fitted filter: {agreement:.3f}", flush=True)
            who = f"public network, filter fitted to {len(self.pool[:FITTED])}"
            self.attackers[who] = Attacker(watermarker.network, rng, fitted)

    def mark(self, photo, message=MESSAGE, key=KEY):
        return self.watermarker.embed(photo, message, key=key, over=True)

    def row(self, kind, attack, has, copies, originals, search="none"):
        """Reads the copies with the owner's key, and returns a row."""
        found = [self.watermarker.extract(copy, key=KEY, search=search) for copy in copies]
        counts = {
            "present": np.mean([f.decision == "present" for f in found]),
            "copied": np.mean([f.decision == "copied" for f in found]),
            "message": np.mean([f.message == MESSAGE for f in found]),
        }
        same = [
            psnr(o.pixels, c.pixels, identical=100.0)
            for o, c in zip(originals, copies, strict=True)
            if o.pixels.shape == c.pixels.shape
        ]
        row = {"kind": kind, "attack": attack, "has": has, "images": len(copies)}
        row["psnr"] = round(float(np.mean(same)), 2) if same else ""
        for name, share in counts.items():
            row[name] = float(share)
            row[f"{name}_low"], row[f"{name}_high"] = wilson_interval(float(share), len(copies))
        return row


def forgeries(bench):
    """Yields rows on marks that are carried to the targets."""
    attacker, targets = bench.attacker, bench.targets
    row = functools.partial(bench.row, "forge", originals=targets)
    pairs = list(zip(bench.covers, bench.marked, targets, strict=True))
    exact = [
        attacker.add(t, attacker.folded((attacker.plane(m) - attacker.plane(c))[..., 0]))
        for c, m, t in pairs
    ]
    yield row("exact change of one photo, added", "photo and marked photo", exact)
    for who, attacker in bench.attackers.items():
        yield from forgeries_with_network(bench, who, attacker, row)
    for name, pool in (("one message", bench.pool), ("a message each", bench.pool_own)):
        for count, tile in averages(bench.attacker, pool):
            copies = [bench.attacker.add(t, tile, BUDGET) for t in targets]
            yield row(
                f"mean detail of {count}, {BUDGET:g} dB", f"{marked_photos(count)}, {name}", copies
            )


def forgeries_with_network(bench, who, attacker, row):
    """Yields the rows of an attacker with the network; `row` makes one, `who` tells what he has."""
    targets = bench.targets
    for before, words in ((None, "one marked photo"), (75, "its copy as JPEG 75")):
        given = [m if before is None else resaved(m, before) for m in bench.marked]
        slots = [attacker.slots(photo) for photo in given]
        copies = [attacker.write(t, s) for t, s in zip(targets, slots, strict=True)]
        yield row("cells read and written again", f"{words}, {who}", copies)
    copies = [attacker.carried(m, t) for m, t in zip(bench.marked, targets, strict=True)]
    yield row("each cell's sign in its place", f"one marked photo, {who}", copies)
    for count in AVERAGED[1:]:
        if count <= len(bench.pool):
            learned = attacker.learn(bench.pool[:count])
            has = f"{count} marked photos, {who}"
            for words, faint in (("", None), (", known ones strong", FAINT)):
                copies = [attacker.forge(t, learned, faint) for t in targets]
                yield row(f"signs learned from {count}{words}", has, copies)


def averages(attacker, pool):
    """Yields how many photos were averaged, and their mean detail."""
    for count in AVERAGED:
        if count <= len(pool):
            yield count, np.mean([attacker.detail(photo) for photo in pool[:count]], axis=0)


def marked_photos(count):
    return "one marked photo" if count == 1 else f"{count} marked photos"


def removals(bench):
    """Yields rows on marks that are taken from the victims."""
    attacker, marked = bench.attacker, bench.marked
    row = functools.partial(bench.row, "remove", originals=bench.covers)
    yield row("none", "", marked)
    copies = [bench.mark(m, OTHER_MESSAGE, OTHER_KEY) for m in marked]
    yield row("`tfwm embed --over` with another key", "one marked photo, public network", copies)
    for who, other in bench.attackers.items():
        yield from removals_with_network(bench, f"one marked photo, {who}", other, row)
    for count, tile in averages(attacker, bench.pool):
        copies = [attacker.add(m, -tile, BUDGET) for m in marked]
        yield row(f"mean detail of {count} subtracted, {BUDGET:g} dB", marked_photos(count), copies)
    details = [attacker.detail(photo) for photo in bench.pool + bench.crowd]
    own = [attacker.detail(photo) for photo in marked]
    for size, count in itertools.product(sorted({len(bench.pool), len(details)}), ALIKE):
        if count < size:
            tiles = [attacker.alike(detail, details[:size], count) for detail in own]
            copies = [attacker.add(m, -t, BUDGET) for m, t in zip(marked, tiles, strict=True)]
            name = f"mean detail of the {count} most alike of {size} subtracted, {BUDGET:g} dB"
            yield row(name, marked_photos(size), copies)
    for name, change, search in blind():
        copies = [change(m) for m in tqdm(marked, desc=name)]
        yield row(name, "one marked photo", copies, search=search)


def removals_with_network(bench, with_network, attacker, row):
    """Yields the rows of an attacker with the network, see `forgeries_with_network`."""
    marked = bench.marked
    for strength in (0.5, 0.75, 1.0):
        copies = [attacker.write(m, 1 - attacker.slots(m), strength) for m in marked]
        yield row(f"opposite cells written, strength {strength:g}", with_network, copies)
    drawn = [attacker.rng.integers(0, 2, attacker.tiling.slots, np.uint8) for _ in marked]
    copies = [attacker.write(m, bits) for m, bits in zip(marked, drawn, strict=True)]
    yield row("random cells written", with_network, copies)
    for decibel in (46.0, 44.0, 42.0):
        copies = [by_gradients(attacker, m, decibel) for m in tqdm(marked, desc="gradients")]
        yield row(f"gradients, {decibel:g} dB to the marked", with_network, copies)


def by_gradients(attacker, photo, decibel):
    """Moves a photo along the gradients of the public extractor, away from what it reads."""
    extractor = filtered_extractor(attacker)
    plane = attacker.plane(photo)
    signs = np.float32(attacker.logits(photo) > 0)
    levels = np.uint8(np.rint(255 * plane))[None]
    moved = remove_by_gradients(levels, extractor, signs, psnr=decibel)[0]
    change = (moved.astype(np.float32) - levels[0]) / np.float32(255)
    return Photo(add_residual(photo.pixels, change, 1.0))


def blind():
    """Yields name, change and search of removals without any knowledge."""

    def distorted(name, level):
        return lambda photo: Photo(distort(name, photo.pixels, level, np.random.default_rng(0)))

    def denoised(method, level):
        return lambda photo: Photo(denoise(photo.pixels[None], method, level)[0])

    for name, level in (
        ("jpeg", 10),
        ("jpeg", 5),
        ("webp", 5),
        ("avif", 15),
        ("median_filter", 11),
    ):
        yield f"{name} {level}", distorted(name, level), "none"
    for method, level in (("nl_means", 10.0), ("nl_means", 20.0), ("tv", 50.0)):
        yield f"{method} {level:g}", denoised(method, level), "none"
    yield "wavelet 10", wavelet, "none"
    for side in (192, 128):
        yield f"{side} pixels and back", functools.partial(down_and_up, side=side), "none"
    for level in (3, 8):
        yield f"slow_warp {level}", distorted("slow_warp", level), "rotate"


def wavelet(photo, deviation=10 / 255):
    """Donoho's VisuShrink with a noise of 10 gray levels."""
    from skimage.restoration import denoise_wavelet  # needs PyWavelets, tfwm[bench]

    smooth = denoise_wavelet(
        photo.pixels / 255, sigma=deviation, method="VisuShrink", mode="soft", channel_axis=-1
    )
    return Photo(np.uint8(np.clip(np.rint(255 * smooth), 0, 255)))


def down_and_up(photo, side):
    """Reduces a photo to a shorter side, and enlarges it again."""
    image = Image.fromarray(photo.pixels)
    factor = side / min(image.size)
    small = image.resize([round(n * factor) for n in image.size], Image.Resampling.BICUBIC)
    return Photo(np.asarray(small.resize(image.size, Image.Resampling.BICUBIC)))


def findings(bench):
    """Yields rows on telling marked photos from others, and marks of one key from others."""
    statistics = [("repetition of detail", "nothing", lattice_strength, bench.attacker)]
    for who, attacker in bench.attackers.items():
        statistics.append(("repetition of cells", who, repetition, attacker))
        statistics.append(("mean size of cells' logits", who, mean_size, attacker))
    for (name, has, value, attacker), quality in itertools.product(statistics, (None, 75)):
        marked, clean = (
            [value(attacker, p if quality is None else resaved(p, quality)) for p in photos]
            for photos in (bench.marked, bench.targets)
        )
        after = "" if quality is None else f", JPEG {quality}"
        yield {
            "kind": "find",
            "attack": name + after,
            "has": has,
            "images": len(marked) + len(clean),
            "auc": auc(marked, clean),
        }
    for who, attacker in bench.attackers.items():
        yield from links(bench, who, attacker)


def links(bench, who, attacker):
    """Yields rows on telling by the cells' signs whether marks are of one key."""
    slots = [attacker.slots(photo) for photo in bench.marked]
    own = [attacker.slots(photo) for photo in bench.pool_own]
    other = [attacker.slots(bench.mark(c, f"{n}", f"key {n}")) for n, c in enumerate(bench.covers)]
    strangers = equal_shares(other)
    for name, shares in (("one key, one message", slots), ("one key, a message each", own)):
        pairs = equal_shares(shares)
        yield {
            "kind": "link",
            "attack": f"equal cells: {name}",
            "has": who,
            "images": len(shares),
            "auc": auc(pairs, strangers),
            "least": min(pairs),
            "most": max(pairs),
            "strangers": max(strangers),
        }


def mean_size(attacker, photo):
    """The mean absolute logit of a cell."""
    return float(np.abs(attacker.logits(photo)).mean())


def repetition(attacker, photo):
    """How surely cells repeat; larger for a surer repetition."""
    value = repetition_p_value(attacker.logits(photo), attacker.tiling.shape[0])
    return -np.log(max(value, 1e-300))


def lattice_strength(attacker, photo):
    """How clearly the detail of a photo repeats at the period of the marks."""
    found = lattices(attacker.plane(photo)[..., 0], attacker.period, least=-np.inf)
    near = [
        f.strength for f in found if abs(np.linalg.det(f.basis) / attacker.period**2 - 1) < 0.05
    ]
    return max(near, default=0.0)


def equal_shares(slots):
    """The shares of equal bits of all pairs."""
    return [float(np.mean(a == b)) for a, b in itertools.combinations(slots, 2)]


def auc(more, less):
    """The chance that a value of `more` is larger than one of `less`; ties count half."""
    more, less = np.asarray(more)[:, None], np.asarray(less)
    return float(np.mean((more > less) + 0.5 * (more == less)))


def working_size(path):
    """Reads a photo as RGB, reduced to the size for marking."""
    image = Image.fromarray(read_photo(path).pixels).convert("RGB")
    factor = natural_scale(image.height, image.width)
    size = [int(n * factor) for n in image.size]
    return Photo(np.asarray(image.resize(size, Image.Resampling.BICUBIC)))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, required=True, help="folder of photos")
    parser.add_argument("--photos", type=int, default=24, help="victims, and as many targets")
    parser.add_argument("--pool", type=int, default=50, help="photos to average")
    parser.add_argument("--crowd", type=Path, help="folder of further photos of the key")
    parser.add_argument("--network", default="photo")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=ROOT / "results" / "photo")
    args = parser.parse_args()
    paths = list_photos(args.images)
    wanted = 2 * args.photos + args.pool
    if len(paths) < wanted:
        parser.error(f"{args.images} has {len(paths)} photos; expected {wanted} or fewer --photos")
    order = np.random.default_rng(args.seed).permutation(len(paths))[:wanted]
    photos = [working_size(paths[n]) for n in order]
    crowd = [working_size(path) for path in list_photos(args.crowd)] if args.crowd else []
    bench = Bench(tfwm.load(args.network), photos, args.photos, args.seed, crowd)
    rows = []
    for row in itertools.chain(forgeries(bench), removals(bench), findings(bench)):
        rows.append({field: row.get(field, "") for field in FIELDS})
        print({k: v for k, v in row.items() if not k.endswith(("low", "high"))}, flush=True)
    name = args.images.name
    path = args.output / f"{of_network('security', args.network)}-{name}.csv"
    write_csv(rows, path, result_head(f"{name}, {wanted} images", f"network {args.network}"))
    print(f"written to {path}")


if __name__ == "__main__":
    main()
