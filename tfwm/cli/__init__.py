"""The command `tfwm`: arguments in, one function call out."""

import contextlib
import os
import shlex
import signal
import sys
import threading
import warnings

from tfwm.checks import show_warning
from tfwm.cli.parser import make_parser
from tfwm.console import any_text, hang_up, tell
from tfwm.startup import VARIABLE, told

__all__ = ["main"]


class _Terminated(KeyboardInterrupt):
    """The system or another program asked to end: as Ctrl-C, so that work is put in order."""


def main(arguments=None):
    """Runs one command.

    Returns:
        Exit code: 0 done or present, 1 absent or not right, 2 error, 130 or 143 interrupted, 141
        if nobody reads what is printed.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    with any_text():
        options = make_parser().parse_args(arguments)
        options.command = shlex.join(["tfwm", *arguments])
        return _run(options)


def _run(options):
    os.environ.setdefault(VARIABLE, "3")
    try:
        with warnings.catch_warnings(), _orderly_end():
            warnings.showwarning = show_warning
            code = options.run(options) or 0
            if sys.stdout is not None:
                sys.stdout.flush()  # here, where a full disk is an error of one line
            return code
    except BrokenPipeError:
        hang_up()
        return 141
    except (ValueError, OSError, ImportError, MemoryError) as error:
        tell("error", " ".join(str(told(error)).split()) or type(error).__name__)
        _drop_unwritten()
        return 2
    except _Terminated:
        tell("error", "terminated")
        return 143
    except KeyboardInterrupt:
        tell("error", "interrupted")
        return 130


def _drop_unwritten():
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        hang_up()


@contextlib.contextmanager
def _orderly_end():
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_):
        raise _Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)
