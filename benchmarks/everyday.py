"""Whole messages after everyday distortions, beside other packages, at equal PSNR.

    python benchmarks/everyday.py --images photos/ --limit 50
    python benchmarks/everyday.py --images photos/ --size 768 512 --markers photo blind-watermark

Writes results/photo/everyday-<dataset>.csv and .html. Every method gets the same photos, payloads
and distortions and is tuned to the same PSNR by its own parameters; "as it is" are methods at their
own strength, whatever PSNR that gives. What their readers must know, they are told: the number of
bits and the strength; not the distortion, nor the photo's old size. The other packages need
`pip install tfwm[bench]` and `pip install --no-deps invisible-watermark blind-watermark`; one that
is missing is left out with a line. They are slow: `--processes 2` runs methods side by side, which
makes the times to read a little longer.
"""

import argparse
import functools
import shlex
import sys
from pathlib import Path

from peers import PEERS, make_peer, peer_markers

from tfwm.evaluation import Photos, WatermarkerMarker, load_suite, run_suite
from tfwm.startup import import_tensorflow

KEY = "tfwm evaluation"
OUTPUT = Path(__file__).resolve().parents[1] / "results" / "photo"


def main():
    args = parse_args()
    _, reasons = peer_markers(names=[name for name in args.markers if name in PEERS])
    for name, reason in reasons.items():
        print(f"{name} is left out: {reason}", file=sys.stderr)
    suite = load_suite("everyday")
    result = run_suite(
        {
            Path(name).name: functools.partial(make_marker, name, args.bits, args.search)
            for name in args.markers
            if name not in reasons
        },
        Photos.of(args.images, color=True).evenly(args.limit),
        suite,
        args.output,
        command=shlex.join(["python", "benchmarks/everyday.py", *sys.argv[1:]]),
        size=args.size,
        only=args.only,
        workers=args.workers,
        processes=args.processes,
        progress=lambda share, text: print(f"\r{100 * share:3.0f} % {text:60}", end="", flush=True),
        psnr=args.psnr,
        payload_bits=args.bits,
    )
    print(f"\n{suite.table(result.rows)}\n{result.line}")
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
    parser.add_argument("--only", nargs="+", help="only these distortions of the suite, by name")
    parser.add_argument("--search", help="how far our reader searches; its default if not given")
    parser.add_argument("--psnr", type=float, default=40.0)
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--workers", type=int, help="threads of each process; one for each core")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    return parser.parse_args()


def make_marker(name, bits, search):
    """Returns a method by its name; also called in processes of their own."""
    if name in PEERS:
        return make_peer(name, bits)
    import_tensorflow()
    from tfwm.watermarker import load

    reading = {"search": search} if search else {}
    return WatermarkerMarker(load(name), KEY, Path(name).name, **reading)


if __name__ == "__main__":
    main()
