import json
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from marked_folders import files, statuses, table
from PIL import Image

from tfwm.batch import folders
from tfwm.batch.folders import check_folder, embed_folder, extract_folder
from tfwm.batch.report import EMBED_COLUMNS
from tfwm.watermarker import Watermarker

MESSAGE = "(c) Ada Lovelace"


def test_marks_a_folder_with_its_sub_folders(checker, photos, out):
    rows = embed_folder(checker, [photos], out, MESSAGE, key="k")
    assert statuses(rows) == {"a.jpg": "done", "b.bmp": "done", "sub/c.png": "done"}
    assert files(out) == ["a.jpg", "b.png", "sub/c.png", "tfwm-report.csv"]
    for name in ("a.jpg", "b.png", "sub/c.png"):
        assert checker.extract(out / name, key="k", search="none").message == MESSAGE
    saved = table(out / "tfwm-report.csv")
    assert tuple(saved[0]) == EMBED_COLUMNS
    assert [row["output"] for row in saved] == files(out)[:3]
    assert [row["source"] for row in saved] == [str(photos / n) for n in files(photos)]
    for row in saved:
        assert row["message"] == MESSAGE and row["kind"] == "text" and row["error"] == ""
        assert float(row["margin"]) >= 2 and float(row["p_value"]) < 1e-12
        assert 25 < float(row["psnr"]) < 35 and float(row["strength"]) == 1


def test_one_failure_does_not_stop_the_rest(checker, photos, out):
    (photos / "bad.jpg").write_bytes(b"no image")
    (photos / "notes.txt").write_text("text")
    (photos / ".hidden.jpg").write_bytes(b"hidden")
    (photos / "gone.png").symlink_to(photos / "nowhere.png")
    os.mkfifo(photos / "pipe.png")
    Image.new("RGB", (20, 20)).save(photos / "tiny.png")
    rows = embed_folder(checker, [photos], out, MESSAGE)
    assert statuses(rows) == {
        "a.jpg": "done",
        "b.bmp": "done",
        "bad.jpg": "failed",
        "gone.png": "failed",
        "notes.txt": "skipped",
        "pipe.png": "skipped",
        "sub/c.png": "done",
        "tiny.png": "failed",
    }
    errors = {row["file"]: row["error"] for row in table(out / "tfwm-report.csv")}
    assert "not an image" in errors["bad.jpg"] and "20 x 20 pixels" in errors["tiny.png"]
    assert errors["notes.txt"] == "no image, by its ending" and "pipe" not in files(out)
    assert "does not exist" in errors["gone.png"]


def test_a_bug_on_one_photo_does_not_stop_the_rest(checker, photos, out, monkeypatch):
    network = checker.network
    embed = network.embed
    calls = []

    def broken(*arguments):
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("first\nlines")
        return embed(*arguments)

    monkeypatch.setattr(network, "embed", broken)
    rows = embed_folder(checker, [photos], out, MESSAGE)
    assert sorted(statuses(rows).values()) == ["done", "done", "failed"]
    assert [r["error"] for r in rows if r["error"]] == ["RuntimeError: first lines"]


# Nothing lost


def test_dry_run_writes_nothing(checker, photos, out, tmp_path):
    before = files(tmp_path)
    rows = embed_folder(checker, [photos], out, MESSAGE, dry_run=True)
    assert set(statuses(rows).values()) == {"done"} and rows[0]["margin"] > 2
    report = tmp_path / "report.json"
    embed_folder(checker, [photos], out, MESSAGE, dry_run=True, report=report)
    assert files(tmp_path) == before and not out.exists()
    embed_folder(checker, [photos], out, MESSAGE)
    before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    embed_folder(checker, [photos], out, "other", dry_run=True, overwrite=True)
    assert {name: (tmp_path / name).read_bytes() for name in files(tmp_path)} == before


def test_photos_are_replaced_only_if_asked(checker, photos):
    before = {name: (photos / name).read_bytes() for name in files(photos)}
    with pytest.raises(ValueError, match="folder of the photos itself"):
        embed_folder(checker, [photos], photos, MESSAGE)
    assert {name: (photos / name).read_bytes() for name in files(photos)} == before
    rows = embed_folder(checker, [photos], photos, MESSAGE, overwrite=True)
    assert set(statuses(rows).values()) == {"done"}
    # b.bmp cannot be written as such
    assert files(photos) == ["a.jpg", "b.bmp", "b.png", "sub/c.png", "tfwm-report.csv"]
    assert (photos / "b.bmp").read_bytes() == before["b.bmp"]
    after = {name: (photos / name).read_bytes() for name in ("a.jpg", "sub/c.png")}
    rows = embed_folder(checker, [photos], photos, MESSAGE, overwrite=True)
    assert statuses(rows) == {"a.jpg": "skipped", "b.bmp": "done", "sub/c.png": "skipped"}
    rows = embed_folder(checker, [photos], photos, "other", overwrite=True)
    assert "is marked already" in rows[0]["error"] and statuses(rows)["b.bmp"] == "done"
    assert {name: (photos / name).read_bytes() for name in ("a.jpg", "sub/c.png")} == after


def test_folders_inside_one_another(checker, photos, tmp_path):
    with pytest.raises(ValueError, match="lies inside the folder of the photos"):
        embed_folder(checker, [photos], photos / "marked", MESSAGE, overwrite=True)
    assert not (photos / "marked").exists()
    # The other way round is harmless until a name meets.
    (photos / "photos").mkdir()
    shutil.copy(photos / "a.jpg", photos / "photos" / "a.jpg")
    with pytest.raises(ValueError, match="is one of the photos to mark"):
        embed_folder(checker, [photos], tmp_path, MESSAGE)
    with pytest.raises(ValueError, match="is one of the photos to mark"):
        embed_folder(checker, [photos], tmp_path, MESSAGE, overwrite=True)


def test_interruption_keeps_what_is_done(checker, photos, out, monkeypatch):
    """What is finished is in the report, what is not leaves no trace, and a second run ends it."""
    seen = []

    def progress(share, text):
        seen.append(text)
        if len(seen) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_folder(checker, [photos], out, MESSAGE, progress=progress, workers=1)
    saved = table(out / "tfwm-report.csv")
    assert 1 <= len(saved) < 3 and {row["status"] for row in saved} == {"done"}
    assert len(files(out)) == len(saved) + 1
    assert not [t for t in threading.enumerate() if t.name.startswith("ThreadPool")]
    rows = embed_folder(checker, [photos], out, MESSAGE)
    assert list(statuses(rows).values()).count("skipped") == len(saved)
    assert {row["status"] for row in table(out / "tfwm-report.csv")} == {"done"}


def test_full_disk_leaves_the_older_report(checker, photos, out, monkeypatch):
    from tfwm.batch import report

    embed_folder(checker, [photos], out, MESSAGE)
    before = (out / "tfwm-report.csv").read_bytes()

    def full(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(report, "write_whole", full)
    with pytest.raises(OSError, match="No space"):
        embed_folder(checker, [photos], out, MESSAGE, overwrite=True)
    assert (out / "tfwm-report.csv").read_bytes() == before


# Formats and names


@pytest.mark.parametrize(
    "file_format, expected",
    [
        ("png", ["a.png", "b.png", "sub/c.png"]),
        ("jpg", ["a.jpg", "b.jpg", "sub/c.jpg"]),
        ("webp", ["a.webp", "b.webp", "sub/c.webp"]),
    ],
)
def test_formats(checker, photos, out, file_format, expected):
    quality = 85 if file_format == "jpg" else None
    embed_folder(checker, [photos], out, MESSAGE, file_format=file_format, quality=quality)
    assert files(out) == [*expected, "tfwm-report.csv"]
    assert Image.open(out / expected[0]).format == {"jpg": "JPEG"}.get(
        file_format, file_format.upper()
    )


def test_quality_is_for_the_lossy_ones(checker, photos, out):
    rows = embed_folder(checker, [photos], out, MESSAGE, quality=60)
    assert set(statuses(rows).values()) == {"done"}
    assert Image.open(out / "a.jpg").quantization[0][0] > 10  # as of quality 60
    with pytest.raises(ValueError, match="JPEG, AVIF, WebP and HEIC"):
        embed_folder(checker, [photos], out, MESSAGE, quality=60, file_format="png")


def test_same_name_with_two_endings(checker, photos, out):
    shutil.copy(photos / "sub" / "c.png", photos / "b.png")
    embed_folder(checker, [photos], out, MESSAGE)
    assert files(out)[:3] == ["a.jpg", "b.bmp.png", "b.png"]
    assert Image.open(out / "b.png").size == (320, 256)
    np.testing.assert_allclose(
        np.asarray(Image.open(out / "b.png"), float),
        np.asarray(Image.open(photos / "b.png")),
        atol=20,
    )


def test_several_photos(checker, photos, out, tmp_path):
    chosen = [photos / "sub" / "c.png", photos / "a.jpg"]
    rows = embed_folder(checker, chosen, out, MESSAGE)
    assert statuses(rows) == {"a.jpg": "done", "c.png": "done"}
    assert files(out) == ["a.jpg", "c.png", "tfwm-report.csv"]
    shutil.copy(photos / "a.jpg", photos / "sub" / "a.jpg")
    with pytest.raises(ValueError, match="Two photos are called a.jpg"):
        embed_folder(checker, [photos / "a.jpg", photos / "sub" / "a.jpg"], out, MESSAGE)
    with pytest.raises(ValueError, match="one folder or several photos"):
        embed_folder(checker, [photos / "a.jpg", photos], out, MESSAGE)
    with pytest.raises(ValueError, match="does not exist"):
        embed_folder(checker, [photos / "a.jpg", photos / "x.jpg"], out, MESSAGE)
    with pytest.raises(ValueError, match="is one of the photos to mark"):
        embed_folder(checker, [photos / "a.jpg", photos / "b.bmp"], photos, MESSAGE)


def test_memory_is_bounded(checker, photos, out, monkeypatch):
    from tfwm.batch import run

    monkeypatch.setattr(run, "PIXELS_AT_ONCE", 320 * 256 + 5)
    at_work, most = [], []

    def marked(self, *arguments):
        at_work.append(1)
        most.append(len(at_work))
        try:
            return mark_file(self, *arguments)
        finally:
            at_work.pop()

    mark_file = Watermarker.mark_file
    monkeypatch.setattr(Watermarker, "mark_file", marked)
    rows = embed_folder(checker, [photos], out, MESSAGE, workers=3)
    assert set(statuses(rows).values()) == {"done"} and max(most) == 1


# Checking and reading


def test_check_folder(checker, photos, tmp_path):
    Image.new("L", (64, 64), 128).save(photos / "small.png")
    (photos / "bad.png").write_bytes(b"bad")
    before = files(tmp_path)
    rows = {row["file"]: row for row in check_folder(checker, [photos], MESSAGE)}
    assert rows["a.jpg"]["fits"] is True and rows["small.png"]["fits"] is False
    assert rows["bad.png"]["status"] == "failed" and files(tmp_path) == before


def test_extract_folder(checker, photos, out, tmp_path):
    embed_folder(checker, [photos], out, MESSAGE, key="k")
    shutil.copy(photos / "a.jpg", out / "unmarked.jpg")
    (out / "bad.jpg").write_bytes(b"bad")
    report = tmp_path / "found.csv"
    rows = extract_folder(checker, [out], key="k", search="none", report=report)
    by_name = {Path(row["photo"]).name: row for row in rows}
    assert {name: row["decision"] for name, row in by_name.items()} == {
        **{"a.jpg": "present", "b.png": "present", "c.png": "present"},
        **{"unmarked.jpg": "absent", "bad.jpg": None},
    }
    assert by_name["bad.jpg"]["status"] == "failed"
    assert by_name["a.jpg"]["message"] == MESSAGE
    saved = table(report)
    assert tuple(saved[0]) == folders.EXTRACT_COLUMNS and len(saved) == 5
    assert {row["message"] for row in saved} == {MESSAGE, ""}
    # Another reading starts a new table, in place of the old one.
    extract_folder(checker, [out / "a.jpg"], key="k", report=report)
    assert len(table(report)) == 1
    path = tmp_path / "found.json"
    extract_folder(checker, [out / "a.jpg"], key="k", report=path)
    saved = json.loads(path.read_text())[0]
    assert len(saved["bit_confidence"]) == 8 * len(MESSAGE) and saved["alignment"]["scale"] == 1


NESTED = pytest.param("[" * 100_000, id="nested")


@pytest.mark.parametrize("content", ["file,message\na.jpg,hi\n", "", "\xff", "[1]", NESTED])
def test_a_file_that_is_no_report_is_kept(checker, photos, out, tmp_path, content):
    for name in ("mine.csv", "mine.json"):
        path = tmp_path / name
        path.write_bytes(content.encode("latin-1"))
        for call in (
            lambda path=path: embed_folder(checker, [photos], out, MESSAGE, report=path),
            lambda path=path: extract_folder(checker, [photos], report=path),
        ):
            with pytest.raises(ValueError, match="is no report of this kind, it is kept"):
                call()
        assert path.read_bytes() == content.encode("latin-1")
    assert not out.exists()


def test_bad_folders_and_reports(checker, photos, out, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("a")
    (tmp_path / "file").write_text("a")
    for arguments, options, words in [
        ((tmp_path / "empty", out), {}, "holds no photos"),
        ((tmp_path / "texts", out), {}, "holds no photos"),
        ((tmp_path / "nowhere", out), {}, "does not exist"),
        ((photos, tmp_path / "file"), {}, "is a file: expected a folder"),
        ((photos, tmp_path / "file" / "x"), {}, "cannot be made"),
        ((photos, out), {"report": tmp_path / "a.txt"}, "ends in .csv or .json"),
        ((photos, out), {"report": tmp_path / "no" / "a.csv"}, "does not exist: make it first"),
    ]:
        with pytest.raises(ValueError, match=words):
            embed_folder(checker, [arguments[0]], arguments[1], MESSAGE, **options)
    with pytest.raises(ValueError, match="takes 65 bytes, but at most 64 bytes fit"):
        embed_folder(checker, [photos], out, "x" * 65)
    assert not out.exists()
