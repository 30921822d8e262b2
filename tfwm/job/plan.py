"""The plan of a job: which photos are left to do, in shards; and the ledger of what was done.

Both lie under OUTPUT/.tfwm-job/. A run has a folder of its own there, with `plan/00000.jsonl`, one
line for each photo, and `ledger/00000.jsonl`, one row for each photo of that shard, and at the end
what the shard took. A shard's ledger is written as a whole after its last photo: it is there, or
the shard is done again.
"""

import contextlib
import dataclasses
import json
import tempfile
from collections import Counter
from pathlib import Path, PurePosixPath

from tfwm.batch.jobs import Job, assign_outputs
from tfwm.batch.messages import assign_messages, parse_message
from tfwm.batch.report import REPORT
from tfwm.batch.tables import table_text
from tfwm.files import finite
from tfwm.images.kinds import endings
from tfwm.payload import to_bytes, to_plain

FOLDER = ".tfwm-job"
FAILED = "tfwm-failed.csv"
HERE = PurePosixPath(".")
TOOK = "took"


def find_jobs(source, file_format="keep", message=None, messages=None):
    """Lists the photos of a storage as jobs, with their messages and outputs.

    Args:
        source: `Storage` of the photos.
        file_format: see `tfwm.batch.jobs.output_name`.
        message: for all photos; or `None`, for photos that are to be read.
        messages: instead, path or address of a CSV, see `tfwm.batch.messages`.

    Returns:
        List of `tfwm.batch.jobs.Job`; what is no photo by its ending is skipped.
    """
    jobs = []
    for name in source.names():
        if PurePosixPath(name).name in (REPORT, FAILED):
            continue
        is_photo = PurePosixPath(name).suffix.lower() in endings()
        skipped = None if is_photo else "no image, by its ending"
        jobs.append(Job(PurePosixPath(name), name, message, skipped=skipped))
    if all(job.skipped for job in jobs):
        raise ValueError(f"{source.url} is not there, or holds no photos: check the path.")
    if message is not None or messages is not None:
        jobs = assign_outputs(jobs, HERE, file_format)
    if messages is not None:
        with _fetched(messages) as path:
            jobs = assign_messages(jobs, path, HERE)
    twice = [name for name, n in Counter(j.output for j in jobs if j.output).items() if n > 1]
    if twice:
        raise ValueError(
            f"{twice[0]} would be written several times: give each photo an output of its own."
        )
    return jobs


class Ledger:
    """What all runs of a job did, by the storage of its outputs.

    Args:
        storage: `Storage` of the outputs.
    """

    def __init__(self, storage):
        self._storage = storage

    def new_run(self):
        """Returns the name of the next run's folder."""
        runs = [name.split("/")[1] for name in self._storage.names(FOLDER)]
        return f"{FOLDER}/{1 + max((int(r) for r in runs if r.isdigit()), default=0):04d}"

    def rows(self, run=None):
        """Yields the rows of all runs, or of one, the oldest run first."""
        for shard in self.shards(run or FOLDER):
            yield from self.done(shard)

    def shards(self, run):
        """Returns the names of the shards of a run that are done."""
        names = (name for name in self._storage.names(run) if "/ledger/" in name)
        return [name.replace("/ledger/", "/plan/") for name in names]

    def write(self, shard, rows, took):
        """Writes the rows of a shard, and a dict of what it took.

        Args:
            shard: name of its plan.
            rows: list of dicts.
            took: dict, such as `{"seconds": 3.2}`.
        """
        self._storage.write(_ledger_of(shard), _lines([*rows, {TOOK: took}]))

    def done(self, shard):
        """Returns the rows of a shard, or `None` if it is to be done."""
        return self._lines_of(shard, lambda line: TOOK not in line)

    def took(self, run):
        """Returns the sums of what the shards of a run took, by name."""
        total = Counter()
        for shard in self.shards(run):
            for line in self._lines_of(shard, lambda line: TOOK in line):
                total.update(line[TOOK])
        return dict(total)

    def _lines_of(self, shard, wanted):
        data = self._storage.read_if_there(_ledger_of(shard))
        if data is None:
            return None
        return [line for text in data.splitlines() if wanted(line := json.loads(text))]


def write_plan(storage, run, jobs, size):
    """Writes the jobs of a run in shards; returns their names."""
    names = []
    for start in range(0, len(jobs), size):
        name = f"{run}/plan/{len(names):05d}.jsonl"
        storage.write(name, _lines(_planned(job) for job in jobs[start : start + size]))
        names.append(name)
    return names


def read_plan(storage, shard):
    """Returns the jobs of a shard."""
    return [_job(json.loads(line)) for line in storage.read(shard).splitlines()]


def write_reports(storage, columns, rows):
    """Writes the report of all rows, and that of the failed ones beside it."""
    storage.write(REPORT, table_text(columns, rows).encode("utf-8", "backslashreplace"))
    failed = [row for row in rows if row["status"] == "failed"]
    if failed or storage.read_if_there(FAILED) is not None:
        storage.write(FAILED, table_text(columns, failed).encode("utf-8", "backslashreplace"))


def _ledger_of(shard):
    return shard.replace("/plan/", "/ledger/")


def _lines(rows):
    return "".join(json.dumps(finite(row)) + "\n" for row in rows).encode()


def _planned(job):
    kind = None if job.message is None else to_bytes(job.message)[0]
    message = None if kind is None else str(to_plain(job.message))
    output = None if job.output is None else str(job.output)
    return {"name": job.name, "output": output, "message": message, "kind": kind} | {
        "details": job.details
    }


def _job(values):
    message = values["message"]
    job = Job(PurePosixPath(values["name"]), values["name"], details=values["details"])
    if message is None:
        return job
    message = parse_message(message, values["kind"])
    return dataclasses.replace(job, message=message, output=PurePosixPath(values["output"]))


@contextlib.contextmanager
def _fetched(place):
    """The path of a table, which may lie anywhere."""
    from tfwm.databases import is_address
    from tfwm.job.storage import Storage

    if not is_address(place):
        yield Path(place)
        return
    folder, _, name = str(place).rpartition("/")
    with tempfile.TemporaryDirectory() as here:
        path = Path(here) / name
        path.write_bytes(Storage(folder).read(name))
        yield path
