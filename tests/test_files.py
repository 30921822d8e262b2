import json
import os
import subprocess
import sys
import threading

import pytest

from tfwm.files import atomic_directory, check_new_file, read_csv, write_csv, write_whole

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


def test_only_lines_above_the_head_are_comments(tmp_path):
    rows = [{"name": "#1", "text": "a\n# b"}, {"name": "# c", "text": "d"}]
    assert read_csv(write_csv(rows, tmp_path / "rows.csv", ["a command"])) == rows


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


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    check_new_file(pipe)
    assert write_whole(pipe, "text", overwrite=False) == pipe
    reader.join(10)
    assert read == [b"text"] and pipe.is_fifo() and os.listdir(tmp_path) == ["pipe"]
    assert write_whole("/dev/null", b"data").is_char_device()


@pytest.mark.parametrize("piped", [True, False])
def test_the_standard_output_is_written_to_wherever_it_goes(piped, tmp_path):
    code = "from tfwm.files import write_whole; write_whole('/dev/fd/1', b'data')"
    command, log = [sys.executable, "-c", code], tmp_path / "log"
    log.write_bytes(b"before ")
    with log.open("ab") as file:
        done = subprocess.run(command, stdout=subprocess.PIPE if piped else file, check=True)
    assert (done.stdout, log.read_bytes()) == (
        (b"data", b"before ") if piped else (None, b"before data")
    )
