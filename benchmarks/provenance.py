"""Signed pictures, stripped and found again; and what is found of pictures that were never signed.

    python benchmarks/provenance.py --photos photos/urban100 photos/bsds500/test --enlarge
    python benchmarks/provenance.py --photographs 20 --synthetic 5 --unmarked 100   # a quick look

Each picture is marked and signed as `tfwm sign --store` does it, with an id of its own. Its copy is
half as large and a JPEG of quality 75, without any metadata. The mark is read with the search of
`tfwm extract`, its manifest looked up in the store, and c2pa's own reader checks the signature.
Synthetic pictures are made here: clouds, fractals, cells, spheres, waves. A copy of less than 0.2
megapixels, of a photo of less than 0.4, is found by a search that takes seconds.

Pictures that were never signed: random pieces of 128 to 512 pixels a side of --unmarked-photos,
which are none of those that were signed, read in place with the same key (and for a signpost), and
looked up by mark and by fingerprint; --searched of them go through the whole search. A wrong match
is any manifest that is found. Writes round-trip.csv and unmarked.csv in results/provenance.
"""

import argparse
import io
import json
import math
import tempfile
import time
from pathlib import Path

import c2pa
import numpy as np
from PIL import Image
from scipy import ndimage
from tqdm import tqdm

from tfwm.evaluation import Photos
from tfwm.files import result_head, write_csv
from tfwm.fingerprints import ALGORITHM as FINGERPRINT
from tfwm.fingerprints import to_value as fingerprint_value
from tfwm.images import ImageError
from tfwm.payload import SignpostCodec
from tfwm.provenance import Claims, ManifestStore, fingerprint, make_test_signer, new_id, recover
from tfwm.provenance.reading import SETTINGS
from tfwm.provenance.signing import SigningWatermarker
from tfwm.startup import import_tensorflow
from tfwm.statistics import wilson_interval

ROOT = Path(__file__).resolve().parents[1]
KEY = "tfwm evaluation"
QUALITY = 75
SIDES = (128, 512)
SHAPE = (512, 768)


def main():
    args = parse_args()
    import_tensorflow()
    from tfwm.watermarker import load

    watermarker = load()
    photos = [Photos.of(folder, color=True) for folder in args.photos]
    each = -(-args.photographs // len(photos))
    images = [image for found in photos for image in found.evenly(each).images[:each]]
    kinds = {
        "photographs": [enlarged(image) for image in images] if args.enlarge else images,
        "synthetic": [synthetic(number) for number in range(args.synthetic)],
    }
    names = ", ".join(f"{found.name} ({min(each, len(found.images))})" for found in photos)
    with tempfile.TemporaryDirectory() as folder:
        store = ManifestStore(Path(folder) / "manifests.db", create=True)
        signer = SigningWatermarker(
            watermarker.network, make_test_signer(Path(folder) / "certificate"), store=store
        )
        rows = [
            round_trip(kind, images, signer, watermarker, store, args.signpost)
            for kind, images in kinds.items()
            if images
        ]
        data = f"{names}, and {args.synthetic} synthetic, {sum(r['pictures'] for r in rows)} images"
        what = f"signed, half size and JPEG {QUALITY}, found again"
        write_csv(rows, args.output / f"{args.name}.csv", result_head(data, what=what))
        for row in rows:
            print(", ".join(f"{key} {value}" for key, value in row.items()))
        if not args.unmarked:
            return
        others = [Photos.of(source, color=True) for source in args.unmarked_photos]
        images = [image for found in others for image in found.images]
        rows = unmarked(images, watermarker, store, args)
        names = ", ".join(found.name for found in others)
        what = f"never signed, against a store of {len(store)}"
        head = result_head(f"{names}, {len(images)} images", what=what)
        write_csv(rows, args.output / "unmarked.csv", head)


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", nargs="+", default=["bundled:test"])
    parser.add_argument("--unmarked-photos", nargs="+", default=["bundled:train"])
    parser.add_argument("--photographs", type=int, default=200)
    parser.add_argument(
        "--enlarge", action="store_true", help="photos below 768 x 512 pixels to that (Lanczos)"
    )
    parser.add_argument("--name", default="round-trip", help="of the first file")
    parser.add_argument("--synthetic", type=int, default=50)
    parser.add_argument("--unmarked", type=int, default=10_000)
    parser.add_argument("--searched", type=int, default=100)
    parser.add_argument("--signpost", metavar="HOST", help="sign with a signpost as well")
    parser.add_argument("--output", type=Path, default=ROOT / "results/provenance")
    return parser.parse_args()


def round_trip(kind, images, signer, watermarker, store, signpost=None):
    """Signs, strips and finds pictures; returns the row of the result."""
    source = {"photographs": "digitalCapture", "synthetic": "algorithmicMedia"}[kind]
    signer.claims = Claims(source_type=source)
    reports, found, times = [], [], []
    for image in tqdm(images, desc=kind):
        target = io.BytesIO()
        how = {"key": KEY, "file_format": "jpg", "signpost": signpost}
        try:
            report = signer.embed_file(_png(image), target, new_id(), **how)
        except ImageError as error:
            tqdm.write(f"not signed: {error}")
            continue
        reports.append(report)
        start = time.perf_counter()
        found.append(find(stripped(target.getvalue()), report, watermarker, store))
        times.append(time.perf_counter() - start)
    by_mark = sum(f["by"] == "watermark" and f["right"] for f in found)
    low, high = wilson_interval(by_mark / len(images), len(images))
    return {
        "kind": kind,
        "pictures": len(images),
        "signed": len(reports),
        "psnr": float(np.mean([r.psnr for r in reports])),
        "found_by_mark": by_mark,
        "share": by_mark / len(images),
        "low": low,
        "high": high,
        "found_by_fingerprint_alone": sum(f["by"] == "fingerprint" and f["right"] for f in found),
        "wrong": sum(f["by"] is not None and not f["right"] for f in found),
        "signature_verified": sum(f["right"] and f["verified"] for f in found),
        "same_picture": sum(f["right"] and f["picture"] == "same" for f in found),
        "seconds_to_find": float(np.median(times)),
    }


def enlarged(image):
    """A photo below 768 x 512 pixels, brought to that."""
    height, width = image.shape[:2]
    if height * width >= math.prod(SHAPE):
        return image
    size = SHAPE[::-1] if width >= height else SHAPE
    return np.asarray(Image.fromarray(image).resize(size, Image.LANCZOS))


def stripped(encoded):
    """Bytes of a JPEG of half the size and quality 75, without metadata."""
    image = Image.open(io.BytesIO(encoded)).convert("RGB")
    image = image.resize((image.width // 2, image.height // 2), Image.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def find(copy, report, watermarker, store):
    """What leads from a copy to which manifest, and whether c2pa's reader verifies it."""
    mark = watermarker.extract(copy, key=KEY)
    back = recover(copy, store, mark, watermarker.network.name)
    if back is None:
        return {"by": None, "right": False, "verified": False, "picture": None}
    right = back.id == report.manifest.label
    return {
        "by": back.by,
        "right": right,
        "verified": verified(back.manifest),
        "picture": back.picture,
    }


def verified(manifest):
    """Whether c2pa's reader finds the signature of a manifest valid, and nothing else wrong.

    The hash of the file is left out: there is no file that it could fit.
    """
    context = c2pa.Context.from_dict(SETTINGS)
    with c2pa.Reader("application/c2pa", io.BytesIO(manifest), context=context) as reader:
        results = json.loads(reader.json())["validation_results"]["activeManifest"]
    failed = {entry["code"] for entry in results["failure"]}
    passed = {entry["code"] for entry in results["success"]}
    allowed = {"signingCredential.untrusted"}
    wrong = {c for c in failed - allowed if not c.startswith("assertion.dataHash")}
    return "claimSignature.validated" in passed and not wrong


def unmarked(images, watermarker, store, args):
    """Reads pictures that were never signed; returns the rows of the result."""
    rng = np.random.default_rng(0)
    codec, public = watermarker.codec(KEY), SignpostCodec(watermarker.codec().slots)
    name = watermarker.network.name
    counts = dict.fromkeys(("mark", "signpost", "by_mark", "by_fingerprint"), 0)
    for _ in tqdm(range(args.unmarked), desc="unmarked", disable=not args.unmarked):
        piece = random_piece(images, rng)
        votes = watermarker.read_votes(piece)
        decoded = codec.decode(votes)
        counts["mark"] += decoded is not None
        counts["signpost"] += public.decode(votes) is not None
        counts["by_mark"] += decoded is not None and bool(looked_up(store, name, decoded))
        value = fingerprint(piece)
        if value is not None:
            counts["by_fingerprint"] += bool(store.find(FINGERPRINT, fingerprint_value(value)))
    rows = [{"reading": "in place", "pictures": args.unmarked, **_shares(counts, args.unmarked)}]
    counts = dict.fromkeys(counts, 0)
    for _ in tqdm(range(args.searched), desc="searched", disable=not args.searched):
        piece = random_piece(images, rng)
        mark = watermarker.extract(piece, key=KEY)
        back = recover(piece, store, mark, name)
        counts["mark"] += mark.decision == "present"
        counts["by_mark"] += back is not None and back.by == "watermark"
        counts["by_fingerprint"] += back is not None and back.by == "fingerprint"
    searched = {"reading": "searched", "pictures": args.searched}
    return [*rows, {**searched, **_shares(counts, args.searched), "signpost": None}]


def looked_up(store, network, decoded):
    from tfwm.provenance import algorithm_of, to_value

    return store.find(algorithm_of(network), to_value(decoded.message))


def _shares(counts, total):
    wrong = counts["by_mark"] + counts["by_fingerprint"]
    return {
        **counts,
        "wrong": wrong,
        "high": wilson_interval(min(wrong / total, 1), total)[1] if total else None,
    }


def random_piece(images, rng):
    image = images[rng.integers(len(images))]
    rows, columns = (min(int(rng.integers(SIDES[0], SIDES[1] + 1)), n) for n in image.shape[:2])
    top = rng.integers(image.shape[0] - rows + 1)
    left = rng.integers(image.shape[1] - columns + 1)
    return np.ascontiguousarray(image[top : top + rows, left : left + columns])


def synthetic(number):
    """Returns a picture that no camera took, `(512, 768, 3)` uint8, another one for each number."""
    rng = np.random.default_rng([7, number])
    plane = (clouds, fractal, cells, spheres, waves)[number % 5](rng)
    plane = (plane - plane.min()) / max(float(np.ptp(plane)), 1e-9)
    phase, turns = rng.uniform(0, 1, 3), rng.uniform(0.4, 1.2, 3)
    colors = 0.5 + 0.45 * np.cos(2 * np.pi * (phase + turns * plane[..., None]))
    return np.rint(255 * colors).astype(np.uint8)


def clouds(rng, shape=SHAPE):
    """Noise of all scales, as renderers make clouds and marble."""
    plane = np.zeros(shape)
    for octave in range(1, 8):
        size = [max(n >> (8 - octave), 2) for n in shape]
        noise = Image.fromarray(rng.standard_normal(size).astype(np.float32))
        plane += np.asarray(noise.resize(shape[::-1], Image.BICUBIC)) / 1.7**octave
    return plane


def fractal(rng):
    """A Julia set, by how soon points leave it."""
    rows, columns = np.ogrid[-1 : 1 : SHAPE[0] * 1j, -1.5 : 1.5 : SHAPE[1] * 1j]
    point, steps = columns + 1j * rows, np.zeros(SHAPE)
    angle = rng.uniform(0, 2 * np.pi)
    constant = 0.7885 * np.exp(1j * angle)
    for _ in range(60):
        inside = np.abs(point) < 4
        point = np.where(inside, point**2 + constant, point)
        steps += inside
    return np.log1p(steps) + 0.1 * clouds(rng)


def cells(rng):
    """Flat cells around random points, with edges."""
    points = rng.uniform(0, 1, (60, 2)) * SHAPE
    rows, columns = np.ogrid[: SHAPE[0], : SHAPE[1]]
    distances = np.stack([np.hypot(rows - y, columns - x) for y, x in points])
    nearest = np.sort(distances, axis=0)[:2]
    return rng.permutation(60)[distances.argmin(0)] / 60 + 0.01 * (nearest[1] - nearest[0])


def spheres(rng):
    """Shaded spheres over a checkered floor."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    plane = 0.3 + 0.2 * ((rows // 32 + columns // 32) % 2) + 0.2 * rows / SHAPE[0]
    for _ in range(12):
        y, x, radius = rng.uniform(0, SHAPE[0]), rng.uniform(0, SHAPE[1]), rng.uniform(30, 120)
        depth = radius**2 - (rows - y) ** 2 - (columns - x) ** 2
        shade = (np.sqrt(np.maximum(depth, 0)) - 0.5 * (rows - y) - 0.5 * (columns - x)) / radius
        plane = np.where(depth > 0, 0.1 + 0.6 * np.maximum(shade, 0), plane)
    return plane + 0.05 * clouds(rng)


def waves(rng):
    """Waves that cross, and a soft light."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]] / SHAPE[0]
    plane = np.zeros(SHAPE)
    for _ in range(9):
        turn, often = rng.uniform(0, np.pi), rng.uniform(3, 40)
        plane += np.sin(often * (rows * np.sin(turn) + columns * np.cos(turn)) + rng.uniform(0, 6))
    return plane + ndimage.gaussian_filter(rng.standard_normal(SHAPE), 20) * 20


def _png(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


if __name__ == "__main__":
    raise SystemExit(main())
