"""How long a store of a million manifests takes to find one, and in how much memory.

    python benchmarks/manifest_store.py

Fills stores with synthetic rows: random fingerprints, manifests of 4,300 bytes, as `tfwm sign`
writes them. One row in ten shares its mark with the others. The file is in the system's cache after
the first of the look-ups, whose fastest time counts; `cpu_seconds` is the processor's time of that
one, for a computer that does other work. `megabytes` is what the most memory of a fresh process
grew by (Linux). Writes results/provenance/manifest-store.csv.
"""

import argparse
import multiprocessing
import sqlite3
import tempfile
import time
from pathlib import Path

import numpy as np

from tfwm import fingerprints
from tfwm.files import result_head, write_csv
from tfwm.provenance import ManifestStore
from tfwm.provenance.store import INDEX

ROOT = Path(__file__).resolve().parents[1]
ALGORITHM = "org.tfwm.photo.1"
MANIFEST = bytes(4300)
SHARED = 10


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 100_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path, default=ROOT / "results/provenance")
    args = parser.parse_args()
    results = []
    for rows in args.rows:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "manifests.db"
            fill(path, rows)
            results += [look_up(path, rows, case, args.repeats) for case in CASES]
    head = result_head("data made here", f"seed 0, repeats {args.repeats}")
    write_csv(results, args.output / "manifest-store.csv", head)


def fill(path, rows):
    ManifestStore(path, create=True)
    known = known_fingerprints(rows)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute("DROP INDEX fingerprints")
        values = (
            (n, f"urn:c2pa:{n}", MANIFEST, "ab" * 32, known[n].tobytes(), "2026", "photo", "public")
            for n in range(rows)
        )
        columns = "number, id, manifest, digest, fingerprint, time, network, key"
        marks = ", ".join("?" * 8)
        database.executemany(f"INSERT INTO manifests ({columns}) VALUES ({marks})", values)
        marks = ((ALGORITHM, str(n) if n % SHARED else "shared", n) for n in range(rows))
        database.executemany("INSERT INTO bindings VALUES (?, ?, ?)", marks)
        database.execute(INDEX)
    database.close()


def known_fingerprints(rows):
    return np.random.default_rng(0).integers(0, 256, (rows, fingerprints.BITS // 8), np.uint8)


def near(rows):
    """The last row that shares its mark, and its fingerprint with two other bits."""
    number = (rows - 1) // SHARED * SHARED
    value = known_fingerprints(rows)[number]
    value[0] ^= 3
    return number, value.tobytes()


def by_mark(store, number, value):
    return store.find(ALGORITHM, str(number - 1))[0].id == f"urn:c2pa:{number - 1}"


def by_shared_mark(store, number, value):
    return store.find(ALGORITHM, "shared", like=value)[0].id == f"urn:c2pa:{number}"


def by_fingerprint(store, number, value):
    found = store.find(fingerprints.ALGORITHM, fingerprints.to_value(value))
    return [match.id for match in found] == [f"urn:c2pa:{number}"]


CASES = {
    "a mark of one picture": by_mark,
    "a mark that a tenth of all share": by_shared_mark,
    "a fingerprint": by_fingerprint,
}


def look_up(path, rows, case, repeats):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        told = pool.apply(measured, (path, case, repeats, *near(rows)))
    row = {"rows": rows, "by": case, "file_mb": path.stat().st_size / 1e6, **told}
    print(row, flush=True)
    return row


def measured(path, case, repeats, number, value):
    store, times = ManifestStore(path), []
    store.manifest("urn:c2pa:0")
    before = peak()
    for _ in range(repeats):
        start = time.perf_counter(), time.process_time()
        found = CASES[case](store, number, value)
        times.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    seconds, cpu = min(times)
    memory = peak() - before
    return {"seconds": seconds, "cpu_seconds": cpu, "megabytes": memory, "found": int(found)}


def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1e3


if __name__ == "__main__":
    main()
