"""A message for each photo, from a table."""

import dataclasses
import os
from collections import Counter
from pathlib import Path, PurePosixPath, PureWindowsPath

from tfwm.batch.report import COLUMNS as OURS
from tfwm.batch.tables import read_table
from tfwm.checks import unicode_text
from tfwm.images.writing import FORMATS as WRITABLE
from tfwm.payload.message import KINDS, from_bytes, to_bytes, to_plain

# Different values that are told of one message.
JOINED = 5


def parse_message(text, kind="text"):
    """Returns a message written as text: `str`, `bytes`, `int` or `uuid.UUID`.

    Args:
        text: as written; hexadecimal digits for bytes.
        kind: `"text"`, `"bytes"`, `"int"`, `"uuid"` or `"signature"`.
    """
    return from_bytes(*to_bytes(unicode_text("message", text), kind))


def assign_messages(jobs, path, folder=None):
    """Gives each photo its message from a CSV, and its output if that has one.

    The columns are `file` (inside the folder of the photos, with slashes), `message`, and if
    wanted `kind` (`text`, `bytes`, `int` or `uuid`) and `output` (inside the output folder). A
    photo may have several rows, for several recipients, if each has an output. Further columns go
    into the report. A report is such a table as well.

    Args:
        jobs: list of `Job`.
        path: of the CSV.
        folder: where the outputs go, if anything is to be written.

    Returns:
        List of `Job`, several for one photo where the table asks for it; photos that are not
        in the table are marked as skipped.
    """
    rows = _read(Path(path))
    by_name = {job.name: job for job in jobs}
    missing = [row["file"] for row in rows if row["file"] not in by_name]
    if missing:
        named = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise ValueError(f"{path} names {len(missing)} file(s) that are not there: {named}")
    uses = Counter(row["file"] for row in rows)
    assigned = [
        dataclasses.replace(job, skipped=job.skipped or f"not in {path}")
        for job in jobs
        if job.name not in uses
    ]
    for row in rows:
        output = row["output"]
        if uses[row["file"]] > 1 and folder and not output:
            raise ValueError(
                f"{path}, line {row['line']}: {row['file']} has several rows; "
                "each needs an output of its own in a column output."
            )
        job = dataclasses.replace(
            by_name[row["file"]], message=row["message"], skipped=None, details=row["details"]
        )
        if output and folder:
            job = dataclasses.replace(job, output=folder / output)
        assigned.append(job)
    return assigned


def find_recipients(path):
    """Reads a table of messages the other way round: from a message to whom it was given.

    Args:
        path: of the CSV that `assign_messages` takes, or of a report of `embed_folder`.

    Returns:
        `(columns, find)`: the names of the further columns, `file` and `output` first, and a
        function of a message and its kind that returns a dict of these columns, `{}` for an
        unknown message. What differs among rows with the same message is joined by `"; "`.
    """
    rows = _read(Path(path))
    columns = list(dict.fromkeys(["file", "output", *(n for row in rows for n in row["details"])]))
    by_message = {}
    for row in rows:
        kind, data = to_bytes(row["message"])
        cells = row["details"] | {"file": row["file"], "output": row["output"]}
        for name in ((kind, data), str(to_plain(row["message"]))):
            by_message.setdefault(name, []).append(cells)

    def find(message, kind):
        # A number that was embedded as --int, and a table without kinds: the same digits.
        names = to_bytes(message, kind), str(to_plain(message))
        found = next((by_message[name] for name in names if name in by_message), [])
        return {name: _joined(row.get(name) for row in found) for name in columns if found}

    return columns, find


def _joined(cells):
    cells = list(dict.fromkeys(cell for cell in cells if cell))
    more = [f"... ({len(cells)})"] if len(cells) > JOINED else []
    return "; ".join([*cells[:JOINED], *more]) or None


def _read(path):
    names, rows, is_report = read_table(path)
    if not {"file", "message"} <= set(names):
        raise ValueError(
            f"Expected the columns file and message (and kind, output) in {path}. "
            f"Received: {', '.join(names) or 'an empty file'}"
        )
    if is_report:  # files without a message: no photos, or not in the table of that run
        rows = [(line, values) for line, values in rows if values.get("message")]
    if not rows:
        raise ValueError(f"{path} holds no rows below its header: expected one for each photo.")
    return [_row(path, line, values) for line, values in rows]


def _row(path, line, values):
    where = f"{path}, line {line}"
    kind = values.get("kind") or "text"
    if kind not in KINDS:
        raise ValueError(f"{where}: expected a kind among {', '.join(KINDS)}. Received: {kind}")
    try:
        message = parse_message(values.get("message", ""), kind)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    file = _inside(where, values.get("file", ""))
    output = values.get("output", "")
    if output:
        output = _inside(where, output)
        if PurePosixPath(output).suffix.lower() not in WRITABLE:
            raise ValueError(
                f"{where}: expected an output that ends in one of {' '.join(WRITABLE)}. "
                f"Received: {output}"
            )
    details = {name: cell for name, cell in values.items() if name not in OURS}
    return {"line": line, "file": file, "message": message, "output": output, "details": details}


def _inside(where, name):
    path = PurePosixPath(name)
    beyond = path.is_absolute() or ".." in path.parts
    if os.name == "nt":  # pragma: no cover
        own = PureWindowsPath(name)
        beyond |= bool(own.drive or own.root) or ".." in own.parts or own.is_reserved()
    if not name or beyond:
        raise ValueError(
            f"{where}: expected a file's name inside the folder. Received: {name or 'none'}"
        )
    return str(path)
