"""The command `tfwm`: arguments in, one function call out."""

import shlex
import sys
import warnings

from tfwm.cli.arguments import make_parser

__all__ = ["main"]


def main(arguments=None):
    """Runs one command; returns the exit code: 0 done, 1 not found or not right, 2 error."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = make_parser().parse_args(arguments)
    options.command = shlex.join(["tfwm", *arguments])
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            return options.run(options) or 0
    except (ValueError, OSError, ImportError, MemoryError) as error:
        text = " ".join(str(error).split()) or type(error).__name__
        print(f"tfwm: error: {text}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("tfwm: error: interrupted", file=sys.stderr)
        return 130


def _show_warning(message, *_):
    print(f"tfwm: warning: {' '.join(str(message).split())}", file=sys.stderr)
