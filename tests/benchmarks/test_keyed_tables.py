import keyed_tables
import pytest
from kept_rows import commands_of

from tfwm.files import read_csv, write_csv


@pytest.fixture
def make_run(tmp_path):
    """Function that writes what a run leaves; returns its folder."""

    def make(name, qr=1.0):
        folder = tmp_path / name
        (folder / "keyed").mkdir(parents=True)
        (folder / "keyed/config.toml").write_text('test_photos = "photos/test"\n')
        read = {"images": 16, "similarity": 0.9, "success": 1, "qr": qr, "p_value": 1e-4}
        tables = {
            "likeness": [{"task": "Edit", "images": 16, "psnr": 40.0, "ssim": 0.99}],
            "task": [
                {"host": "unmarked", "psnr": 23.0, "ssim": 0.9},
                {"host": "marked", "psnr": 22.5, "ssim": 0.8},
            ],
            "readings": [{"images_of": "marked outputs", "key": "right", **read}],
            "damages": [
                {"damage": d, "images_of": "marked outputs", "key": "right", **read}
                for d in ("none", "JPEG 70")
            ],
            "wrong-keys": [{"distance": 0, "similarity": 0.9, "largest": 1, "qr": qr}],
            "robustness": [{"damage": "JPEG", "level": 70, "similarity": 0.9, "qr": qr}],
        }
        for part, rows in tables.items():
            write_csv(rows, folder / f"{part}.csv")
        return str(folder)

    return make


@pytest.fixture
def tables_of(tmp_path, monkeypatch):
    """Function that runs the benchmark with arguments; returns the rows of its tables."""
    results = tmp_path / "results"
    monkeypatch.setattr(keyed_tables, "RESULTS", results)

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["keyed_tables.py", *arguments])
        keyed_tables.main()
        return {path.stem: read_csv(path) for path in results.glob("*.csv")}

    return run


def test_what_runs_say(make_run, tables_of):
    tables = tables_of(make_run("first"), make_run("second"))
    (first, second) = tables["keyed-tasks"]
    assert (first["run"], second["run"]) == ("first", "second")
    assert (first["images"], first["unmarked_psnr"], first["marked_ssim"]) == (16, 23.0, 0.8)
    damages = [row["damage"] for row in tables["keyed-readings"]]
    assert damages == ["none", "JPEG 70"] * 2  # what is not damaged stands there once


def test_rows_of_other_runs_are_kept_if_asked(make_run, tables_of, tmp_path):
    tables_of(make_run("first"), make_run("second"))
    tables = tables_of("--keep", make_run("third"), str(tmp_path / "first"))
    assert [row["run"] for row in tables["keyed-tasks"]] == ["third", "first", "second"]
    path = tmp_path / "results/keyed-tasks.csv"
    commands = commands_of(path, ["first", "second", "third"])
    assert commands["second"].endswith(f"{tmp_path / 'first'} {tmp_path / 'second'}")
    assert commands["first"] == commands["third"] == path.read_text().splitlines()[0][2:]
    tables_of("--keep", str(tmp_path / "third"))  # what was kept once keeps its command
    assert commands_of(path, ["second"])["second"] == commands["second"]
    tables = tables_of(str(tmp_path / "third"))
    assert [row["run"] for row in tables["keyed-tasks"]] == ["third"]


def test_a_folder_that_is_no_run(tmp_path, tables_of, capsys):
    with pytest.raises(SystemExit):
        tables_of(str(tmp_path))
    assert "has no likeness.csv" in capsys.readouterr().err
