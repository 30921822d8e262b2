"""A message for each photo, from a table."""

import csv
import dataclasses
import io
from collections import Counter
from pathlib import Path, PurePosixPath

from tfwm.checks import unicode_text
from tfwm.images.writing import FORMATS as WRITABLE
from tfwm.payload.message import KINDS, from_bytes, to_bytes


def parse_message(text, kind="text"):
    """Returns a message written as text: `str`, `bytes`, `int` or `uuid.UUID`.

    Args:
        text: as written; hexadecimal digits for bytes.
        kind: `"text"`, `"bytes"`, `"int"` or `"uuid"`.
    """
    return from_bytes(*to_bytes(unicode_text("message", text), kind))


def assign_messages(jobs, path, folder=None):
    """Gives each photo its message from a CSV, and its output if that has one.

    The columns are `file` (inside the folder of the photos, with slashes), `message`, and if
    wanted `kind` (`text`, `bytes`, `int` or `uuid`) and `output` (inside the output folder). A
    photo may have several rows, for several recipients, if each has an output.

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
        job = dataclasses.replace(by_name[row["file"]], message=row["message"], skipped=None)
        if output and folder:
            job = dataclasses.replace(job, output=folder / output)
        assigned.append(job)
    return assigned


def _read(path):
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text: save it as CSV in UTF-8.") from None
    # Spreadsheets write semicolons in some countries.
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True
    )
    try:
        reader.fieldnames = names = [name.strip().lower() for name in reader.fieldnames or ()]
        if not {"file", "message"} <= set(names):
            raise ValueError(
                f"Expected the columns file and message (and kind, output) in {path}. "
                f"Received: {', '.join(names) or 'an empty file'}"
            )
        rows = [_row(path, reader.line_num, values) for values in reader]
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}") from error
    if not rows:
        raise ValueError(f"{path} holds no rows below its header: expected one for each photo.")
    return rows


def _row(path, line, values):
    values = {key: value for key, value in values.items() if isinstance(value, str)}
    where = f"{path}, line {line}"
    kind = values.get("kind", "").strip() or "text"
    if kind not in KINDS:
        raise ValueError(f"{where}: expected a kind among {', '.join(KINDS)}. Received: {kind}")
    try:
        message = parse_message(values.get("message", ""), kind)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    file = _inside(where, values.get("file", "").strip())
    output = values.get("output", "").strip()
    if output:
        output = _inside(where, output)
        if PurePosixPath(output).suffix.lower() not in WRITABLE:
            raise ValueError(
                f"{where}: expected an output that ends in one of {' '.join(WRITABLE)}. "
                f"Received: {output}"
            )
    return {"line": line, "file": file, "message": message, "output": output}


def _inside(where, name):
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts:
        raise ValueError(
            f"{where}: expected a file's name inside the folder. Received: {name or 'none'}"
        )
    return str(path)
