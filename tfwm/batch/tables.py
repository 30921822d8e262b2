"""Tables of files as CSV: names of any bytes, and no cell that a spreadsheet would run."""

import codecs
import csv
import io
import re
from collections import Counter

from tfwm.files import read_bounded

LARGEST_FILE = 2**28
# What spreadsheets take for a formula at the start of a cell, full-width forms included.
FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPE = r"ud[89a-f][0-9a-f]{2}"
# A backslash that would be taken for the start of an escape is written \x5c.
_LITERAL = re.compile(rf"\\(?=(?:x5c)*{_ESCAPE})")
_ESCAPED = re.compile(rf"\\x5c(?=(?:x5c)*{_ESCAPE})|\\({_ESCAPE})")


def to_cell(value):
    r"""Returns a value as a cell of a CSV; `from_cell` reads a text back.

    A byte of a file name that is no UTF-8, in Python a lone surrogate, becomes `\udcff`. A text
    that starts as a formula does (`= + - @`) gets a `'` before it.

    Example:

    >>> to_cell("=1+1"), to_cell("b\udcff.jpg"), to_cell(["a", "b"]), to_cell(-1.5)
    ("'=1+1", 'b\\udcff.jpg', 'a; b', -1.5)
    """
    if isinstance(value, list):
        value = "; ".join(value)
    if not isinstance(value, str):
        return value
    value = _LITERAL.sub(r"\\x5c", value)
    value = SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", value)
    return f"'{value}" if FORMULA.match(value) else value


def from_cell(text):
    """Returns the text that `to_cell` made a cell of."""
    if text.startswith("'") and FORMULA.match(text[1:]):
        text = text[1:]
    return _ESCAPED.sub(lambda found: chr(int(found[1][1:], 16)) if found[1] else "\\", text)


def table_text(columns, rows):
    """Returns a CSV.

    Args:
        columns: their names.
        rows: dicts; what they lack stays empty.
    """
    buffer = io.StringIO()
    # csv quotes cells that hold the line's end; \r must be quoted as well.
    writer = csv.writer(buffer, lineterminator="\r\n")
    lines = []
    for cells in [columns, *([row.get(name) for name in columns] for row in rows)]:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow([to_cell(cell) for cell in cells])
        lines.append(buffer.getvalue().removesuffix("\r\n"))
    return "\n".join([*lines, ""])


def read_table(path):
    """Reads a CSV that somebody wrote by hand, a spreadsheet, or a run of ours as its report.

    It may be UTF-8 or, with a byte order mark, UTF-16, and separated by comma, semicolon or tab.

    Args:
        path: of the CSV.

    Returns:
        `(names, rows, is_report)`: the names of the columns, small; `(line, dict)` of each row
        with texts; and whether it is a report.
    """
    text = read_text(path)
    # Spreadsheets write semicolons in some countries.
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    names = [name.strip().strip('"').lower() for name in header.split(delimiter)]
    is_report = {"status", "error"} <= set(names)
    reader = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=not is_report
    )
    try:
        reader.fieldnames = names = [name.strip().lower() for name in reader.fieldnames or ()]
        twice = [name for name, count in Counter(filter(None, names)).items() if count > 1]
        if twice:
            raise ValueError(f"{path} has the column {twice[0]} twice: rename one of them.")
        rows = [(reader.line_num, _texts(row, is_report)) for row in reader]
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}") from error
    return names, rows, is_report


def read_text(path):
    """Returns the text of a file in UTF-8, or with a byte order mark in UTF-16."""
    content = read_bounded(path, LARGEST_FILE, "The table")
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text: save it as CSV in UTF-8.") from None


def _texts(row, is_report):
    cells = {name: cell for name, cell in row.items() if name and isinstance(cell, str)}
    return {name: from_cell(cell if is_report else cell.strip()) for name, cell in cells.items()}
