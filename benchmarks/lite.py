"""What the light runtime takes: start, disk, sizes of photos, number formats, folders.

    python benchmarks/lite.py start --lite lite/bin --full full/bin --peers peers/bin
    python benchmarks/lite.py disk --lite lite/bin --full full/bin --peers peers/bin
    python benchmarks/lite.py sizes
    python benchmarks/lite.py formats --images photos/bsds500/test
    python benchmarks/lite.py folders --images photos/bsds500/test

`start` runs commands in fresh processes, in turns, on one photo of 768 x 512 pixels; `disk` adds
up the files of what pip installs, by the records of the packages. The folders are `bin` of
virtual environments: one with `pip install tfwm` alone, one with `tfwm[tensorflow]`, one with other
packages (`pip install --no-deps invisible-watermark blind-watermark`, opencv-python-headless and
PyWavelets; torch, which the first imports for a method that is not called, is replaced by an
empty module). Seconds are of the wall and of the processor: on a busy machine only the second are
what the command costs. Each part writes results/lite/<part>.csv.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from tfwm.files import result_head, write_csv

ROOT = Path(__file__).resolve().parents[1]
SIZE = 768, 512
TEXT = "Ada!"
BITS = "".join(f"{byte:08b}" for byte in TEXT.encode())
INSTALLED = """
import importlib.metadata as metadata, json, re, sys
todo, seen, sizes = list(sys.argv[1:]), set(), {}
while todo:
    name, _, extra = todo.pop().partition("+")
    if (name, extra) in seen:
        continue
    seen.add((name, extra))
    try:
        name = {"opencv-python": "opencv-python-headless"}.get(name, name)  # the same in smaller
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        print(f"{name} is not here", file=sys.stderr)
        continue
    sizes[name] = sum(
        path.stat().st_size
        for path in {f.locate() for f in found.files or ()}
        if path.is_file() and path.suffix != ".pyc"
    )
    for line in found.requires or ():
        word = re.match(r"[A-Za-z0-9._-]+", line).group()
        extras = re.search(r"\\[(.*?)\\]", line.partition(";")[0])
        condition = line.partition(";")[2]
        if "extra" in condition and f'extra == "{extra}"' not in condition.replace("'", '"'):
            continue
        if "platform" in condition or "python_version <" in condition or "sys_" in condition:
            continue
        word = re.sub("[-_.]+", "-", word).lower()
        extras = extras.group(1).split(",") if extras else ()
        todo += [word, *(f"{word}+{x.strip()}" for x in extras)]
print(json.dumps(sizes))
"""


def main():
    args = parse_args()
    rows, data = PARTS[args.part](args)
    for row in rows:
        print(row)
    write_csv(rows, ROOT / f"results/lite/{args.part}.csv", result_head(data))


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=PARTS)
    for name in ("lite", "full", "peers"):
        parser.add_argument(f"--{name}", type=lambda word: Path(word).absolute(), metavar="BIN")
    parser.add_argument("--images", type=Path, metavar="FOLDER")
    parser.add_argument("--limit", type=int, default=24)
    networks = ["photo", "mbrs-128", "mbrs-128-diffusion", "redmark-mt"]
    parser.add_argument("--networks", nargs="+", default=networks)
    parser.add_argument("--repeats", type=int, default=5)
    return parser.parse_args()


def start(args):
    """Seconds and memory of one command in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        Image.fromarray(_coffee()).resize(SIZE).save(folder / "photo.png")
        (folder / "torch").mkdir()
        (folder / "torch" / "__init__.py").touch()
        commands = dict(_commands(args, folder))
        runs = {name: [] for name in commands}
        for turn in range(args.repeats + 1):
            for name, command in commands.items():
                used = _use_of(command, folder)
                if turn:  # the first one reads the files into memory
                    runs[name].append(used)
        rows = []
        for (package, action), used in runs.items():
            wall, processor, memory = map(list, zip(*used, strict=True))
            rows.append(
                {
                    "package": package,
                    "action": action,
                    "fastest_s": min(wall),
                    "median_s": statistics.median(wall),
                    "processor_s": min(processor),
                    "megabytes": round(statistics.median(memory)),
                    "repeats": args.repeats,
                }
            )
        return rows, "scikit-image-coffee, 1 images"


def _coffee():
    from skimage import data

    return data.coffee()


def _commands(args, folder):
    photo, marked = folder / "photo.png", folder / "marked"
    own = {"tfwm, light": (args.lite, "auto"), "tfwm, all": (args.full, "auto")}
    own["tfwm, all, --runtime tensorflow"] = args.full, "tensorflow"
    for name, (place, runtime) in own.items():
        if place is None:
            continue
        # As the script `tfwm` does.
        tfwm = [place / "python", "-c", "import sys, tfwm.cli; sys.exit(tfwm.cli.main())"]
        end = ["--key", "k", "--runtime", runtime]
        output = f"{marked}-{'tensorflow' if runtime == 'tensorflow' else 'lite'}.png"
        yield (
            (name, "embed"),
            [*tfwm, "embed", photo, "-o", output, "--message", TEXT, "--overwrite", *end],
        )
        yield (name, "extract"), [*tfwm, "extract", output, *end]
    if args.peers:
        words = [args.peers / "invisible-watermark", "-t", "bits", "-m", "dwtDct"]
        output = f"{marked}-dwt.png"
        name = "invisible-watermark dwtDct"
        yield (name, "embed"), [*words, "-a", "encode", "-w", BITS, "-o", output, photo]
        yield (name, "extract"), [*words, "-a", "decode", "-l", "32", output]
        words = [args.peers / "blind_watermark", "--pwd", "1"]
        output = f"{marked}-blind.png"
        yield ("blind-watermark", "embed"), [*words, "--embed", photo, TEXT, output]
        yield ("blind-watermark", "extract"), [*words, "--extract", "--wm_shape", "31", output]


def _use_of(command, folder):
    """Wall seconds, processor seconds and megabytes of a command that must succeed."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    if "tfwm.cli" not in str(command[2]):
        environment["PYTHONPATH"] = str(folder)  # the empty torch
    begin = time.perf_counter()
    process = subprocess.Popen(
        [str(word) for word in command],
        env=environment,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    told = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    if status:
        raise SystemExit(f"{command} failed: {told.decode()[-500:]}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def disk(args):
    """Megabytes of all packages that an installation consists of."""
    wanted = {
        "tfwm": (args.lite, ["tfwm"]),
        "tfwm[tensorflow]": (args.full, ["tfwm", "tfwm+tensorflow"]),
        "tfwm[train,evaluate]": (args.full, ["tfwm", "tfwm+train", "tfwm+evaluate"]),
        "invisible-watermark, without torch": (args.peers, ["invisible-watermark"]),
        "blind-watermark": (args.peers, ["blind-watermark"]),
    }
    rows, own = [], None
    for name, (place, words) in wanted.items():
        if place is None:
            continue
        command = [place / "python", "-c", INSTALLED, *words]
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        sizes = json.loads(subprocess.check_output(command, env=environment))
        if "tfwm" in sizes:  # the first one is of the wheel, the others may be of a checkout
            own = sizes["tfwm"] = own or sizes["tfwm"]
        largest = sorted(sizes, key=sizes.get, reverse=True)[:4]
        rows.append(
            {
                "installation": name,
                "megabytes": round(sum(sizes.values()) / 1e6),
                "packages": len(sizes),
                "largest": ", ".join(f"{x} {sizes[x] / 1e6:.0f}" for x in largest),
            }
        )
    return rows, "no photos, 0 images"


def sizes(args):
    """Milliseconds of the processor for images of the same and of changing sizes."""
    from tfwm.networks import load_network

    rows = []
    for name in ("photo", "mbrs-128"):
        network = load_network(name)
        rng = np.random.default_rng(0)
        for large, small in (((512, 768), (480, 704)), ((256, 256), (240, 256))):
            images = [
                rng.random((1, *side, network.channels), np.float32) for side in (large, small)
            ]
            first = _milliseconds(load_network(name).extract, images[:1])[0]
            same = _milliseconds(network.extract, images[:1] * (4 * args.repeats))
            other = _milliseconds(network.extract, images * (2 * args.repeats))
            rows.append(
                {
                    "network": name,
                    "size": f"{large[1]}x{large[0]}",
                    "first_ms": first,
                    "same_size_ms": statistics.median(same[1:]),
                    "changing_ms": statistics.median(other[2::2]),
                }
            )
    return rows, "random pixels, 2 images"


def _milliseconds(function, images):
    times = []
    for image in images:
        begin = time.process_time()
        function(image)
        times.append(1e3 * (time.process_time() - begin))
    return times


def _agreement(votes, signs):
    """Share of the bits that a message fixes, and that were seen, which votes tell."""
    agree = votes * signs
    return np.mean(agree[agree != 0] > 0)


def formats(args):
    """What float16 and int8 lose against float32: bits read, PSNR, time."""
    from tfwm.images import plane, psnr, read_photo
    from tfwm.networks import TFLITE_FORMATS, load_network, network_directory, tflite_name
    from tfwm.watermarker import Watermarker

    rows = []
    photos = sorted(args.images.glob("*.jpg"))[: args.limit]
    for name in args.networks:
        folder = network_directory(name)
        networks = {x: load_network(folder / tflite_name(name, x)) for x in TFLITE_FORMATS}
        exact = Watermarker(networks["float32"])
        message = "AL" if name.startswith("stega") else "Ada Love"
        signs = exact.codec("k", bound=True).signs(message)
        for kind, network in networks.items():
            watermarker = Watermarker(network)
            values = []
            for path in photos:
                cover = read_photo(path)
                reference = exact.prepare(cover, message, key="k").at()[0]
                begin = time.process_time()
                marked = watermarker.prepare(cover, message, key="k").at()[0]
                middle = time.process_time()
                votes = watermarker.read_votes(reference)
                end = time.process_time()
                crossed = exact.read_votes(marked)
                pixels = plane(reference.pixels), plane(marked.pixels)
                values.append(
                    {
                        "psnr": psnr(plane(cover.pixels), pixels[1]),
                        "psnr_to_float32": psnr(*pixels, identical=99.0),
                        "largest_difference": int(np.abs(pixels[0].astype(int) - pixels[1]).max()),
                        "bits_read": _agreement(votes, signs),
                        "bits_of_its_marks": _agreement(crossed, signs),
                        "whole": watermarker.codec("k").decode(votes) is not None,
                        "embed_ms": 1e3 * (middle - begin),
                        "extract_ms": 1e3 * (end - middle),
                    }
                )
            means = {key: float(np.mean([row[key] for row in values])) for key in values[0]}
            means["largest_difference"] = max(row["largest_difference"] for row in values)
            size = (folder / tflite_name(name, kind)).stat().st_size / 1e6
            rows.append({"network": name, "format": kind, "megabytes": size, **means})
    return rows, f"{args.images.name}, {len(photos)} images"


def folders(args):
    """Photos a second of folder runs with one job and with one for each core."""
    photos = sorted(args.images.glob("*.jpg"))[: args.limit]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for cores, jobs in ((1, 1), (2, 1), (2, 2)):
            os.sched_setaffinity(0, sorted(ALL_CORES)[:cores])
            for what, step in _steps(photos, Path(folder) / f"{cores}-{jobs}", jobs):
                begin, used = time.perf_counter(), time.process_time()
                done = sum(row["status"] == "done" for row in step())
                seconds, processor = time.perf_counter() - begin, time.process_time() - used
                rows.append(
                    {
                        "what": what,
                        "cores": cores,
                        "jobs": jobs,
                        "photos": done,
                        "photos_per_second": done / seconds,
                        "cores_busy": processor / seconds,
                        "photos_per_processor_second": done / processor,
                    }
                )
                print(rows[-1], flush=True)
    return rows, f"{args.images.name}, {len(photos)} images"


def _steps(photos, output, jobs):
    from tfwm.batch.folders import embed_folder, extract_folder
    from tfwm.watermarker import load

    watermarker = load().open()

    def mark():
        return embed_folder(
            watermarker, photos, output, TEXT, key="k", file_format="png", workers=jobs
        )

    def read(sources):
        return extract_folder(watermarker, sources, key="k", workers=jobs)

    yield "marking", mark
    yield "reading marked photos", lambda: read([output])
    yield "reading unmarked photos", lambda: read(photos[: max(len(photos) // 4, 2)])


ALL_CORES = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
PARTS = {part.__name__: part for part in (start, disk, sizes, formats, folders)}

if __name__ == "__main__":
    main()
