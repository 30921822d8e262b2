"""What commands print: always printable where it goes, and never a stranger's escape codes."""

import contextlib
import json
import os
import re
import sys
import threading
import unicodedata

# Held by whoever turns descriptor 2 elsewhere, or writes there what must not be lost.
STDERR = threading.RLock()
# Of the characters without a shape, texts need spaces and the joiners of scripts and emoji. All
# others, among them control characters and what turns the order of letters round, are escaped.
SHAPELESS = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
JOINERS = "\u200c\u200d"


def printable(text):
    """Returns a text without characters that steer a terminal or are none: these are escaped.

    Example:

    >>> printable("a\\x1b[2J\\u202eb")
    'a\\\\x1b[2J\\\\u202eb'
    """
    return "".join(c if _is_plain(c) or c in "\n\t" else _escaped(c) for c in str(text))


def in_one_line(text):
    """As `printable`, without line ends: file names may hold anything."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def say(text, flush=False):
    """Prints a result on stdout."""
    print(printable(text), flush=flush)


def tell(kind, text):
    """Prints one line on stderr: `tfwm: KIND: TEXT`."""
    with STDERR:  # not while a library in C is silenced in another thread
        print(f"tfwm: {kind}: {in_one_line(text)}", file=sys.stderr)


def say_json(text):
    """Prints JSON; a character that stdout does not know is escaped as JSON does it."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(re.sub(r"[^\n -~]", lambda c: _json_escaped(c.group(), encoding), text))


def tell_json(values):
    """Prints a dict as one line of JSON on stderr, for programs that read logs, if any do."""
    with STDERR, contextlib.suppress(OSError, ValueError, AttributeError):
        print(json.dumps(values), file=sys.stderr, flush=True)


@contextlib.contextmanager
def any_text():
    """Lets stdout and stderr take any text: what their encoding lacks is escaped, not an error."""
    streams = [s for s in (sys.stdout, sys.stderr) if hasattr(s, "reconfigure")]
    before = [stream.errors for stream in streams]
    for stream in streams:
        stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        for stream, errors in zip(streams, before, strict=True):
            if not stream.closed:
                stream.reconfigure(errors=errors)


def hang_up():
    """Gives up stdout, whose reader has gone or whose disk is full: nothing more is written."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _is_plain(character):
    if character in JOINERS:
        return True
    return unicodedata.category(character) not in SHAPELESS


def _escaped(character):
    return character.encode("unicode_escape").decode()


def _json_escaped(character, encoding):
    try:
        character.encode(encoding)
        return character if _is_plain(character) else _unicode_escaped(character)
    except UnicodeEncodeError:
        return _unicode_escaped(character)


def _unicode_escaped(character):
    return "\\u007f" if character == "\x7f" else json.dumps(character)[1:-1]
