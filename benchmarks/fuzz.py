"""Whether broken photos, packed networks and odd names end in one clear line and lose nothing.

    python benchmarks/fuzz.py
    python benchmarks/fuzz.py --sections packages --seed 3 --limit 100 --keep failures/

Runs `tfwm embed`, `extract` and `verify` on 1,000 broken photos of 12 formats, 300 packed networks
and 200 odd names, in processes that stay alive. Each command must end within 10 seconds with the
exit code 0, 1 or 2 and, where it fails, one line that says why; no traceback, no line of
TensorFlow's, no other byte of an input changed, no draft left, each output whole. Writes
results/robustness/fuzz.csv, a row for each kind of damage, and prints what failed; the exit code
is 1 if anything did. `--keep` saves the input of the first failure of each kind.
"""

import argparse
import collections
import contextlib
import io
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unicodedata import category

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 10.0
NOISE = ("Traceback", "tensorflow/", "InvalidArgumentError", "^^^^")


class Worker:
    """A process that runs commands one after the other, and is replaced if it hangs or dies."""

    def __init__(self):
        self._process = None

    def run(self, words, folder):
        """Runs `tfwm` with these words in a folder; returns `(code, out, err, seconds)`.

        The code is `None` if it took too long or the process died.
        """
        if self._process is None or self._process.poll() is not None:
            self._start()
        began = time.monotonic()
        request = json.dumps({"words": words, "folder": str(folder)}) + "\n"
        self._process.stdin.write(request.encode())
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], LONGEST)[0]:
            self.close()
            return None, "", f"no answer after {LONGEST:g} s", time.monotonic() - began
        line = self._process.stdout.readline()
        seconds = time.monotonic() - began
        if not line:
            code = self._process.wait()
            return None, "", f"the process died with the code {code}", seconds
        answer = json.loads(line)
        return answer["code"], answer["out"], answer["err"], answer["seconds"]

    def _start(self):
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[:1]])},
        )
        self._process.stdout.readline()  # it says when it is ready

    def close(self):
        """Ends the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def work():
    """The worker: commands from stdin, answers to what was stdout."""
    answers, requests = os.fdopen(os.dup(1), "w"), os.fdopen(os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # what `-` reads
    import numpy as np

    from tfwm import cli, watermarker

    # The network that comes with tfwm is opened once; the others anew by each command.
    opened, load = watermarker.load(), watermarker.load
    watermarker.load = lambda name, *rest: opened if name == "photo" else load(name, *rest)
    opened.extract(np.zeros((64, 64, 3), np.uint8), search="none")
    answers.write("ready\n")
    answers.flush()
    for line in requests:
        request = json.loads(line)
        os.chdir(request["folder"])
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            sys.stdout = io.TextIOWrapper(io.FileIO(os.dup(1), "w"), "utf-8", write_through=True)
            sys.stderr = io.TextIOWrapper(io.FileIO(os.dup(2), "w"), "utf-8", write_through=True)
            began = time.monotonic()
            code = _call(cli.main, request["words"])
            seconds = time.monotonic() - began
            sys.stdout.close()
            sys.stderr.close()
            texts = {}
            for name, file in (("out", out), ("err", err)):
                file.seek(0)
                texts[name] = file.read().decode("utf-8", "replace")
        os.chdir("/")
        answers.write(json.dumps({"code": code, "seconds": seconds, **texts}) + "\n")
        answers.flush()


def _call(main, words):
    import traceback

    try:
        return main(words)
    except SystemExit as error:
        return error.code
    except BaseException:
        traceback.print_exc()
        return 99


def judge(case, worker, folder):
    """Runs a case in an empty folder; returns what is wrong, a list of lines, and the seconds."""
    from fuzz_cases import digests

    problems, most = [], 0.0
    commands = case.make(folder)
    before = digests(folder)
    for words in commands:
        code, out, err, seconds = worker.run(words, folder)
        most = max(most, seconds)
        command = " ".join(words[:1])
        if code is None:
            problems.append(f"{command}: {err}")
            continue
        lines = err.splitlines()
        errors = [line for line in lines if line.startswith("tfwm: error: ")]
        if code not in (0, 1, 2):
            problems.append(f"{command}: exit code {code}: {lines[-1] if lines else ''}")
        elif code == 2 and len(errors) != 1 and not _is_listed(out, lines):
            problems.append(f"{command}: {len(errors)} error lines: {err.strip()[:300]}")
        elif any(not line.startswith("tfwm: ") for line in lines):
            problems.append(f"{command}: another line: {err.strip()[:300]}")
        if any(word in err + out for word in NOISE):
            problems.append(f"{command}: {err.strip()[-300:]}")
        if any(not (x.isprintable() or x == "\n" or category(x) == "Zs") for x in err + out):
            problems.append(f"{command}: a character that is not printable: {err!r:.300}")
        problems += _files(command, before, digests(folder), code)
    return problems, most


def _is_listed(out, lines):
    """Whether a run of several files told each failure in a line of its own."""
    return bool(lines) and all(line.startswith("tfwm: ") for line in lines)


def _files(command, before, after, code):
    problems = []
    for name, content in before.items():
        if after.get(name) != content:
            problems.append(f"{command}: the input {os.fsdecode(name)!r} was changed")
    new = {name: content for name, content in after.items() if name not in before}
    for name, content in new.items():
        base = os.path.basename(name)
        if base.endswith(b".part"):
            problems.append(f"{command}: a draft is left: {os.fsdecode(name)!r}")
        elif base.startswith(b"tfwm-report") or base.startswith(b".tfwm"):
            continue
        elif command == "embed" and code == 2:
            problems.append(f"{command}: failed, but wrote {os.fsdecode(name)!r}")
        else:
            try:
                Image.open(io.BytesIO(content)).load()
            except Exception as error:
                problems.append(f"{command}: {os.fsdecode(name)!r} is no whole image: {error}")
    return problems


def run(sections, seed, limit, keep=None, progress=print):
    """Runs the cases; returns rows, one a kind, and the failures `{kind: [line]}`."""
    from fuzz_cases import COUNTS, all_cases

    from tfwm.data import read_photos

    photos = read_photos("bundled:test", limit=4)
    worker, rows, failures = Worker(), {}, collections.defaultdict(list)
    try:
        for section in sections:
            count = min(limit or COUNTS[section], COUNTS[section])
            for number, case in enumerate(all_cases(section, count, seed, photos)):
                with tempfile.TemporaryDirectory(prefix="tfwm-fuzz-") as around:
                    place = Path(around) / "case"  # whose parent folder, "..", holds no more
                    place.mkdir()
                    problems, seconds = judge(case, worker, place)
                    kind = f"{section}: {case.kind}"
                    if problems and keep and not failures[kind]:
                        target = Path(keep) / f"{section}-{number}"
                        with contextlib.suppress(OSError, shutil.Error):  # pipes are not kept
                            shutil.copytree(place, target, symlinks=True, dirs_exist_ok=True)
                row = rows.setdefault(
                    kind, {"section": section, "kind": case.kind, "cases": 0, "failed": 0}
                )
                row["cases"] += 1
                row["failed"] += bool(problems)
                row["slowest_seconds"] = max(row.get("slowest_seconds", 0.0), seconds)
                for problem in problems:
                    progress(f"{section} {number}: {case.kind}: {problem}")
                failures[kind] += problems
    finally:
        worker.close()
    return list(rows.values()), {kind: lines for kind, lines in failures.items() if lines}


def main(arguments=None):
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sections = ("files", "packages", "names")
    parser.add_argument("--sections", nargs="+", choices=sections, default=sections)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, help="cases of each section at most")
    parser.add_argument("--keep", metavar="FOLDER", help="keep the input of failures there")
    parser.add_argument("--output", type=Path, default=ROOT / "results" / "robustness")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.worker:
        work()
        return 0
    from tfwm.files import result_head, write_csv

    began = time.monotonic()
    rows, _ = run(args.sections, args.seed, args.limit, args.keep)
    cases, failed = (sum(row[key] for row in rows) for key in ("cases", "failed"))
    print(f"{cases} cases, {failed} failed, {time.monotonic() - began:.0f} s")
    write_csv(rows, args.output / "fuzz.csv", result_head(f"{cases} cases, seed {args.seed}"))
    return int(failed > 0)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
