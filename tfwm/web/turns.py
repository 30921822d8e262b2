"""Caps on what is in work at once: the number of jobs, those that wait, and their memory."""

import concurrent.futures
import contextlib
import threading
import time

LATE = "This waited too long for its turn: try again later."


class Busy(Exception):
    """There is no room for more work now; its text is one line."""


class Gate:
    """Lets so many in at once, and tells the others `Busy`: `with gate: ...`."""

    def __init__(self, most):
        self.most, self.inside = most, 0
        self._lock = threading.Lock()

    def __enter__(self):
        with self._lock:
            if self.inside >= self.most:
                raise Busy("Too much is in work here: try again later.")
            self.inside += 1

    def __exit__(self, *_):
        with self._lock:
            self.inside -= 1


class Turns:
    """Lets a few threads work, a few jobs wait for them, and no more.

    What each thread keeps of memory adds up, so that the same few do all work.

    Args:
        workers: jobs that are worked for at once.
        waiting: jobs that may wait.
        patience: seconds that a job waits for its beginning.

    Example:

    >>> Turns().run(max, 1, 2)
    2
    """

    def __init__(self, workers=1, waiting=16, patience=30.0):
        self.most, self.patience = workers + waiting, patience
        self.taken = 0
        self._lock = threading.Lock()
        self._pool = concurrent.futures.ThreadPoolExecutor(workers, "work")

    def run(self, work, *args):
        """Returns what `work(*args)` returns, or raises `Busy`."""
        return self.map(work, [args])[0]

    def map(self, work, jobs, patience=None):
        """Returns what `work(*job)` returns for each job; all get their turns, or none.

        Args:
            work: function.
            jobs: list of the tuples of its arguments.
            patience: seconds that the last job waits for its beginning.

        Raises:
            Busy: too many jobs wait, or they waited too long; what has not begun will not.
        """
        patience = self.patience if patience is None else patience
        with self._lock:
            if self.taken + len(jobs) > self.most:
                raise Busy("Too much is in work here: try again later.")
            self.taken += len(jobs)
        futures = []
        for job in jobs:
            futures.append(self._pool.submit(work, *job))
            futures[-1].add_done_callback(self._leave)
        late = concurrent.futures.wait(futures, patience).not_done
        if any([future.cancel() for future in late]):
            raise Busy(LATE)
        return [future.result() for future in futures]

    def _leave(self, _):
        with self._lock:
            self.taken -= 1


class Room:
    """Bytes that may be in use at once: whoever needs some waits, in the order of coming.

    Args:
        most: number of bytes; what needs more than that gets all of it.
        patience: seconds to wait.
    """

    def __init__(self, most, patience=30.0):
        self.most, self.patience, self.used = most, patience, 0
        self._gate, self._change = threading.Lock(), threading.Condition()

    @contextlib.contextmanager
    def hold(self, size):
        """Holds `size` bytes; raises `Busy` after waiting in vain."""
        size, end = min(size, self.most), time.monotonic() + self.patience
        if not self._gate.acquire(timeout=self.patience):  # the next ones wait behind this one
            raise Busy("There is no memory for this now: try again later.")
        try:
            with self._change:
                left = max(end - time.monotonic(), 0)
                if not self._change.wait_for(lambda: self.used + size <= self.most, left):
                    raise Busy("There is no memory for this now: try again later.")
                self.used += size
        finally:
            self._gate.release()
        try:
            yield
        finally:
            with self._change:
                self.used -= size
                self._change.notify()
