"""Work ahead in threads: results, their order, and evidence are those of one thread."""

import threading
import time

import numpy as np
import pytest
from skimage import data

from tfwm.images import Photo
from tfwm.marking import Canvas, Reader, candidates
from tfwm.marking import ahead as module
from tfwm.marking.ahead import ahead
from tfwm.payload import Codec, Key


def test_results_come_in_order_though_later_ones_are_done_sooner():
    def work(n):
        time.sleep(0.02 * (5 - n))
        return n, threading.get_ident()

    found = list(ahead(work, range(5), workers=4))
    assert [n for n, _ in found] == [0, 1, 2, 3, 4]
    assert len({thread for _, thread in found}) > 1
    assert module._working == 0


def test_items_are_read_only_a_few_ahead_and_the_rest_is_dropped():
    read, done = [], []

    def items():
        for n in range(100):
            read.append(n)
            yield n

    found = ahead(done.append, items(), workers=3)
    next(found)
    assert len(read) <= 4
    found.close()
    assert module._working == 0 and len(done) <= 4


def test_an_error_comes_where_its_result_would():
    found = ahead(lambda n: 1 / (2 - n), range(5), workers=2)
    assert [next(found), next(found)] == [0.5, 1.0]
    with pytest.raises(ZeroDivisionError):
        next(found)
    assert module._working == 0


def test_threads_of_all_copies_together_are_bounded():
    most, running, lock = [0], [0], threading.Lock()

    def work(_):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.01)
        with lock:
            running[0] -= 1

    copies = [
        threading.Thread(target=lambda: list(ahead(work, range(8), workers=4))) for _ in range(6)
    ]
    for copy in copies:
        copy.start()
    for copy in copies:
        copy.join()
    assert most[0] <= 4 + 5  # the first takes all four, the others their own
    assert module._working == 0


@pytest.mark.parametrize("edit", [lambda x: x, lambda x: x[29:, 5:], lambda x: x[::2, ::2]])
def test_evidence_does_not_depend_on_the_number_of_threads(
    watermarker, quadrant_network, monkeypatch, edit
):
    """Scores, places, and the trials that a p-value counts, at each candidate of a search."""
    marked = edit(watermarker.embed(data.coffee()[:320, :320], "ada", key="k", strength=2))
    seen = []
    for parallel in (1, 4):
        monkeypatch.setattr(quadrant_network, "parallel", parallel)
        reader = Reader(quadrant_network, Canvas(Photo(marked)), Codec(1024, Key("k")))
        seen.append([])
        for stage, place in candidates(reader, "rotate"):
            votes = reader.votes(place)
            seen[-1].append((stage, place, reader.trials, float(np.sum(votes))))
    assert seen[0] == seen[1] and len(seen[0]) > 10
