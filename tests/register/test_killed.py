"""A program that is killed at any point leaves no file without its entry, and `settle` the rest."""

import hashlib
import itertools
import os
import signal
from pathlib import Path

import pytest

from tfwm.databases import SQLiteFile
from tfwm.files import write_whole
from tfwm.register import Entry, Register

if not hasattr(os, "fork"):
    pytest.skip("needs os.fork", allow_module_level=True)


STEPS = 4  # pending, the draft on the disk, its renaming, confirmed


def state(folder):
    """The files that are there, the entries that say so, and those that are pending."""
    files = {path.name for path in (folder / "out").glob("*.jpg")}
    entries = Register(folder / "register.db").entries()
    pending = {entry.file for entry in entries if entry.pending is not None}
    return files, {entry.file for entry in entries} - pending, pending


def run(folder, at, after=False):
    """Writes two files with their entries in a process that kills itself at a step of the first.

    A step is each call that changes something, in the database or on the disk. Returns what
    `os.waitstatus_to_exitcode` does.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        _write(folder, at, after)
    except BaseException:
        os._exit(1)
    os._exit(0)


def _write(folder, at, after):
    steps = itertools.count(1)

    def deadly(call):
        def wrapped(*args, **kwargs):
            step = next(steps)
            if step == at and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            result = call(*args, **kwargs)
            if step == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return wrapped

    register = Register(folder / "register.db", create=True)
    register.settle(folder / "out")
    SQLiteFile.write = deadly(SQLiteFile.write)
    Path.replace = deadly(Path.replace)
    os.fsync = deadly(os.fsync)
    for number in range(2):
        place, content = folder / "out" / f"{number}.jpg", b"marked %d" % number
        digest = hashlib.sha256(content).hexdigest()
        entry = Entry(str(number), "int", digest, place.name, "photo", "public", "Ada")
        with register.writing(entry, place):
            write_whole(place, content)


@pytest.mark.parametrize("at", range(1, STEPS + 1))
def test_killed_at_every_step(at, tmp_path):
    (tmp_path / "out").mkdir()
    assert run(tmp_path, at) == -signal.SIGKILL
    files, there, pending = state(tmp_path)
    assert files <= there | pending and there <= files  # never a file without an entry
    confirmed, removed = Register(tmp_path / "register.db").settle()
    assert {e.file for e in confirmed} == files and {e.file for e in removed} == pending - files
    files, there, pending = state(tmp_path)
    assert files == there and not pending
    assert run(tmp_path, 0) == 0
    assert state(tmp_path) == ({"0.jpg", "1.jpg"}, {"0.jpg", "1.jpg"}, set())


def test_a_restart_alone_puts_it_right(tmp_path):
    (tmp_path / "out").mkdir()
    for at in range(1, STEPS + 1):
        assert run(tmp_path, at, after=True) == -signal.SIGKILL
    assert run(tmp_path, 0) == 0
    entries = Register(tmp_path / "register.db").entries()
    assert state(tmp_path) == ({"0.jpg", "1.jpg"}, {"0.jpg", "1.jpg"}, set())
    for entry in entries:
        content = (tmp_path / "out" / entry.file).read_bytes()
        assert entry.digest == hashlib.sha256(content).hexdigest()
