"""What a job of many photos costs, and that it survives a worker's death.

    python benchmarks/job.py --photos photos/photos299 photos/bsds500/train

Cuts crops of 192 x 192 pixels, marks them by `tfwm job embed` with two workers and an id for each
from a table, kills one worker with SIGKILL when half of the shards are done, and checks that each
photo has one row with its own id, and each marked one its file with that digest. Then the plain
folder run marks a part of the same photos on the same cores. `cpu_seconds` is the time of the
processor, for a computer that does other work: of the job that of its shards, of the folder run
that of the whole command. The cost of a million photos is computed from it at --price, dollars for
an hour of one core. Writes results/job/throughput.csv.
"""

import argparse
import csv
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from tfwm.files import result_head, write_csv

ROOT = Path(__file__).resolve().parents[1]
SIDE = 192


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, nargs="+", required=True, help="folders to cut from")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--plain", type=int, default=200, help="photos of the plain folder run")
    parser.add_argument("--price", type=float, default=0.05, help="dollars for an hour of a core")
    parser.add_argument("--output", type=Path, default=ROOT / "results/job")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        count = cut(args.photos, folder, args.count, args.plain)
        rows = [job(folder, args.price), plain(folder, args.price)]
    data = f"crops of {SIDE} x {SIDE}, {count} images"
    head = result_head(data, f"{os.cpu_count()} cores, {args.price} dollars an hour of a core")
    write_csv(rows, args.output / "throughput.csv", head)


def cut(sources, folder, count, plain):
    """Writes crops, the first `plain` of them twice, and the table of their ids."""
    (folder / "photos").mkdir()
    (folder / "few").mkdir()
    files = sorted(p for source in sources for p in source.rglob("*.jp*g"))
    names = []
    for turn in range(99):
        for path in files:
            with Image.open(path) as image:
                left, top = 48 * (turn % 3), 40 * (turn // 3)
                if len(names) == count or min(image.width - left, image.height - top) < SIDE:
                    continue
                crop = image.convert("RGB").crop((left, top, left + SIDE, top + SIDE))
            names.append(f"{len(names):05d}.jpg")
            crop.save(folder / "photos" / names[-1], quality=92, subsampling=0)
            if len(names) <= plain:
                crop.save(folder / "few" / names[-1], quality=92, subsampling=0)
    for table, some in (("ids.csv", names), ("few.csv", names[:plain])):
        lines = ["file,message,kind", *(f"{name},{10**6 + int(name[:5])},int" for name in some)]
        (folder / table).write_text("\n".join(lines))
    return len(names)


def job(folder, price):
    """The job with two workers, one of which is killed."""
    output = folder / "marked"
    words = [folder / "photos", output, "--messages", folder / "ids.csv", "--workers", 2]
    start = time.perf_counter()
    running = start_tfwm("job", "embed", *words, "--json")
    shards, killed = len((folder / "ids.csv").read_text().splitlines()) // 32, None
    while running.poll() is None and killed is None:
        time.sleep(1)
        if len(list(output.glob(".tfwm-job/*/ledger/*"))) >= shards / 2:
            killed = workers_of(running.pid)[0]
            os.kill(killed, signal.SIGKILL)
    text, _ = running.communicate()
    seconds, told = time.perf_counter() - start, json.loads(text)
    print({"killed": killed, **told}, flush=True)
    row = {"run": "job, two workers, one killed", "photos": told["photos"]}
    row |= {"marked": check(folder, output)}
    row |= {"attempts": told["attempts"], "seconds": seconds, "cpu_seconds": told["cpu_seconds"]}
    return with_cost(row, price)


def plain(folder, price):
    """The plain folder run of a part of the photos."""
    output, start = folder / "few-marked", time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = [folder / "few", "-o", output, "--messages", folder / "few.csv", "--json"]
    text, _ = start_tfwm("embed", *words).communicate()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    seconds, told = time.perf_counter() - start, json.loads(text)
    same = sum(
        p.read_bytes() == (folder / "marked" / p.name).read_bytes() for p in output.glob("*.jpg")
    )
    print({"the same bytes": same, "done": told["done"]}, flush=True)
    row = {"run": "plain folder run", "photos": len(told["files"]), "marked": told["done"]}
    row |= {"attempts": 1}
    return with_cost(row | {"seconds": seconds, "cpu_seconds": cpu}, price)


def with_cost(row, price):
    cpu = row["cpu_seconds"] / row["photos"]
    hours = cpu * 1e6 / 3600
    row |= {"photos_per_second": row["photos"] / row["seconds"], "cpu_ms_per_photo": 1000 * cpu}
    return row | {"core_hours_per_million": hours, "dollars_per_million": hours * price}


def check(folder, output):
    """The number of marked photos, if each photo has one row and each of these its file.

    Bad photos, here crops too flat for the message, have a row that says so, and no file.
    """
    with open(folder / "ids.csv", newline="") as file:
        wanted = {row["file"]: row["message"] for row in csv.DictReader(file)}
    with open(output / "tfwm-report.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    files = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in output.glob("*.jpg")}
    names = [row["file"] for row in rows]
    told = {row["file"]: (row["message"], row["sha256"]) for row in rows if row["status"] == "done"}
    wrong = len(names) - len(set(names)) + len(wanted.keys() ^ set(names))
    wrong += len(told.keys() ^ files.keys()) + len(list(output.rglob("*.part")))
    wrong += sum(told.get(name) != (wanted[name], digest) for name, digest in files.items())
    if wrong:
        raise SystemExit(f"{wrong} photos or rows are too many, too few, or wrong")
    return len(files)


def workers_of(pid):
    """The processes of Beam's workers below a process (Linux)."""
    parents, found = {}, []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                line = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            parents[int(entry.name)] = int(stat[1])
            if b"apache_beam.runners.worker.sdk_worker_main" in line:
                found.append(int(entry.name))

    def is_below(child):
        while child > 1 and child != pid:
            child = parents.get(child, 0)
        return child == pid

    return sorted(worker for worker in found if is_below(worker))


def start_tfwm(*words):
    command = [sys.executable, "-m", "tfwm", *map(str, words)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "TFWM_KEY": "benchmark"}
    )


if __name__ == "__main__":
    main()
