"""The command `tfwm`: arguments in, one function call out."""

import contextlib
import shlex
import signal
import sys
import threading
import warnings

from tfwm.checks import show_warning
from tfwm.cli.parser import make_parser

__all__ = ["main"]


class _Terminated(KeyboardInterrupt):
    """The system or another program asked to end: as Ctrl-C, so that work is put in order."""


def main(arguments=None):
    """Runs one command.

    Returns:
        Exit code: 0 done or present, 1 absent or not right, 2 error, 130 or 143 interrupted.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    options = make_parser().parse_args(arguments)
    options.command = shlex.join(["tfwm", *arguments])
    try:
        with warnings.catch_warnings(), _orderly_end():
            warnings.showwarning = show_warning
            return options.run(options) or 0
    except (ValueError, OSError, ImportError, MemoryError) as error:
        text = " ".join(str(error).split()) or type(error).__name__
        print(f"tfwm: error: {text}", file=sys.stderr)
        return 2
    except _Terminated:
        print("tfwm: error: terminated", file=sys.stderr)
        return 143
    except KeyboardInterrupt:
        print("tfwm: error: interrupted", file=sys.stderr)
        return 130


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
