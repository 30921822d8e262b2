"""Runs beside and after one another: nothing is lost, and nothing is taken for what it is not."""

import csv
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from marked_folders import table
from PIL import Image

from tfwm.batch import folders, jobs
from tfwm.batch.done import key_id
from tfwm.batch.folders import embed_folder, extract_folder
from tfwm.batch.lock import only_run
from tfwm.batch.report import EMBED_FIRST

MESSAGE = "(c) Ada Lovelace"


@pytest.fixture
def photos(photos):
    (photos / "b.bmp").unlink()
    return photos


def statuses(rows):
    return {row["file"]: (row["status"], row["error"] or "") for row in rows}


def told(rows):
    return {
        (status, error.partition(" ")[2].partition(":")[0])
        for status, error in statuses(rows).values()
    }


def test_two_runs_at_once(checker, photos, out):
    begun, go_on = threading.Event(), threading.Event()
    result = []

    def progress(share, line):
        begun.set()
        go_on.wait(60)

    def first():
        result.append(embed_folder(checker, [photos], out, MESSAGE, progress=progress))

    thread = threading.Thread(target=first)
    thread.start()
    assert begun.wait(60)
    for arguments in ({}, {"report": out.parent / "other.csv"}):
        with pytest.raises(ValueError, match="Another run is writing .*marked: wait"):
            embed_folder(checker, [photos], out, MESSAGE, **arguments)
    go_on.set()
    thread.join()
    assert set(statuses(result[0]).values()) == {("done", "")}
    assert sorted(p.name for p in out.iterdir()) == ["a.jpg", "sub", "tfwm-report.csv"]
    assert {row["status"] for row in table(out / "tfwm-report.csv")} == {"done"}


def test_the_lock_of_a_dead_process_is_none(tmp_path):
    code = "import sys, time\nfrom tfwm.batch.lock import only_run\n"
    code += "with only_run(sys.argv[1]):\n    print('held', flush=True)\n    time.sleep(100)"
    process = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    with pytest.raises(ValueError, match="Another run"), only_run(tmp_path):
        pass
    process.kill()
    process.wait()
    assert os.listdir(tmp_path) == [".tfwm.lock"]
    with only_run(tmp_path):
        pass
    assert not os.listdir(tmp_path)


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("tfwm.batch.lock._take", refused)
    with pytest.warns(UserWarning, match="has no locks"), only_run(tmp_path):
        pass


def test_output_that_a_report_does_not_know_is_recognised(checker, photos, out):
    """Killed between the output and the report, or a report that was lost."""
    embed_folder(checker, [photos], out, MESSAGE, key="k")
    before = table(out / "tfwm-report.csv")
    (out / "tfwm-report.csv").unlink()
    time.sleep(0.02)
    stamp = (out / "a.jpg").stat().st_mtime_ns
    rows = embed_folder(checker, [photos], out, MESSAGE, key="k")
    assert set(statuses(rows).values()) == {("done", "")}
    assert (out / "a.jpg").stat().st_mtime_ns == stamp
    after = table(out / "tfwm-report.csv")
    for row in before + after:
        row.pop("key_id")  # another salt
    assert after == before
    (out / "tfwm-report.csv").unlink()
    rows = embed_folder(checker, [photos], out, "another", key="k")
    assert "exists: add --overwrite" in rows[0]["error"]


@pytest.mark.parametrize(
    "change, words",
    [
        ({"key": "other"}, "was marked with another key"),
        ({"key": None}, "was marked with another key"),
        ({"message": "b"}, "has another message"),
        ({"strength": 2.0}, "was marked with strength=1"),
        ({"psnr": 30.0}, "was marked with strength=1"),
        ({"margin": 3.0}, "was marked with strength=1"),
        ({"network": "other"}, "was marked by the network checker"),
    ],
)
def test_what_differs_is_told(checker, photos, out, monkeypatch, change, words):
    embed_folder(checker, [photos], out, MESSAGE, key="k")
    report, photo = (out / "tfwm-report.csv").read_bytes(), (out / "a.jpg").read_bytes()
    options = {"key": "k", "message": MESSAGE, **change}
    if "network" in options:
        monkeypatch.setattr(checker.network, "name", options.pop("network"), raising=False)
    rows = embed_folder(checker, [photos], out, **options)
    assert {row["status"] for row in rows} == {"failed"}
    assert all(f"{words}: add --overwrite" in row["error"] for row in rows), rows
    assert (out / "tfwm-report.csv").read_bytes() == report
    assert (out / "a.jpg").read_bytes() == photo
    rows = embed_folder(checker, [photos], out, **options, overwrite=True)
    assert {row["status"] for row in rows} == {"done"}
    assert told(embed_folder(checker, [photos], out, **options)) == {("skipped", "before")}


def test_a_damaged_output_is_told(checker, photos, out):
    embed_folder(checker, [photos], out, MESSAGE)
    whole = (out / "a.jpg").read_bytes()
    for damaged in (whole[:1], whole[:-1] + b"x"):
        (out / "a.jpg").write_bytes(damaged)
        rows = embed_folder(checker, [photos], out, MESSAGE)
        assert "was changed after it was marked: add --overwrite" in statuses(rows)["a.jpg"][1]
        assert statuses(rows)["sub/c.png"] == ("skipped", "done before")
        assert (out / "a.jpg").read_bytes() == damaged
    (out / "a.jpg").write_bytes(whole)  # from a backup
    assert told(embed_folder(checker, [photos], out, MESSAGE)) == {("skipped", "before")}
    (out / "a.jpg").write_bytes(b"")
    embed_folder(checker, [photos], out, MESSAGE, overwrite=True)
    assert (out / "a.jpg").read_bytes() == whole


def test_a_key_is_named_but_not_told(checker, photos, out):
    embed_folder(checker, [photos], out, MESSAGE, key="my secret")
    names = {row["key_id"] for row in table(out / "tfwm-report.csv")}
    assert len(names) == 1 and len(*names) == 17
    assert key_id("my secret") != key_id("my secret") != key_id(None) == "public"
    assert key_id("my secret", "00112233") == key_id("my secret", "00112233")
    assert key_id("my secret", "00112233") != key_id("another", "00112233")


def test_older_reports_go_on(checker, photos, out):
    embed_folder(checker, [photos], out, MESSAGE, key="k")
    rows = [{name: row[name] for name in EMBED_FIRST} for row in table(out / "tfwm-report.csv")]
    for folder in (out, Path("moved")):
        for row in rows:
            row["output"] = str(folder / row["file"])
        with open(out / "tfwm-report.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, EMBED_FIRST)
            writer.writeheader()
            writer.writerows(rows)
        found = embed_folder(checker, [photos], out, MESSAGE, key="k")
        assert told(found) == {("skipped", "before")}
        assert [row["output"] for row in table(out / "tfwm-report.csv")] == ["a.jpg", "sub/c.png"]


def test_recipients_in_folders_of_their_own(checker, photos, out, tmp_path):
    path = tmp_path / "ids.csv"
    path.write_text(
        "file,message,output,recipient\na.jpg,1,ada/a.jpg,Ada\na.jpg,2,bob/a.jpg,=Bob\n"
        "sub/c.png,1,ada/c.png,Ada\n"
    )
    embed_folder(checker, [photos], out, messages=path, key="k")
    saved = table(out / "tfwm-report.csv")
    assert (out / "tfwm-report.csv").read_text().split("\n")[0].count("recipient") == 1
    assert [(r["output"], r["message"], r["recipient"]) for r in saved] == [
        ("ada/a.jpg", "1", "Ada"),
        ("bob/a.jpg", "2", "'=Bob"),
        ("ada/c.png", "1", "Ada"),
    ]
    assert told(embed_folder(checker, [photos], out, messages=path, key="k")) == {
        ("skipped", "before")
    }
    # The report is such a table as well, and tells who has a copy.
    report = out / "tfwm-report.csv"
    again = embed_folder(checker, [photos], tmp_path / "again", messages=report, key="k")
    assert {row["status"] for row in again} == {"done"}
    leaks = tmp_path / "leaks.csv"
    for names in (path, report):
        extract_folder(checker, [out / "bob"], messages=names, report=leaks, key="k", search="none")
        (row,) = table(leaks)
        assert row["photo"] == str(out / "bob" / "a.jpg") and row["decision"] == "present"
        assert (row["file"], row["output"], row["recipient"]) == ("a.jpg", "bob/a.jpg", "'=Bob")
    rows = extract_folder(checker, [out / "ada" / "a.jpg"], messages=path, key="k", search="none")
    assert (rows[0]["file"], rows[0]["recipient"]) == ("a.jpg; sub/c.png", "Ada")
    embed_folder(checker, [photos], tmp_path / "else", 77, key="k")
    rows = extract_folder(checker, [tmp_path / "else"], messages=path, key="k", search="none")
    assert {row["recipient"] for row in rows} == {None}
    assert rows[0]["notes"] == [f"its message is not in {path}"]


# Where outputs go


def test_linked_folders_do_not_lead_out(checker, photos, out, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    out.mkdir()
    (out / "sub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="sub leads out of .*marked, by a link"):
        embed_folder(checker, [photos], out, MESSAGE)
    with pytest.raises(ValueError, match="sub leads out of .*marked, by a link"):
        jobs.assign_files([photos], out)
    assert not os.listdir(tmp_path / "elsewhere") and os.listdir(out) == ["sub"]
    (out / "sub").unlink()
    (out / "real").mkdir()
    (out / "sub").symlink_to(out / "real")
    assert told(embed_folder(checker, [photos], out, MESSAGE)) == {("done", "")}


def test_links_in_place(checker, photos, tmp_path):
    shutil.copy(photos / "a.jpg", tmp_path / "real.jpg")
    (photos / "inner.jpg").symlink_to(photos / "a.jpg")
    (photos / "outer.jpg").symlink_to(tmp_path / "real.jpg")
    before = (tmp_path / "real.jpg").read_bytes()
    rows = statuses(embed_folder(checker, [photos], photos, MESSAGE, overwrite=True))
    assert rows["a.jpg"] == ("done", "")
    assert rows["inner.jpg"] == ("skipped", "a link to a photo that is marked itself")
    assert rows["outer.jpg"][0] == "failed" and "is a link" in rows["outer.jpg"][1]
    assert (photos / "inner.jpg").is_symlink() and (tmp_path / "real.jpg").read_bytes() == before
    assert checker.extract(photos / "inner.jpg", search="none").message == MESSAGE


def test_unmarked_photo_that_was_put_back_is_marked_again(checker, photos):
    unmarked = (photos / "a.jpg").read_bytes()
    embed_folder(checker, [photos], photos, MESSAGE, overwrite=True)
    (photos / "a.jpg").write_bytes(unmarked)
    rows = embed_folder(checker, [photos], photos, "another", overwrite=True)
    assert statuses(rows)["a.jpg"] == ("done", "")
    assert "is marked already" in statuses(rows)["sub/c.png"][1]
    Image.open(photos / "a.jpg").save(photos / "a.jpg", quality=90)  # edited, and still marked
    rows = embed_folder(checker, [photos], photos, "another", overwrite=True)
    assert "was changed after it was marked: put the" in statuses(rows)["a.jpg"][1]


def test_outputs_that_the_file_system_takes_for_one(checker, photos, out, monkeypatch):
    shutil.copy(photos / "a.jpg", photos / "A.jpg")
    shutil.copy(photos / "a.jpg", photos / "e\u0301.jpg")
    shutil.copy(photos / "a.jpg", photos / "é.jpg")
    asked = []

    def are_one(first, second, folder):
        asked.append({first.name, second.name})
        return len(asked) == 2

    monkeypatch.setattr(jobs, "_are_one", are_one)
    with pytest.raises(ValueError, match="would be one file there: rename one"):
        embed_folder(checker, [photos], out, MESSAGE)
    assert asked == [{"A.jpg", "a.jpg"}, {"e\u0301.jpg", "é.jpg"}] and not out.exists()
    monkeypatch.undo()
    assert told(embed_folder(checker, [photos], out, MESSAGE)) == {("done", "")}
    assert len(list(out.glob("*.jpg"))) == 4


def test_a_folder_that_is_moved_away_is_not_made_anew(checker, photos, out, tmp_path):
    for number in range(6):
        shutil.copy(photos / "a.jpg", photos / f"{number}.jpg")

    def progress(share, line):
        if out.exists():
            out.rename(tmp_path / "away")

    with pytest.raises(OSError, match="marked was moved away during the run"):
        embed_folder(checker, [photos], out, MESSAGE, progress=progress, workers=1)
    assert not out.exists() and (tmp_path / "away" / "tfwm-report.csv").is_file()
    rows = embed_folder(checker, [photos], tmp_path / "away", MESSAGE)
    assert {row["status"] for row in rows} <= {"done", "skipped"}
    assert len(list((tmp_path / "away").rglob("*.*g"))) == 8


def test_write_protected_outputs_are_kept(checker, photos, out):
    embed_folder(checker, [photos], out, MESSAGE)
    (out / "a.jpg").chmod(0o444)
    rows = embed_folder(checker, [photos], out, "b", overwrite=True)
    assert "write-protected" in statuses(rows)["a.jpg"][1]
    assert checker.extract(out / "a.jpg", search="none").message == MESSAGE


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_in_place_that_dies_marks_no_photo_twice(checker, photos, monkeypatch, when):
    class Killed(BaseException):
        pass

    def dies(encoded, path, overwrite):
        if when == "after":
            write(encoded, path, overwrite)
        monkeypatch.setattr(folders, "write_encoded", write)
        shutil.copy(photos / "tfwm-report.csv", photos / ".saved")
        raise Killed

    write = folders.write_encoded
    monkeypatch.setattr(folders, "write_encoded", dies)
    try:
        embed_folder(checker, [photos], photos, MESSAGE, overwrite=True, workers=1)
    except Killed:
        pass
    shutil.move(photos / ".saved", photos / "tfwm-report.csv")  # as it was when it died
    first = (photos / "a.jpg").read_bytes()
    rows = statuses(embed_folder(checker, [photos], photos, MESSAGE, overwrite=True))
    assert rows["a.jpg"] == (("skipped", "done before") if when == "after" else ("done", ""))
    assert ((photos / "a.jpg").read_bytes() == first) == (when == "after")
    assert checker.extract(photos / "a.jpg", search="none").message == MESSAGE


def test_a_photo_that_cannot_be_replaced_is_not_called_done(checker, photos):
    (photos / "a.jpg").chmod(0o444)
    rows = statuses(embed_folder(checker, [photos], photos, MESSAGE, overwrite=True))
    assert "write-protected" in rows["a.jpg"][1]
    assert {r["file"]: r["status"] for r in table(photos / "tfwm-report.csv")} == {
        "a.jpg": "failed",
        "sub/c.png": "done",
    }


def test_drafts_of_killed_runs_are_removed_and_those_of_others_kept(checker, photos, out):
    (out / "sub").mkdir(parents=True)
    old, new, mine = (out / "sub" / f".tfwm-{n}.part" for n in ("0a", "0b", "0c"))
    old.write_bytes(b"half a photo")
    new.write_bytes(b"another is writing this")
    mine.mkdir()
    (mine / "file").write_bytes(b"half a folder")
    for path in (old, mine):
        os.utime(path, (time.time() - 7200,) * 2)
    embed_folder(checker, [photos], out, MESSAGE)
    assert not old.exists() and not mine.exists() and new.read_bytes()
