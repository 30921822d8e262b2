"""Joins what several requests ask of a network at about the same time into one call."""

import concurrent.futures
import contextlib
import copy
import dataclasses
import threading
import time

import numpy as np

from tfwm.marking.reader import BATCH_PIXELS
from tfwm.networks.network import Network
from tfwm.web.turns import LATE, Busy

MAX_BATCH, MAX_WAIT = 8, 0.0


@dataclasses.dataclass(eq=False)
class _Job:
    key: tuple
    arrays: tuple
    done: concurrent.futures.Future = dataclasses.field(default_factory=concurrent.futures.Future)
    since: float = dataclasses.field(default_factory=time.monotonic)

    def __len__(self):
        return len(self.arrays[0])


class Batcher:
    """Runs a function on batches of arrays that come from several threads.

    Arrays of one name and shape are joined, first come first served. Nobody waits while the
    function is idle, unless `max_wait` says so: a batch grows while the one before it is computed.

    Args:
        run: function of a name and of arrays with a batch axis, which returns one array.
        max_batch: images in a batch; there are fewer where they are large.
        max_wait: seconds to wait for more images of the same shape.
        patience: seconds that arrays wait for their batch; `None` for as long as it takes.
        tell: called with the name and the size of each batch.

    Example:

    >>> Batcher(lambda name, image: image + 1)("add", np.zeros((2, 3))).sum()
    np.float64(6.0)
    """

    def __init__(self, run, max_batch=MAX_BATCH, max_wait=MAX_WAIT, patience=None, tell=None):
        self._run, self.max_batch, self.max_wait = run, max_batch, max_wait
        self.patience = patience
        self._tell = tell or (lambda name, size: None)
        self._queue, self._change = [], threading.Condition()
        threading.Thread(target=self._loop, name="batches", daemon=True).start()

    def __call__(self, name, *arrays, patience=None):
        """Returns the part of the batch's result that belongs to these arrays.

        Args:
            name: see the class.
            *arrays: of one length.
            patience: that of these arrays, if it is another.

        Raises:
            Busy: they waited too long, and are not in work.
        """
        job = _Job((name, *(array.shape[1:] for array in arrays)), arrays)
        with self._change:
            self._queue.append(job)
            self._change.notify()
        with contextlib.suppress(TimeoutError):
            return job.done.result(self.patience if patience is None else patience)
        with self._change:
            if job in self._queue:
                self._queue.remove(job)
                raise Busy(LATE)
        return job.done.result()

    def _loop(self):
        while True:
            self._work(self._next())

    def _work(self, jobs):
        name, sizes = jobs[0].key[0], list(map(len, jobs))
        try:
            arrays = zip(*(job.arrays for job in jobs), strict=True)
            result = self._run(name, *map(np.concatenate, arrays))
            self._tell(name, sum(sizes))
            parts = np.split(result, np.cumsum(sizes)[:-1])
        except BaseException as error:  # whoever asked hears of it, and nobody else
            if len(jobs) == 1:
                jobs[0].done.set_exception(error)
                return
            for job in jobs:
                self._work([job])
            return
        for job, part in zip(jobs, parts, strict=True):
            job.done.set_result(part)

    def _next(self):
        """Waits for the next batch and takes it."""
        with self._change:
            while True:
                while not self._queue:
                    self._change.wait()
                until = self._queue[0].since + self.max_wait
                jobs, full = self._alike()
                left = until - time.monotonic()
                if full or left <= 0:
                    self._queue = [job for job in self._queue if job not in jobs]
                    return jobs
                self._change.wait(left)

    def _alike(self):
        """The oldest job and those like it, and whether they are as many as may be."""
        first = self._queue[0]
        pixels = int(np.prod(first.arrays[0].shape[1:3]))
        room = max(min(self.max_batch, BATCH_PIXELS // max(pixels, 1)), 1)
        jobs = []
        for job in self._queue:
            if job.key != first.key:
                continue
            if jobs and len(job) > room:
                return jobs, True
            jobs.append(job)
            room -= len(job)
            if room <= 0:
                return jobs, True
        return jobs, False


class BatchedNetwork(Network):
    """A network that computes what several threads ask for in batches.

    Args:
        network: `tfwm.networks.Network`.
        **options: see `Batcher`.
    """

    def __init__(self, network, **options):
        self.name, self.card, self.form = network.name, network.card, None
        self.kind = getattr(network, "kind", "message")
        for name in ("patch_shape", "block_shape", "channels", "bits", "whole"):
            setattr(self, name, getattr(network, name))
        self.phases = getattr(network, "phases", 0)
        calls = {"embed": network.embed, "extract": network.extract}
        self._batcher = Batcher(lambda name, *arrays: calls[name](*arrays), **options)
        self._patience = None

    def within(self, patience):
        """Returns the same network for a caller that waits so many seconds for a batch."""
        other = copy.copy(self)
        other._patience = patience
        return other

    def _embed(self, image, message, strength):
        strength = np.broadcast_to(np.float32(strength), len(image))
        return self._batcher("embed", image, message, strength, patience=self._patience)

    def _extract(self, image):
        return self._batcher("extract", image, patience=self._patience)
