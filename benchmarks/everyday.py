"""Whole messages after everyday edits, beside other packages, at equal PSNR.

    python benchmarks/everyday.py --images photos/ --limit 50
    python benchmarks/everyday.py --images photos/ --size 768 512 --markers photo blind-watermark

Writes results/photo/everyday-<dataset>.csv and .html. Every method gets the same photos, payloads,
and edits and is tuned to the same PSNR by its own parameters; "as it is" are methods at their own
strength, whatever PSNR that gives. What their readers have to be told, they are: the number of
bits and the strength; not the edit, nor the photo's old size. The other packages need
`pip install tfwm[bench]` and `pip install --no-deps invisible-watermark blind-watermark`; one that
is missing is left out with a line. They are slow: `--processes 2` runs methods side by side, which
makes the times to read a little longer.
"""

import argparse
import multiprocessing
import shlex
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from tfwm.evaluation import (
    Photos,
    WatermarkerMarker,
    build_message_report,
    evaluate_messages,
    load_suite,
    message_headline,
    message_table,
)
from tfwm.evaluation.bits.suite_result import origin, showpiece, write_result
from tfwm.evaluation.peers import PEERS, peer_markers
from tfwm.files import versions
from tfwm.startup import import_tensorflow

KEY = "tfwm evaluation"
ROOT = Path(__file__).resolve().parents[1]


def main():
    args = parse_args()
    _, reasons = peer_markers(names=[name for name in args.markers if name in PEERS])
    for name, reason in reasons.items():
        print(f"{name} is left out: {reason}", file=sys.stderr)
    names = [name for name in args.markers if name not in reasons]
    jobs = [(name, args) for name in names]
    if args.processes > 1:
        # Forked TensorFlow hangs.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(args.processes, context) as pool:
            parts = list(pool.map(measure, jobs))
    else:
        parts = [measure(job) for job in jobs]
    rows = [row for part in parts for row in part]
    photos = chosen_photos(args)
    suite = chosen_suite(args)
    conditions = [
        *origin(suite, photos, shlex.join(["python", "benchmarks/everyday.py", *sys.argv[1:]])),
        f"payload {args.bits} bits with key, PSNR {args.psnr:g} dB or up to 0.1 more, seed 0; "
        f"processes {args.processes}",
        versions(),
    ]
    own = {name: make_marker(name, args) for name in names if name not in PEERS}

    def build():
        return build_message_report(rows, suite, conditions, own, showpiece(photos))

    line = message_headline(rows)
    result = write_result(rows, suite, photos, args.output, conditions, line, build)
    print(message_table(rows))
    print(line)
    print(f"written to {result.csv} and {result.html}")


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", default="bundled:all", help="folder; bundled:all by default")
    parser.add_argument("--limit", type=int, help="use N photos, evenly chosen")
    parser.add_argument(
        "--size",
        type=int,
        nargs=2,
        metavar=("LONG", "SHORT"),
        help="sides in pixels that each photo is resized to first (Lanczos); its own by default",
    )
    parser.add_argument(
        "--markers",
        nargs="+",
        default=["photo", *PEERS],
        help=f"networks (name or folder) and of {', '.join(map(repr, PEERS))}",
    )
    parser.add_argument("--only", nargs="+", help="only these edits of the suite, by name")
    parser.add_argument("--search", help="how far our reader searches; its default if not given")
    parser.add_argument("--psnr", type=float, default=40.0)
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--workers", type=int, help="threads of each process; one for each core")
    parser.add_argument("--output", type=Path, default=ROOT / "results/photo")
    return parser.parse_args()


def chosen_photos(args):
    photos = Photos.of(args.images, color=True)
    step = -(-len(photos.images) // args.limit) if args.limit else 1
    photos.images = photos.images[::step]
    if args.size:
        photos.images = [resized(image, *args.size) for image in photos.images]
        photos.name += "-{}x{}".format(*args.size)
    return photos


def resized(image, long, short):
    size = (long, short) if image.shape[1] >= image.shape[0] else (short, long)
    return np.asarray(Image.fromarray(image).resize(size, Image.LANCZOS))


def chosen_suite(args):
    suite = load_suite("everyday").replace(psnr=args.psnr, payload_bits=args.bits)
    if args.only:
        unknown = set(args.only) - {attack.name for attack in suite.attacks}
        if unknown:
            raise SystemExit(f"Not in the suite: {', '.join(sorted(unknown))}")
        suite = suite.replace(attacks=[a for a in suite.attacks if a.name in args.only])
    return suite


def measure(job):
    """Returns the rows of one method; runs in a process of its own if there are several."""
    name, args = job
    photos = chosen_photos(args)
    marker = make_marker(name, args)
    return evaluate_messages({name: marker}, photos, chosen_suite(args), workers=args.workers)


def make_marker(name, args):
    if name in PEERS:
        return PEERS[name](args.bits)
    import_tensorflow()
    from tfwm.watermarker import load

    reading = {"search": args.search} if args.search else {}
    return WatermarkerMarker(load(name), KEY, Path(name).name, **reading)


if __name__ == "__main__":
    main()
