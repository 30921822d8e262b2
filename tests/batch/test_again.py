"""What a second run over the same folders does."""

import csv
import json
import shutil
import uuid

from marked_folders import files, statuses, table
from PIL import Image
from skimage import data

from tfwm.batch.folders import embed_folder
from tfwm.batch.report import REPORT
from tfwm.files import sha256

MESSAGE = "(c) Ada Lovelace"


def test_done_files_are_skipped(checker, photos, out, monkeypatch):
    (photos / "bad.jpg").write_bytes(b"no image")
    embed_folder(checker, [photos], out, MESSAGE)
    first = table(out / "tfwm-report.csv")[0]
    (out / "b.png").unlink()
    Image.fromarray(data.coffee()[:256, :320]).save(photos / "bad.jpg")
    before = {name: (out / name).stat().st_mtime_ns for name in ("a.jpg", "sub/c.png")}
    rows = embed_folder(checker, [photos], out, MESSAGE)
    assert statuses(rows) == {
        **{"a.jpg": "skipped", "b.bmp": "done", "bad.jpg": "done", "sub/c.png": "skipped"}
    }
    assert rows[0]["error"] == "done before"
    assert all((out / name).stat().st_mtime_ns == time for name, time in before.items())
    saved = table(out / "tfwm-report.csv")
    assert {row["status"] for row in saved} == {"done"} and len(saved) == 4
    assert saved[0] == first
    rows = embed_folder(checker, [photos], out, MESSAGE, overwrite=True)
    assert set(statuses(rows).values()) == {"done"}


def test_another_message_is_not_taken_for_done(checker, photos, out):
    embed_folder(checker, [photos], out, 12)
    for message in ("12", 13):
        rows = embed_folder(checker, [photos], out, message)
        assert set(statuses(rows).values()) == {"failed"}
        assert "has another message: add --overwrite" in rows[0]["error"]
    assert {row["status"] for row in table(out / "tfwm-report.csv")} == {"done"}
    assert set(statuses(embed_folder(checker, [photos], out, 12)).values()) == {"skipped"}
    rows = embed_folder(checker, [photos], out, 13, overwrite=True)
    assert set(statuses(rows).values()) == {"done"}
    assert {row["message"] for row in table(out / "tfwm-report.csv")} == {"13"}


def test_another_photo_of_the_name_is_not_taken_for_done(checker, photos, out, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    Image.fromarray(data.coffee()[:256, :320]).save(other / "a.jpg", quality=95)
    embed_folder(checker, [photos], out, MESSAGE)
    before = (out / "a.jpg").read_bytes()
    (row,) = embed_folder(checker, [other], out, MESSAGE)
    assert row["status"] == "failed" and "was made of another photo" in row["error"]
    assert (out / "a.jpg").read_bytes() == before
    shutil.copy(other / "a.jpg", photos / "a.jpg")  # edited
    rows = embed_folder(checker, [photos], out, MESSAGE)
    assert statuses(rows) == {"a.jpg": "failed", "b.bmp": "skipped", "sub/c.png": "skipped"}
    rows = embed_folder(checker, [photos], out, MESSAGE, overwrite=True)
    assert set(statuses(rows).values()) == {"done"}
    report = table(out / "tfwm-report.csv")
    assert report[0]["source_sha256"] == sha256(other / "a.jpg")


def test_reports_without_the_digests_of_photos_go_on(checker, photos, out):
    embed_folder(checker, [photos], out, MESSAGE)
    rows = [{k: v for k, v in row.items() if k != "source_sha256"} for row in table(out / REPORT)]
    with open(out / REPORT, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    rows = embed_folder(checker, [photos], out, MESSAGE)
    assert set(statuses(rows).values()) == {"skipped"}


def test_a_short_line_of_a_report_is_no_traceback(checker, photos, out):
    embed_folder(checker, [photos], out, MESSAGE)
    with open(out / REPORT, "a", encoding="utf-8") as file:
        file.write("later.jpg,x\n")
    rows = embed_folder(checker, [photos], out, MESSAGE)
    assert set(statuses(rows).values()) == {"skipped"}


def test_links_to_folders_are_told(checker, photos, out, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (photos / "link").symlink_to(tmp_path / "elsewhere")
    (photos / "again").symlink_to(photos / "sub")
    rows = {row["file"]: row for row in embed_folder(checker, [photos], out, MESSAGE)}
    assert (rows["link"]["status"], rows["again"]["status"]) == ("failed", "skipped")
    assert rows["link"]["error"] == "is a link to a folder: name the folder itself"


def test_a_photo_under_the_name_of_a_failed_output_is_marked(checker, photos):
    Image.new("RGB", (20, 20)).save(photos / "d.bmp")
    embed_folder(checker, [photos], photos, MESSAGE, overwrite=True)
    (photos / "d.bmp").unlink()
    (photos / "b.bmp").unlink()
    shutil.copy(photos / "a.jpg", photos / "e.jpg")
    Image.fromarray(data.coffee()[:256, :320]).save(photos / "d.png")
    Image.fromarray(data.astronaut()[:256, :320]).save(photos / "b.png")  # no output any more
    rows = embed_folder(checker, [photos], photos, MESSAGE, overwrite=True)
    assert {n: s for n, s in statuses(rows).items() if n in ("b.png", "d.png")} == {
        **{"b.png": "done", "d.png": "done"},
    }
    assert checker.extract(photos / "d.png").message == MESSAGE


def test_moved_folder_goes_on(checker, photos, out, tmp_path, monkeypatch):
    embed_folder(checker, [photos], out, MESSAGE)
    out.rename(tmp_path / "other")
    monkeypatch.chdir(tmp_path)
    rows = embed_folder(checker, ["photos"], "other", MESSAGE)
    assert set(statuses(rows).values()) == {"skipped"}


def test_json_report_goes_on_too(checker, photos, out, tmp_path):
    path = tmp_path / "report.json"
    embed_folder(checker, [photos], out, uuid.UUID(int=9), report=path)
    saved = json.loads(path.read_text())
    assert {row["message"] for row in saved} == {str(uuid.UUID(int=9))}
    assert saved[0]["notes"] == [] and isinstance(saved[0]["margin"], float)
    assert "tfwm-report.csv" not in files(out)
    rows = embed_folder(checker, [photos], out, uuid.UUID(int=9), report=path)
    assert set(statuses(rows).values()) == {"skipped"}
