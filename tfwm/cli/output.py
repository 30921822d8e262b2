"""What commands print."""

import contextlib
import json
import sys

SKIPS_SHOWN = 10


def print_json(values):
    from tfwm.batch.run_report import finite

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


class FileProgress:
    """Shows on a terminal how many photos are done, and tells about those that are not."""

    def __init__(self):
        self._bar = None
        self._skipped = 0

    def __call__(self, row, number, total):
        if self._bar is None:
            self._bar = _bar(total=total, unit="photo")
        name = row.get("source") or row.get("photo")
        if row["status"] == "failed":
            self._say(f"tfwm: error: {in_one_line(name)}: {in_one_line(row['error'])}")
        elif row["status"] == "skipped" and row["error"] != "done before":
            self._skipped += 1
            if self._skipped <= SKIPS_SHOWN:
                self._say(f"tfwm: note: {in_one_line(name)} skipped: {row['error']}")
        for note in row.get("notes") or ():
            self._say(f"tfwm: note: {in_one_line(name)}: {note}")
        self._bar.update()

    def close(self):
        if self._bar is not None:
            self._bar.close()
        if self._skipped > SKIPS_SHOWN:
            print(f"tfwm: note: {self._skipped - SKIPS_SHOWN} more skipped", file=sys.stderr)

    def _say(self, line):
        self._bar.write(line, file=sys.stderr)


@contextlib.contextmanager
def file_progress():
    progress = FileProgress()
    try:
        yield progress
    finally:
        progress.close()


def search_progress():
    """Shows on a terminal how far the search for a mark is."""
    return share_progress("search: ")


@contextlib.contextmanager
def share_progress(prefix=""):
    """Shows on a terminal the share done, and a few words; gives the callback to tell it."""
    bar = _bar(total=100, bar_format="{desc} |{bar}| {n:.0f} % [{elapsed}]", leave=False)

    def tell(share, text):
        bar.set_description_str(f"{prefix}{text}", refresh=False)
        bar.update(100 * share - bar.n)

    try:
        yield tell
    finally:
        bar.close()


def _bar(**options):
    from tqdm import tqdm

    # None: only on a terminal.
    return tqdm(disable=None, file=sys.stderr, **options)
