"""One run at a time writes into a folder."""

import contextlib
import errno
import hashlib
import os
import time
import warnings
from pathlib import Path

if os.name == "nt":  # pragma: no cover
    import msvcrt
else:
    import fcntl

NAME = ".tfwm.lock"
PAUSE = 0.02
TAKEN = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)


@contextlib.contextmanager
def only_run(folder, wait=0.0):
    """Holds a folder for one run; the lock of a run that died is none.

    The system keeps the lock, on network file systems as well, and lets go of it with the process.

    Args:
        folder: that of the outputs.
        wait: seconds to wait for another run to end.

    Yields:
        Function that raises `OSError` if the folder is no longer where it was.

    Raises:
        ValueError: another run holds the folder.
    """
    with _lock(Path(folder) / NAME, folder, wait):
        before = os.stat(folder)

        def check():
            with contextlib.suppress(OSError):
                if os.path.samestat(before, os.stat(folder)):
                    return
            raise OSError(
                f"{folder} was moved away during the run: move it back, or give its new place, and "
                "run this again to go on."
            )

        yield check


def only_writer(path):
    """Holds a file that one run replaces again and again, as `only_run` holds a folder."""
    path = Path(path)
    name = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:12]
    return _lock(path.with_name(f".tfwm-{name}.lock"), path)


@contextlib.contextmanager
def _lock(path, what, wait=0.0):
    file = _taken(path, what, time.monotonic() + wait)
    try:
        yield
    finally:
        # While it is held: nobody else may hold a lock on a file that has gone.
        if os.name != "nt":
            _remove(path)
        file.close()
        if os.name == "nt":  # pragma: no cover
            _remove(path)


def _taken(path, what, end):
    while True:
        try:
            file = path.open("ab")
        except OSError as error:
            raise OSError(f"{path.parent} cannot be written to: {error.strerror}.") from error
        try:
            _take(file)
        except OSError as error:
            if error.errno not in TAKEN:
                warnings.warn(
                    f"{path.parent} has no locks ({error.strerror}): see to it that no other run "
                    "writes there",
                    stacklevel=2,
                )
                return file
            file.close()
            if time.monotonic() < end:
                time.sleep(PAUSE)
                continue
            raise ValueError(
                f"Another run is writing {what}: wait until it ends, or choose another place."
            ) from None
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                return file
        file.close()  # the run before removed it in between


def _take(file):
    if os.name == "nt":  # pragma: no cover
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove(path):
    with contextlib.suppress(OSError):
        path.unlink()
