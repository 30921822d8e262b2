"""Work on one copy in several threads, whose results come in order."""

import collections
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

_lock = threading.RLock()  # a generator may be closed by the garbage collector, in any thread
_working = 0  # threads of this process that work on copies


def ahead(function, items, workers):
    """Yields `function(item)` for each item in turn, while the next ones are worked on.

    Results and their order are those of `map`; what was begun for items that nobody asks for is
    dropped. However many copies are worked on side by side, no more threads are begun than
    `workers` less those that work already.

    Args:
        function: of an item, without side effects.
        items: iterable; it is read in the caller's thread, a few items ahead.
        workers: how many threads are faster than one, 1 for none.

    Example:

    >>> list(ahead(lambda n: n * n, range(5), workers=2))
    [0, 1, 4, 9, 16]
    """
    threads = _begin(workers)
    try:
        if threads == 1:
            yield from map(function, items)
        else:
            yield from _in_order(function, iter(items), threads)
    finally:
        _end(threads)


def _in_order(function, items, threads):
    pool = ThreadPoolExecutor(threads)
    begun = collections.deque()
    try:
        begun.extend(pool.submit(function, item) for item in itertools.islice(items, threads))
        while begun:
            result = begun.popleft().result()
            begun.extend(pool.submit(function, item) for item in itertools.islice(items, 1))
            yield result
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _begin(workers):
    """Counts the caller's thread and, where cores are free, others in its place."""
    global _working
    with _lock:
        threads = max(1, workers - _working)
        _working += threads
        return threads


def _end(threads):
    global _working
    with _lock:
        _working -= threads
