"""Beam on this computer in a process of its own, which is started again if a worker dies.

Beam's local runner waits for ever for a worker that was killed. What runs on a cluster starts such
a worker again by itself; here the whole pipeline is, and the ledger tells it what is done.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

from tfwm.checks import one_line

DIED, FAILED = 75, 76


def run_once(settings, shards, options, workers):
    """Runs the pipeline in a process group of its own, which ends with it.

    Args:
        settings, shards, options, workers: see `tfwm.job.pipeline.run_pipeline`.

    Returns:
        What went wrong, in one line; `None` if all shards are done.
    """
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "error.txt"
        how = settings, shards, options, workers, str(told), os.getpid()
        process = multiprocessing.get_context("spawn").Process(target=_run, args=how)
        process.start()
        try:
            process.join()
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)  # workers as well
            process.join()
        if process.exitcode == 0:
            return None
        if told.exists():
            return told.read_text()
        return "a worker died" if process.exitcode == DIED else "the pipeline died"


def _run(settings, shards, options, workers, told, parent):
    os.setpgid(0, 0)
    threading.Thread(target=_end_with, args=[parent], daemon=True).start()
    cores = max(1, (os.cpu_count() or 1) // workers)
    for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, str(cores))
    threading.excepthook = _worker_died
    # Beam tells at length what it starts and ends.
    log = os.open(Path(told).with_name("log.txt"), os.O_WRONLY | os.O_CREAT)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    try:
        from tfwm.job.pipeline import LOCAL, run_pipeline

        run_pipeline(settings, shards, LOCAL, options, workers)
    except BaseException as error:
        Path(told).write_text(_reason(error))
        os._exit(FAILED)
    os._exit(0)


def _end_with(parent):
    """Ends this process and its workers when the one that started it is gone, however it went."""
    while os.getppid() == parent:
        time.sleep(1)
    os.killpg(os.getpgid(0), signal.SIGKILL)


def _worker_died(args):
    """Beam waits for each worker in a thread, which raises when it ends wrongly."""
    if "Worker subprocess exited" in str(args.exc_value):
        os._exit(DIED)
    sys.__excepthook__(args.exc_type, args.exc_value, args.exc_traceback)


def _reason(error):
    """The last line that says what is wrong, of the traces that Beam puts around each other."""
    lines = "".join(traceback.format_exception_only(error)).splitlines()
    ours = [line for line in lines if "Error: " in line]
    return one_line(ours[-1] if ours else error, 400)
