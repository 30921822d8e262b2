"""Prints results, notes and progress of commands."""

import contextlib
import json
import os
import sys

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


def write_stdout(data):
    """Writes bytes, and nothing else, to the standard output."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    except BrokenPipeError:
        # So that Python does not try again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OSError("The program that reads the standard output has ended.") from None


def print_notes(name, notes):
    for note in notes:
        print(f"tfwm: note: {in_one_line(name)}: {note}", file=sys.stderr)


def counts(rows):
    """The number of rows of each status."""
    return {s: sum(row["status"] == s for row in rows) for s in ("done", "skipped", "failed")}


@contextlib.contextmanager
def show_progress():
    """Gives a `progress` that shows on a terminal the share done, and prints notes and errors.

    It is called with the share done, 0 to 1, and a line, as `tfwm.batch.run.run_jobs` does it.
    """
    from tqdm import tqdm

    form = "{desc} |{bar}| {n:.0f} % [{elapsed}]"
    # disable=None: shown only on a terminal.
    with tqdm(total=100, bar_format=form, leave=False, disable=None, file=sys.stderr) as bar:

        def progress(share, line):
            line = in_one_line(line)
            if line.startswith(("note: ", "error: ")):
                bar.write(f"tfwm: {line}", file=sys.stderr)
            else:
                bar.set_description_str(line[-TEXT_SHOWN:], refresh=False)
            bar.update(100 * share - bar.n)

        yield progress
