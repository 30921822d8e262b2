import csv
import io
import random

import pytest

from tfwm.batch.report import RunReport
from tfwm.batch.tables import from_cell, read_table, table_text, to_cell

ODD = [
    "=1+1",
    "'=1",
    "''@x",
    "'abc",
    "+4",
    "-",
    "@",
    "\tx",
    "\rx",
    "\nx",
    "＝1",
    "a\r\nb",
    " a ",
    '"',
    ";,",
]
ODD += [
    "b\udcff.jpg",
    "\\udcff",
    "\\x5cudcff",
    "\\x5cx5cudcff\udcff",
    "C:\\udcff\\x5c",
    "=\udcff",
    "\ufeff",
]


@pytest.mark.parametrize("text", ODD)
def test_cells_are_harmless_and_read_back(text):
    cell = to_cell(text)
    assert from_cell(cell) == text and cell[0] not in "=+-@\t\r\n＝＋－＠"
    cell.encode("utf-8")


def test_any_text_reads_back():
    draw = random.Random(0)
    letters = ["'", "=", "-", "\\", "x5c", "udcff", "\udcff", "ud8", "00", "a", "\n", ",", "é"]
    for _ in range(5000):
        text = "".join(draw.choices(letters, k=draw.randrange(7)))
        assert from_cell(to_cell(text)) == text


def test_tables_read_back(tmp_path):
    rows = [{"file": text, "status": "done", "error": "x"} for text in ODD]
    path = tmp_path / "a.csv"
    path.write_text(table_text(["file", "status", "error"], rows), "utf-8", newline="")
    names, found, is_report = read_table(path)
    assert names == ["file", "status", "error"] and is_report
    assert [row for _, row in found] == rows
    assert len(list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))) == len(ODD) + 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_report_that_a_spreadsheet_saved_goes_on(tmp_path, encoding, delimiter):
    path = tmp_path / "a.csv"
    text = "file,status,error,strength,mine\r\né.jpg,done,,1.5,note\r\n"
    text = ("\ufeff" if encoding == "utf-16-be" else "") + text.replace(",", delimiter)
    path.write_bytes(text.encode(encoding))
    columns = ("file", "status", "error", "strength", "bytes")
    table = RunReport(path, columns, lambda row: (row["file"],), ("bytes",), tmp_path)
    assert table.rows == [
        {"file": "é.jpg", "status": "done", "error": None, "strength": 1.5, "mine": "note"}
    ]
    table.add_unless_worse({"file": "é.jpg", "status": "done", "strength": 2.0})
    _, rows, _ = read_table(path)
    assert rows[0][1]["mine"] == "note" and rows[0][1]["strength"] == "2.0"
