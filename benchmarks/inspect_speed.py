"""How long `tfwm inspect` takes for a large JPEG, once the network is loaded.

    python benchmarks/inspect_speed.py

Signs a sample photograph, enlarged, and inspects it and its unsigned source several times.
`seconds` is the median of the wall clock, `cpu_seconds` of the processor's time of all threads: on
a computer that does other work, the second one is what counts. Writes
results/provenance/inspect-speed.csv.
"""

import argparse
import io
import math
import statistics
import tempfile
import time
from pathlib import Path

from PIL import Image
from skimage import data

import tfwm
from tfwm.files import result_head, write_csv
from tfwm.provenance import inspect, make_test_signer, sign

ROOT = Path(__file__).resolve().parents[1]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", type=Path, default=ROOT / "results/provenance")
    args = parser.parse_args()
    width = int(math.sqrt(args.megapixels * 1.5e6))
    height = int(args.megapixels * 1e6 / width)
    plain, signed = io.BytesIO(), io.BytesIO()
    Image.fromarray(data.coffee()).resize((width, height)).save(plain, "JPEG", quality=95)
    signer = make_test_signer(tempfile.mkdtemp() + "/test")
    sign(plain.getvalue(), signed, signer=signer, key="secret")
    watermarker, rows = tfwm.load(), []
    for name, photo in (("signed", signed), ("plain", plain)):
        times = [timed(photo.getvalue(), watermarker) for _ in range(args.repeats + 1)][1:]
        verdict = inspect(
            photo.getvalue(), key="secret", watermarker=watermarker
        ).verdict.conclusion
        wall, cpu = (statistics.median(column) for column in zip(*times, strict=True))
        size = {"pixels": f"{width}x{height}", "megabytes": len(photo.getvalue()) / 1e6}
        rows.append(
            {"photo": name, **size, "verdict": verdict, "seconds": wall, "cpu_seconds": cpu}
        )
        print(rows[-1], flush=True)
    head = result_head("scikit-image-coffee, 1 images", f"repeats {args.repeats}")
    write_csv(rows, args.output / "inspect-speed.csv", head)


def timed(photo, watermarker):
    start = time.perf_counter(), time.process_time()
    inspect(photo, key="secret", watermarker=watermarker)
    return time.perf_counter() - start[0], time.process_time() - start[1]


if __name__ == "__main__":
    main()
