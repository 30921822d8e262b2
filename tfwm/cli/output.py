"""Prints results, notes and progress of commands."""

import contextlib
import json
import re
import sys
import time

from tfwm.console import STDERR, in_one_line, say_json, tell

TEXT_SHOWN = 50
# Where no bar is shown, the time that work will take is told after so many seconds.
ESTIMATE_AFTER = 20.0
# A list of numbers, which `json` writes one a line. Within a text it writes no line ends.
NUMBERS = re.compile(r"\[\s+(?:(?:[-+.\deE]+|null|true|false),?\n\s*)+\]")


def print_json(values):
    from tfwm.files import finite

    text = json.dumps(finite(values), indent=2, ensure_ascii=False)
    say_json(NUMBERS.sub(lambda found: f"[{' '.join(found[0][1:-1].split())}]", text))


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

    form = "{desc} |{bar}| {n:.0f} % [{elapsed}, {remaining} to go]"
    start = estimated = None
    # disable=None: shown only on a terminal.
    with tqdm(total=100, bar_format=form, leave=False, disable=None, file=sys.stderr) as bar:

        def progress(share, line):
            nonlocal start, estimated
            start = time.monotonic() if start is None else start
            seconds = time.monotonic() - start
            if bar.disable and not estimated and seconds > ESTIMATE_AFTER and share > 0:
                estimated = seconds * (1 - share) / share
                tell("note", f"{share:.0%} done, about {_duration(estimated)} to go")
            line = in_one_line(line)
            if line.startswith(("note: ", "error: ")):
                with STDERR:
                    bar.write(f"tfwm: {line}", file=sys.stderr)
            else:
                bar.set_description_str(line[-TEXT_SHOWN:], refresh=False)
            bar.update(100 * share - bar.n)

        yield progress


def _duration(seconds):
    for unit, size in (("hours", 5400.0), ("minutes", 90.0)):
        if seconds >= size:
            return f"{seconds / {'hours': 3600, 'minutes': 60}[unit]:.0f} {unit}"
    return f"{seconds:.0f} seconds"
