"""Runs a job to its end: plan, attempts, ledger, reports."""

import contextlib
import dataclasses
import json
import os
import secrets
import time
from pathlib import Path

from tfwm.batch.done import key_id
from tfwm.batch.lock import only_run
from tfwm.batch.report import EMBED_COLUMNS, EXTRACT_COLUMNS
from tfwm.batch.rows import OWNER_COLUMNS, told_message
from tfwm.databases import is_address
from tfwm.files import finite
from tfwm.job.plan import Ledger, find_jobs, write_plan, write_reports
from tfwm.job.storage import Storage, digest_of
from tfwm.keys import find_key
from tfwm.register import open_register

LOCAL = "direct"
SHARD = 32
# Attempts in a row that get nothing done.
PATIENCE = 3


def run_job(
    settings,
    *,
    message=None,
    messages=None,
    file_format="keep",
    runner=LOCAL,
    options=(),
    workers=None,
    shard=SHARD,
    progress=None,
):
    """Marks or reads the photos of a storage, on as many workers as the runner has.

    A run does what the ledger does not call done with the same message, key and settings, and what
    is no longer there; so a job that was killed goes on when it is started again. Each photo is
    written as a whole under one name, and has one row in the report.

    Args:
        settings: `tfwm.job.work.Settings`; `key_id` and `salt` are filled in here.
        message: for all photos, to embed; or
        messages: path or address of a table, see `tfwm.batch.messages`.
        file_format: of the marked photos, see `tfwm.batch.jobs.output_name`.
        runner: see `tfwm.job.pipeline.run_pipeline`, also for `options`.
        workers: processes on this computer, for the runner `"direct"`; one for each core.
        shard: photos in a shard, which is what a killed worker loses at most.
        progress: called with a line of text.

    Returns:
        Dict: `photos`, `done`, `skipped`, `failed`, `before` (done by earlier runs), `attempts`,
        `seconds`, `workers`, and `shard_seconds` and `cpu_seconds` of all workers together.

    Raises:
        OSError: the job did not come to its end; started again, it goes on.
    """
    tell, start = progress or (lambda line: None), time.perf_counter()
    source, output = Storage(settings.source), Storage(settings.output)
    _check_apart(source, output)
    embeds = settings.action == "embed"
    with _held(output):
        jobs = find_jobs(source, file_format, message, messages)
        ledger = Ledger(output)
        earlier = list(ledger.rows())
        _settle(settings, output)
        settings = _told(settings, source, output, earlier)
        wanted = [job for job in jobs if not job.idle]
        done = _done(earlier, wanted, settings, source, output)
        left = [job for job in wanted if _wanted(job, source, embeds) not in done]
        run = ledger.new_run()
        shards = write_plan(output, run, left, shard)
        before = len(wanted) - len(left)
        tell(f"photos to do: {len(left)}, shards: {len(shards)}, done before: {before}")
        work = {"runner": runner, "options": options, "workers": workers or os.cpu_count()}
        attempts = _attempts(settings, shards, ledger, run, work, tell)
        _settle(settings, output)
        rows, lacks = _all_rows(ledger, jobs, source, embeds, done)
        if lacks:
            raise OSError(f"{lacks} photos have no row in the ledger: run the job again.")
        write_reports(output, _columns(settings, rows), rows)
        told = {status: 0 for status in ("done", "skipped", "failed")}
        for row in rows:
            told[row["status"]] += 1
        result = {"photos": len(rows), **told, "before": before}
        result |= {"attempts": attempts, "seconds": time.perf_counter() - start}
        result |= {"workers": work["workers"], **ledger.took(run)}
        output.write(f"{run}/metrics.json", json.dumps(finite(result), indent=1).encode())
        return result


def _attempts(settings, shards, ledger, run, work, tell):
    """Runs the pipeline until all shards are done; returns how often it ran."""
    if not shards:
        return 0
    if work["runner"] != LOCAL:
        from tfwm.job.pipeline import run_pipeline

        run_pipeline(settings, shards, **work)
        return 1
    from tfwm.job.local import run_once

    attempts, idle, before = 0, 0, 0
    while True:
        attempts += 1
        error = run_once(settings, shards, work["options"], work["workers"])
        if error is None:
            return attempts
        now = len(ledger.shards(run))
        idle, before = (0 if now > before else idle + 1), now
        if idle >= PATIENCE or "ValueError" in error or "ImportError" in error:
            raise OSError(f"The job stopped: {error}. Started again, it goes on where it ended.")
        tell(f"{error}; {now} of {len(shards)} shards are done, the rest is started again")


def _told(settings, source, output, rows):
    """What the workers are told: whole paths, and a name of the key if this computer knows it."""
    names = [row.get("key_id") for row in rows]
    salt = next((n.partition("-")[0] for n in names if n and "-" in n), secrets.token_hex(4))
    key, name = None, None
    with contextlib.suppress(ValueError):  # a file that only the workers have
        key = find_key(None, settings.key_file)
        name = key_id(key, salt)
    places = {"source": source.url, "output": output.url}
    for what in ("key_file", "register", "network"):
        place = getattr(settings, what)
        if place is not None and not is_address(place) and os.path.exists(place):
            places[what] = os.path.abspath(place)
    return dataclasses.replace(settings, key_id=name, salt=salt, **places)


def _settle(settings, output):
    if settings.register and settings.action == "embed":
        register = open_register(settings.register, create=True)
        register.settle(output.url, digest_of)


def _done(rows, wanted, settings, source, output):
    """The rows of photos that earlier runs did as is wanted, by `_name`."""
    embeds = settings.action == "embed"
    there = set(output.names()) if embeds else ()
    asked = {"settings": settings.asked(), "key_id": settings.key_id}
    jobs = {_wanted(job, source, embeds): job for job in wanted}
    last = {_name(row): row for row in rows if row["status"] == "done"}

    def is_done(name, row):
        if name not in jobs or (embeds and row["output"] not in there):
            return False
        told = dict(asked)
        if embeds:
            told |= {"source": source.place(row["file"]), **told_message(jobs[name])}
        return all(v is None or str(row.get(column)) == str(v) for column, v in told.items())

    return {name: row for name, row in last.items() if is_done(name, row)}


def _all_rows(ledger, jobs, source, embeds, done):
    """One row for each photo, sorted, and how many have none: of each, what came last."""
    rows, named = {_name(row): row for row in ledger.rows()} | done, {}
    for job in jobs:
        name = _wanted(job, source, embeds)
        if job.idle:
            first = {"file": job.name, "source": source.place(job.name)}
            first = first if embeds else {"photo": source.place(job.name)}
            named[name] = first | {"status": "skipped", "error": job.skipped}
        elif name in rows:
            named[name] = rows[name]
    return [named[name] for name in sorted(named)], len(jobs) - len(named)


def _columns(settings, rows):
    if settings.action == "extract":
        return (*EXTRACT_COLUMNS, *(OWNER_COLUMNS if settings.register else ()))
    return list(dict.fromkeys([*EMBED_COLUMNS, *(name for row in rows for name in row)]))


def _name(row):
    return (row["photo"], "") if "photo" in row else (row["file"], row.get("output") or "")


def _wanted(job, source, embeds):
    """What `_name` gives for the row of a job."""
    return (job.name, str(job.output or "")) if embeds else (source.place(job.name), "")


def _check_apart(source, output):
    places = [os.path.realpath(x.url) if x.is_local else x.url for x in (source, output)]
    first, second = (f"{place.rstrip('/')}/" for place in places)
    if first.startswith(second) or second.startswith(first):
        raise ValueError(
            f"Expected an output beside the photos. Received: {output.url}, and {source.url}"
        )


@contextlib.contextmanager
def _held(output):
    """One job at a time writes into a folder of this computer; object stores have no locks."""
    if not output.is_local:
        yield
        return
    Path(output.url).mkdir(parents=True, exist_ok=True)
    with only_run(output.url):
        yield
