"""Calls that are joined: everybody gets what is theirs."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tfwm.serving.batching import BatchedNetwork, Batcher
from tfwm.web import Busy


def test_what_waits_is_joined_by_shape_and_parted_again():
    gate, sizes = threading.Event(), []

    def run(name, values, factor):
        gate.wait(5)
        sizes.append((name, values.shape))
        return values * factor[:, None, None]

    batcher = Batcher(run, max_batch=4)
    shapes = [(2, 3)] * 6 + [(5, 1)] * 2
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(batcher, "a", np.ones((1, 9, 9)), np.ones(1))
        while batcher._queue or not first.running():
            time.sleep(0.001)
        jobs = [
            pool.submit(batcher, "a", np.full((1, *shape), n), np.full(1, 10.0))
            for n, shape in enumerate(shapes)
        ]
        while len(batcher._queue) < len(jobs):
            time.sleep(0.001)
        gate.set()
        assert first.result(5).shape == (1, 9, 9)
        for n, (job, shape) in enumerate(zip(jobs, shapes, strict=True)):
            np.testing.assert_array_equal(job.result(5), np.full((1, *shape), 10 * n))
    assert sorted(shape for _, shape in sizes) == [(1, 9, 9), (2, 2, 3), (2, 5, 1), (4, 2, 3)]


def test_a_wait_fills_the_batch():
    sizes = []
    batcher = Batcher(lambda _, x: sizes.append(len(x)) or x, max_batch=3, max_wait=5)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda n: batcher("a", np.ones((1, 2))), range(3)))
    assert sizes == [3]


def test_large_images_go_by_themselves(monkeypatch):
    monkeypatch.setattr("tfwm.serving.batching.BATCH_PIXELS", 100)
    sizes = []
    batcher = Batcher(lambda _, x: sizes.append(len(x)) or x, max_batch=8, max_wait=0.05)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda n: batcher("a", np.ones((1, 10, 10, 1))), range(3)))
    assert sizes == [1, 1, 1]


def test_an_error_reaches_all_who_asked_and_nobody_else():
    def run(name, values):
        if name == "bad":
            raise RuntimeError("no")
        return values

    batcher = Batcher(run)
    with pytest.raises(RuntimeError, match="no"):
        batcher("bad", np.ones((1, 2)))
    assert batcher("good", np.ones((1, 2))).sum() == 2


def test_what_fails_in_a_batch_harms_nobody_else_in_it():
    def run(name, values):
        if np.isnan(values).any():
            raise RuntimeError("no")
        return values

    batcher = Batcher(run, max_batch=3, max_wait=5)
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(batcher, "a", np.full((1, 2), n)) for n in (1, np.nan, 3)]
        assert [jobs[n].result(5).sum() for n in (0, 2)] == [2, 6]
        with pytest.raises(RuntimeError, match="no"):
            jobs[1].result(5)


def test_who_waits_too_long_for_a_batch_is_told_so():
    """And what was given up is not computed; what is in work is awaited."""
    gate, sizes = threading.Event(), []

    def run(name, values):
        gate.wait(5)
        sizes.append(len(values))
        return values

    batcher = Batcher(run, max_batch=1, patience=0.05)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(batcher, "a", np.ones((1, 2)))
        while batcher._queue or not first.running():
            time.sleep(0.001)
        with pytest.raises(Busy, match="waited too long"):
            batcher("a", np.ones((1, 2)))
        gate.set()
        assert first.result(5).sum() == 2
    assert batcher("a", np.ones((1, 2)), patience=5).sum() == 2 and sizes == [1, 1]


def test_a_batch_that_was_given_up_while_it_filled():
    batcher = Batcher(lambda _, x: x, max_batch=3, max_wait=0.2)
    with pytest.raises(Busy):
        batcher("a", np.ones((1, 2)), patience=0.01)
    assert batcher("a", np.ones((1, 2)), patience=5).sum() == 2


def test_a_batched_network_is_the_network(quadrant_network):
    batched = BatchedNetwork(quadrant_network, max_batch=4)
    image = np.random.default_rng(0).random((3, 32, 40, 1), np.float32)
    message = np.ones((3, *quadrant_network.message_shape(32, 40)), np.float32)
    for strength in (1.0, np.float32([0.5, 1, 2])):
        ours = batched.embed(image, message, strength)
        np.testing.assert_array_equal(ours, quadrant_network.embed(image, message, strength))
    np.testing.assert_array_equal(batched.extract(ours), quadrant_network.extract(ours))
    with pytest.raises(ValueError, match="Expected images"):
        batched.extract(image[0])
