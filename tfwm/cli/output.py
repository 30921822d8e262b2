"""Prints results, notes and progress of commands."""

import contextlib
import json
import sys

from tfwm.console import in_one_line, say_json, tell

TEXT_SHOWN = 50


def print_json(values):
    from tfwm.files import finite

    say_json(json.dumps(finite(values), indent=2, ensure_ascii=False))


def write_stdout(data):
    """Writes bytes, and nothing else, to the standard output."""
    sys.stdout.buffer.write(data)
    sys.stdout.flush()


def print_notes(name, notes):
    for note in notes:
        tell("note", f"{name}: {note}")


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
