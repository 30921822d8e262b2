import pytest

from tfwm.files import read_csv, write_csv


def test_rows_come_back(tmp_path):
    rows = [
        {"name": "a, b", "count": 3, "share": 0.25, "p_value": 1e-85, "none": None},
        {"name": "c", "count": -1, "share": 1.5, "p_value": 1.0, "none": None},
    ]
    path = write_csv(rows, tmp_path / "rows.csv", ["a command", "versions"])
    assert path.read_text().startswith("# a command\n# versions\nname,count,")
    found = read_csv(path)
    assert found == rows and isinstance(found[0]["count"], int)


def test_floats_keep_six_digits_and_truths_are_words(tmp_path):
    path = write_csv([{"x": 1 / 3, "proven": True}], tmp_path / "rows.csv")
    assert read_csv(path) == [{"x": pytest.approx(1 / 3, abs=1e-6), "proven": "true"}]
