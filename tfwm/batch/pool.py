"""Threads that work on photos side by side, in bounded memory."""

import concurrent.futures
import contextlib
import os
import threading

from PIL import Image

# Photos in work have at most so many pixels in all; a larger photo is processed alone.
PIXELS_AT_ONCE = 64_000_000


class Stopped(Exception):
    """The run was interrupted before this photo was finished."""


class Pool:
    """Works on photos side by side, in threads, with bounded memory.

    Decoding and encoding run side by side; the network and the codec, inside `lane`, do not. After
    an interruption (`KeyboardInterrupt`), photos that wait are given up, photos that are being
    written are finished, and the exception reaches the caller.

    Args:
        workers: number of threads; by default one for each core, 2 to 8.
    """

    def __init__(self, workers=None):
        self._workers = workers or min(max(os.cpu_count() or 1, 2), 8)
        self._stop = threading.Event()
        self._lane = threading.Lock()
        self._pixels = 0
        self._room = threading.Condition()

    @contextlib.contextmanager
    def lane(self):
        """Lets in one thread at a time; raises `Stopped` after an interruption."""
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
            with self._memory(_pixels(job.source)):
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


def _pixels(path):
    """Number of pixels that a file claims to hold; 0 if it is no image."""
    try:
        with Image.open(path) as image:
            return image.width * image.height
    except Exception:  # reading the photo reports it
        return 0
