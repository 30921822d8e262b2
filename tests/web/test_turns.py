"""Caps on what is in work at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tfwm.web import Busy, Gate, Room, Turns


def test_a_gate_counts_who_is_inside():
    gate = Gate(1)
    with gate:
        with pytest.raises(Busy), gate:
            pass
    with gate:
        assert gate.inside == 1


def test_jobs_beyond_those_that_may_wait_are_refused():
    go_on, turns = threading.Event(), Turns(workers=1, waiting=1)
    with ThreadPoolExecutor(1) as pool:
        both = pool.submit(turns.map, lambda n: go_on.wait(5) and n, [(1,), (2,)])
        while turns.taken < 2:
            pass
        with pytest.raises(Busy, match="Too much"):
            turns.run(max, 1, 2)
        go_on.set()
        assert both.result(5) == [1, 2]
    assert turns.run(max, 1, 2) == 2 and turns.taken == 0


def test_what_waited_too_long_is_never_begun():
    go_on, begun, turns = threading.Event(), [], Turns(workers=1, waiting=5)
    threading.Timer(0.3, go_on.set).start()
    with pytest.raises(Busy, match="too long"):
        turns.map(lambda n: begun.append(n) or go_on.wait(5), [(1,), (2,)], patience=0.05)
    assert turns.run(max, 1, 2) == 2 and begun == [1]


def test_errors_of_the_work_are_told():
    with pytest.raises(ZeroDivisionError):
        Turns().run(lambda: 1 / 0)


def test_room_is_given_in_the_order_of_coming():
    room, order = Room(10), []
    with ThreadPoolExecutor(2) as pool:
        with room.hold(6):
            large = pool.submit(_hold, room, 10, order)
            while not room._gate.locked():
                pass
            small = pool.submit(_hold, room, 1, order)
            assert room.used == 6 and not order
        large.result(5), small.result(5)
    assert order == [10, 1] and room.used == 0


def test_room_for_more_than_there_is_is_all_of_it():
    room = Room(10, patience=0.05)
    with room.hold(99):
        assert room.used == 10
        with pytest.raises(Busy, match="no memory"), room.hold(1):
            pass


def _hold(room, size, order):
    with room.hold(size):
        order.append(size)
