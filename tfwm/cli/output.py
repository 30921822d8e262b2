"""Prints results, notes and progress of commands."""

import contextlib
import json
import sys

SKIPS_SHOWN = 10
TEXT_SHOWN = 50


def print_json(values):
    from tfwm.files import finite

    print(json.dumps(finite(values), indent=2, ensure_ascii=False))


def printable(text):
    """The text without control characters: a stranger's photo must not steer the terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


def in_one_line(text):
    """As `printable`, without line ends: file names may hold anything."""
    return printable(str(text)).replace("\n", "\\n").replace("\t", "\\t")


def print_notes(name, notes):
    for note in notes:
        print(f"tfwm: note: {in_one_line(name)}: {note}", file=sys.stderr)


class Progress:
    """Shows on a terminal the share of work done, and prints problems with single files.

    The library calls an instance as `progress`, with the share done, 0 to 1, and a text about the
    work just done or in hand. `tfwm.batch.run.run_jobs` describes the texts of folder runs.
    """

    def __init__(self):
        self._bar = None
        self._skipped = 0

    def __call__(self, share, text):
        if self._bar is None:
            from tqdm import tqdm

            # disable=None: shown only on a terminal.
            form = "{desc} |{bar}| {n:.0f} % [{elapsed}]"
            self._bar = tqdm(total=100, bar_format=form, leave=False, disable=None, file=sys.stderr)
        text = in_one_line(text)
        status, _, rest = text.partition(": ")
        if status == "failed":
            self._say(f"tfwm: error: {rest}")
        elif status == "note":
            self._say(f"tfwm: note: {rest}")
        elif status == "skipped" and not rest.endswith(": done before"):
            self._skipped += 1
            if self._skipped <= SKIPS_SHOWN:
                self._say("tfwm: note: {} skipped: {}".format(*rest.rsplit(": ", 1)))
        else:
            self._bar.set_description_str(text[-TEXT_SHOWN:], refresh=False)
        self._bar.update(100 * share - self._bar.n)

    def close(self):
        if self._bar is not None:
            self._bar.close()
        if self._skipped > SKIPS_SHOWN:
            print(f"tfwm: note: {self._skipped - SKIPS_SHOWN} more skipped", file=sys.stderr)

    def _say(self, line):
        self._bar.write(line, file=sys.stderr)


@contextlib.contextmanager
def show_progress():
    """Gives a `Progress`, and ends its line."""
    progress = Progress()
    try:
        yield progress
    finally:
        progress.close()
