import json
import os

import pytest

from tfwm.files import atomic_directory, read_csv, write_csv, write_whole

LONGEST = [
    "a" * 251 + ".png",
    "ä" * 125 + "b.png",
    "世" * 83 + "ab.png",
    b"\xff".decode("utf-8", "surrogateescape") * 255,
]


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


@pytest.mark.parametrize("name", LONGEST)
def test_names_may_be_as_long_as_the_system_allows(tmp_path, name):
    assert len(os.fsencode(name)) == 255
    for _ in range(2):
        write_whole(tmp_path / name, b"data")
    assert os.listdir(tmp_path) == [name] and (tmp_path / name).read_bytes() == b"data"
    for number in range(2):
        with atomic_directory(tmp_path / "folders" / name) as draft:
            (draft / "a").write_text(str(number))
    assert os.listdir(tmp_path / "folders") == [name]
    assert (tmp_path / "folders" / name / "a").read_text() == "1"
    with pytest.raises(OSError, match="Nothing was changed"):
        write_whole(tmp_path / (name + "x"), b"data")


def test_texts_with_names_of_any_bytes_are_written(tmp_path):
    path = write_whole(tmp_path / "a.json", json.dumps(["é\udcff"], ensure_ascii=False))
    assert path.read_bytes() == '["é\\udcff"]'.encode() and json.loads(path.read_text("utf-8")) == [
        "é\udcff"
    ]


def test_a_replaced_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write_whole(path, b"new")
    assert path.stat().st_mode & 0o777 == 0o640
    path.chmod(0o440)
    with pytest.raises(OSError, match="write-protected. Nothing was changed"):
        write_whole(path, b"newer")
    assert path.read_bytes() == b"new" and os.listdir(tmp_path) == ["a"]
