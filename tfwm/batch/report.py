"""The report of a folder run: what was done with each photo, in a CSV or JSON file."""

import contextlib
import json
import threading
import time
from pathlib import Path, PurePosixPath

from tfwm.batch.tables import read_table, read_text, table_text
from tfwm.files import finite, write_whole

REPORT = "tfwm-report.csv"
# Columns of reports; what other columns a table of messages has goes from table to table.
EMBED_FIRST = (
    *("file", "source", "output", "message", "kind", "strength", "psnr", "p_value", "margin"),
    *("status", "error", "notes"),
)
EMBED_ADDED = ("network", "settings", "key_id", "bytes", "sha256", "source_sha256")
EMBED_COLUMNS = EMBED_FIRST + EMBED_ADDED
EXTRACT_COLUMNS = (
    *("photo", "decision", "message", "kind", "p_value", "margin", "corrected_errors"),
    *("reason", "status", "error"),
)
COLUMNS = {*EMBED_COLUMNS, *EXTRACT_COLUMNS}

NUMBERS = {"bytes": int} | dict.fromkeys(
    ("strength", "psnr", "p_value", "margin", "corrected_errors"), float
)
# Writing the report takes at most this share of a run's time, but where photos are replaced.
WRITING_SHARE = 0.1


def embed_report(path, folder):
    """Returns the `RunReport` of photos that are marked into a folder, with its earlier rows."""

    def upgrade(row):
        if "key_id" in row or not row["output"]:
            return row
        output = Path(row["output"])  # in older reports, with the folder, as it was called then
        if output.is_relative_to(folder):
            return row | {"output": output.relative_to(folder).as_posix()}
        return row | {"output": str(PurePosixPath(row["file"]).with_name(output.name))}

    def key(row):
        return row["file"], row["output"] or ""

    return RunReport(path, EMBED_COLUMNS, key, EMBED_ADDED, folder, upgrade)


class RunReport:
    """The table of what was done with each photo of a folder, as CSV or JSON.

    The file is replaced as a whole, so that it is valid whenever a run ends.

    Args:
        path: file that ends in .csv or .json; `None` keeps the table in memory only.
        columns: names of the columns of a CSV; JSON may hold more.
        key: function of a row that returns what identifies it, a tuple of strings.
        added: those of the columns that an older report may lack.
        folder: that of the outputs: the rows of an earlier run are kept, and the row of an output
            that is there is not replaced by one that is not done.
        upgrade: function that turns a row of an older report into one of today.
    """

    def __init__(self, path, columns, key, added=(), folder=None, upgrade=None):
        self.path = path and Path(path)
        self._columns = list(columns)
        self._key = key
        self._added = added
        self._folder = folder
        self._upgrade = upgrade or (lambda row: row)
        self._rows = {}
        self._next_write = 0.0
        self._lock = threading.RLock()
        self.guard = lambda: None
        if self.path is not None and self.path.suffix.lower() not in (".csv", ".json"):
            raise ValueError(f"Expected a report that ends in .csv or .json. Received: {path}")
        self.read()

    @property
    def rows(self):
        """All rows, sorted."""
        return [self._rows[key] for key in sorted(self._rows)]

    def add_columns(self, names):
        """Adds columns to the CSV, unless they are there."""
        self._columns = list(dict.fromkeys([*self._columns, *names]))

    def read(self):
        """Reads the file, if there is one; it must be a report, as it will be replaced."""
        if self.path is None or not self.path.exists():
            return
        rows = [self._upgrade(row) for row in self._read()]
        if self._folder is not None:
            self._rows = {self._key(row): row for row in rows if row["status"] != "skipped"}

    def add_unless_worse(self, row):
        """Puts a row in place of an older one with the same key, and writes the file.

        The row of a file that was written earlier, and is still there, stays.
        """
        earlier = self.find(row)
        if row["status"] != "done" and earlier.get("status") == "done":
            if self._folder is None or (self._folder / (row.get("output") or "")).is_file():
                return
        kept = {name: cell for name, cell in earlier.items() if name not in row}
        with self._lock:
            self._rows[self._key(row)] = row | kept
            if time.monotonic() >= self._next_write:
                self.write()

    @contextlib.contextmanager
    def ahead(self, row):
        """Writes a row before a photo is replaced, and takes it back if that fails.

        A run that is killed in between leaves a digest that tells which of both is there.
        """
        before = dict(self.find(row))
        with self._lock:
            self._rows[self._key(row)] = row
            self.write()
        try:
            yield
        except BaseException:
            with self._lock:
                self._rows.pop(self._key(row))
                self._rows |= {self._key(before): before} if before else {}
            raise

    def find(self, row):
        """Returns the row with the same key, or an empty one."""
        return self._rows.get(self._key(row), {})

    def write(self):
        """Writes the file, whole or not at all."""
        if self.path is None:
            return
        self.guard()
        start = time.monotonic()
        is_json = self.path.suffix.lower() == ".json"
        with self._lock:
            text = self._json() if is_json else table_text(self._columns, self.rows)
            write_whole(self.path, text)
        end = time.monotonic()
        self._next_write = end + (end - start) / WRITING_SHARE

    def _json(self):
        return json.dumps(finite(self.rows), indent=1, ensure_ascii=False) + "\n"

    def _read(self):
        """The rows of the file; a file that is no report must not be replaced."""
        needed = set(self._columns) - set(self._added)
        try:
            if self.path.suffix.lower() == ".json":
                rows = json.loads(read_text(self.path))
                good = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
                good = good and all(needed <= set(row) for row in rows)
            else:
                names, rows, _ = read_table(self.path)
                good = needed <= set(names)
                self.add_columns(names if good and self._folder is not None else ())
                rows = [_typed(dict.fromkeys(names) | row) for _, row in rows]
        except (ValueError, RecursionError):  # JSON that is nested too deeply
            good = False
        if not good:
            raise ValueError(
                f"{self.path} exists and is no report of this kind, it is kept: name another file."
            )
        return rows


def _typed(row):
    """A row of a CSV with numbers where they belong; empty cells become None."""
    row = {name: cell or None for name, cell in row.items()}
    return row | {name: make(row[name]) for name, make in NUMBERS.items() if row.get(name)}
