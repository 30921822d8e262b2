import csv
import io
import json
import math
import time
from pathlib import Path

from tfwm.images import write_encoded

NUMBERS = ("strength", "psnr", "p_value", "margin", "corrected_errors")
# Writing the report takes at most this share of a run's time.
WRITING_SHARE = 0.1


class RunReport:
    """The table of what was done with each photo of a folder, as CSV or JSON.

    The file is replaced as a whole, so that it is valid whenever a run ends.

    Args:
        path: file that ends in .csv or .json; `None` keeps the table in memory only.
        columns: names of the columns of a CSV; JSON may hold more.
        key: function from a row to what tells it from the others, a tuple of strings.
        resume: whether to start from the rows of an earlier run, those about photos.
    """

    def __init__(self, path, columns, key, resume=False):
        self.path = path and Path(path)
        self._columns = columns
        self._key = key
        self._rows = {}
        self._next_write = 0.0
        if self.path is None:
            return
        if self.path.suffix.lower() not in (".csv", ".json"):
            raise ValueError(f"Expected a report that ends in .csv or .json. Received: {path}")
        if self.path.exists():
            rows = self._read()
            kept = [row for row in rows if row["status"] != "skipped"] if resume else []
            self._rows = {key(row): row for row in kept}

    @property
    def rows(self):
        """All rows, sorted."""
        return [self._rows[key] for key in sorted(self._rows)]

    def add(self, row):
        """Puts a row in place of an older one with the same key, and writes the file."""
        self._rows[self._key(row)] = row
        if time.monotonic() >= self._next_write:
            self.write()

    def find(self, row):
        """Returns the row with the same key, or an empty one."""
        return self._rows.get(self._key(row), {})

    def write(self):
        """Writes the file, whole or not at all."""
        if self.path is None:
            return
        start = time.monotonic()
        is_json = self.path.suffix.lower() == ".json"
        text = self._json() if is_json else self._csv()
        write_encoded(text.encode("utf-8"), self.path, overwrite=True)
        end = time.monotonic()
        self._next_write = end + (end - start) / WRITING_SHARE

    def _csv(self):
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(self._columns)
        writer.writerows([_cell(row.get(name)) for name in self._columns] for row in self.rows)
        return buffer.getvalue()

    def _json(self):
        return json.dumps([finite(row) for row in self.rows], indent=1, ensure_ascii=False) + "\n"

    def _read(self):
        """The rows of the file; a file that is no report is not to be replaced."""
        try:
            text = self.path.read_bytes().decode("utf-8")  # keeps line ends within cells
            if self.path.suffix.lower() == ".json":
                rows = json.loads(text)
                good = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
                good = good and all(set(self._columns) <= set(row) for row in rows)
            else:
                reader = csv.DictReader(io.StringIO(text, newline=""))
                rows = [_typed(row) for row in reader]
                good = reader.fieldnames == list(self._columns)
        except (ValueError, csv.Error):
            good = False
        if not good:
            raise ValueError(
                f"{self.path} exists and is no report of this kind, it is kept: name another file."
            )
        return rows


def finite(value):
    """Returns a value without NaN and infinities, which JSON does not know."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(value):
    return "; ".join(value) if isinstance(value, list) else value


def _typed(row):
    """A row of a CSV with numbers where they belong; empty cells become None."""
    row = {key: value or None for key, value in row.items()}
    return row | {key: float(row[key]) for key in NUMBERS if row.get(key)}
