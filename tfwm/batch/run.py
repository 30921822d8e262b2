"""Runs work on many files, side by side, and tells how each came out."""

import concurrent.futures
import contextlib
import os
import threading

from tfwm.images import count_pixels

DONE_BEFORE = "done before"
SKIPS_TOLD = 10
# Photos in work have at most so many pixels in all; a larger photo is processed alone.
PIXELS_AT_ONCE = 64_000_000


class Skip(Exception):
    """A job needs no work; the exception's text says why."""


class Stopped(Exception):
    """The run was interrupted before this photo was finished."""


class Pool:
    """Works on photos side by side, in threads, with bounded memory.

    Decoding and encoding run side by side; the network, inside `lane`, as often as it says. After
    an interruption (`KeyboardInterrupt`), photos that wait are given up, photos that are being
    written are finished, and the exception reaches the caller.

    Args:
        workers: number of threads; by default one for each core, 2 to 8.
        network: the `tfwm.networks.Network` in use, whose `parallel` tells how many calls at once
            are faster than one after another.
    """

    def __init__(self, workers=None, network=None):
        self._workers = workers or min(max(os.cpu_count() or 1, 2), 8)
        self._stop = threading.Event()
        self._lane = threading.Semaphore(min(getattr(network, "parallel", 1), self._workers))
        self._pixels = 0
        self._room = threading.Condition()

    @contextlib.contextmanager
    def lane(self):
        """Lets in as many threads as the network takes; raises `Stopped` if interrupted."""
        with self._lane:
            self.check()
            yield

    def check(self):
        """Raises `Stopped` after an interruption."""
        if self._stop.is_set():
            raise Stopped

    def run(self, work, jobs, done):
        """Works on all jobs.

        Args:
            work: called with a job, in any thread; an exception that it raises is its result.
            jobs: list of objects with the path `source` of a photo.
            done: called in this thread with a job and its result, in the order of finishing.
        """
        pool = concurrent.futures.ThreadPoolExecutor(self._workers)
        waiting = {pool.submit(self._work, work, job): job for job in jobs}
        try:
            for future in concurrent.futures.as_completed(list(waiting)):
                done(waiting[future], future.result())
                del waiting[future]
        finally:
            self._stop.set()
            with self._room:
                self._room.notify_all()
            pool.shutdown(wait=True, cancel_futures=True)
            for future, job in waiting.items():
                result = None if future.cancelled() else future.result()
                if result is not None and not isinstance(result, Stopped):
                    done(job, result)

    def _work(self, work, job):
        try:
            with self._memory(count_pixels(job.source)):
                return work(job)
        except Exception as error:  # one photo must not stop the others, whatever happens
            return error

    @contextlib.contextmanager
    def _memory(self, pixels):
        with self._room:
            self._room.wait_for(
                lambda: (
                    self._stop.is_set()
                    or not self._pixels
                    or self._pixels + pixels <= PIXELS_AT_ONCE
                )
            )
            self.check()
            self._pixels += pixels
        try:
            yield
        finally:
            with self._room:
                self._pixels -= pixels
                self._room.notify_all()


def run_jobs(pool, work, jobs, make_row, table=None, progress=None):
    """Works on all jobs; one failure does not stop the rest.

    Args:
        pool: `Pool`.
        work: function of a job that returns a dict of values; it raises `Skip` for a job that
            needs no work. It runs in any thread.
        jobs: list of `Job`; those with `skipped` or `problem` get a row only.
        make_row: function of a job and the values of its work, `{}` if there are none, that
            returns the columns of its row.
        table: `RunReport` that takes the rows, and is written at the end in any case.
        progress: called with the share done, 0 to 1, and a line: what was just done
            (`"done: NAME"`), or what the user should know (`"note: ..."` or `"error: ..."`).

    Returns:
        The rows as dicts, sorted by their first column. Each also has `status`, which is
        `"done"`, `"skipped"` or `"failed"`, and `error`, the reason.
    """
    rows, skips = [], []

    def tell(line):
        if progress:
            progress(len(rows) / len(jobs), line)

    def add(job, status, error=None, values=None):
        row = make_row(job, values or {}) | {"status": status, "error": error}
        rows.append(row)
        if table:
            table.add_unless_worse(row)
        for text in row.get("notes") or ():
            tell(f"note: {job.source}: {text}")
        if status == "failed":
            tell(f"error: {job.source}: {error}")
        elif status == "done" or error == DONE_BEFORE:
            tell(f"done: {job.source}")
        else:
            skips.append(job)
            if len(skips) <= SKIPS_TOLD:
                tell(f"note: {job.source} skipped: {error}")

    def finished(job, result):
        if isinstance(result, Skip):
            add(job, "skipped", str(result))
        elif isinstance(result, Exception):
            add(job, "failed", _reason(result))
        else:
            add(job, "done", values=result)

    try:
        for job in jobs:
            if job.idle:
                add(job, "failed" if job.problem else "skipped", job.problem or job.skipped)
        pool.run(work, [job for job in jobs if not job.idle], finished)
    finally:
        if table:
            table.write()
        if len(skips) > SKIPS_TOLD:
            tell(f"note: {len(skips) - SKIPS_TOLD} more skipped")
    places = "output", "source"
    return sorted(
        rows, key=lambda row: (next(iter(row.values())), *(row.get(x) or "" for x in places))
    )


def _reason(error):
    """The error in one line, with its type if it is not one of ours."""
    text = " ".join(str(error).split())[:500]
    ours = isinstance(error, ValueError | OSError)
    return text if ours and text else f"{type(error).__name__}: {text}"
