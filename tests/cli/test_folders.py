import csv
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

MESSAGE = "(c) 2026 Ada Lovelace"


def table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_folder_there_and_back(run, network, photos, tmp_path):
    out = tmp_path / "marked"
    embed = ["embed", photos, "-o", out, "--message", MESSAGE, "--key", "k"]
    report = out / "tfwm-report.csv"
    assert run(*embed) == (0, f"3 done, 0 skipped, 0 failed; {report}\n", "")
    assert names(out) == ["a.jpg", "b.png", "sub/c.png", "tfwm-report.csv"]
    code, out_text, _ = run("extract", out, "--key", "k", "--search", "none")
    lines = [f"{out / name}\tpresent\t{MESSAGE}" for name in ("a.jpg", "b.png", "sub/c.png")]
    assert code == 0 and out_text.splitlines() == lines
    assert run(*embed) == (0, f"0 done, 3 skipped (3 done before), 0 failed; {report}\n", "")
    assert "k" not in report.read_text().replace("skipped", "").replace("marked", "").split(",")


def test_failures_are_named_and_are_exit_code_2(run, network, photos, tmp_path):
    (photos / "bad\n.jpg").write_bytes(b"bad")
    (photos / "notes.txt").write_text("text")
    out = tmp_path / "marked"
    code, text, err = run("embed", photos, "-o", out, "--message", MESSAGE)
    assert code == 2 and text.startswith("3 done, 1 skipped, 1 failed; ")
    lines = sorted(err.splitlines())
    assert len(lines) == 2 and "bad\\n.jpg" in lines[0] and "not an image" in lines[0]
    assert lines[1] == f"tfwm: note: {photos / 'notes.txt'} skipped: no image, by its ending"
    shutil.copy(photos / "bad\n.jpg", out / "bad.jpg")
    code, text, err = run("extract", out, "--search", "none")
    assert code == 2 and text.count("\tpresent\t") == 3 and "bad.jpg" in err


def test_long_lists_of_skipped_files_are_cut(run, network, photos, tmp_path):
    for number in range(14):
        (photos / f"{number}.xmp").touch()
    _, text, err = run("embed", photos, "-o", tmp_path / "out", "--message", "a")
    assert text.startswith("3 done, 14 skipped, 0 failed")
    assert err.count("skipped:") == 10 and err.endswith("tfwm: note: 4 more skipped\n")


def test_json(run, network, photos, tmp_path):
    out = tmp_path / "marked"
    embed = ["embed", photos, "-o", out, "--int", "7", "--json"]
    result = json.loads(run(*embed)[1])
    assert result["report"] == str(out / "tfwm-report.csv")
    assert (result["done"], result["skipped"], result["failed"]) == (3, 0, 0)
    assert [row["message"] for row in result["files"]] == [7, 7, 7]
    assert result["files"][0]["output"] == "a.jpg"
    shutil.copy(photos / "a.jpg", out / "z.jpg")
    report = tmp_path / "found.json"
    code, text, err = run("extract", out, "--search", "none", "--json", "--report", report)
    result = json.loads(text)
    assert code == 1 and (result["present"], result["others"], result["failed"]) == (3, 1, 0)
    assert result["photos"] == sorted(json.loads(report.read_text()), key=lambda r: r["photo"])
    first = result["photos"][0]
    assert (
        first["message"] == 7 and first["decision"] == "present" and first["corrected_errors"] == 0
    )
    assert len(first["bit_confidence"]) == 8 and first["p_value"] < 1e-12


def test_dry_run_and_check_write_nothing(run, network, photos, tmp_path, tree):
    Image.new("L", (64, 64), 128).save(photos / "small.png")
    before = tree(tmp_path)
    embed = ["embed", photos, "-o", tmp_path / "new" / "out", "--message", MESSAGE]
    code, text, err = run(*embed, "--dry-run")
    assert code == 2 and text == "3 done, 0 skipped, 1 failed; dry run, nothing written\n"
    assert "small.png was not marked" in err
    code, text, err = run(*embed, "--dry-run", "--json")
    assert code == 2 and text, err
    assert json.loads(text)["report"] is None
    code, text, err = run("embed", photos, "--check", "--message", MESSAGE)
    assert code == 1 and text.count(": yes, ") == 3 and text.count(": no, ") == 1
    told = [line for line in err.splitlines() if "% done" not in line]  # on a slow machine
    assert len(told) == 1 and "small.png: 100% of the photo is smooth" in err
    code, text, err = run(*embed, "--check", "--json")
    assert code == 1 and text, err
    result = json.loads(text)
    assert (result["fit"], result["unfit"], result["failed"]) == (3, 1, 0)
    assert tree(tmp_path) == before


def test_messages_for_recipients(run, network, photos, tmp_path):
    (tmp_path / "all.csv").write_text(
        "file,message,kind,output\na.jpg,Ada,,ada/a.jpg\na.jpg,Bob,text,bob/a.png\n"
        "sub/c.png,12,int,\n"
    )
    out = tmp_path / "out"
    code, text, err = run("embed", photos, "-o", out, "--messages", tmp_path / "all.csv")
    assert code == 0 and text.startswith("3 done, 1 skipped, 0 failed") and "b.bmp skipped" in err
    assert names(out) == ["ada/a.jpg", "bob/a.png", "sub/c.png", "tfwm-report.csv"]
    for name, message in [("ada/a.jpg", "Ada"), ("bob/a.png", "Bob"), ("sub/c.png", "12")]:
        assert run("extract", out / name) == (0, f"{message}\n", "")
    assert [
        (row["file"], row["message"], row["kind"]) for row in table(out / "tfwm-report.csv")
    ] == [
        *[("a.jpg", "Ada", "text"), ("a.jpg", "Bob", "text")],
        *[("b.bmp", "", ""), ("sub/c.png", "12", "int")],
    ]
    text = run("embed", photos, "-o", out, "--messages", tmp_path / "all.csv")[1]
    assert text.startswith("0 done, 4 skipped (3 done before), 0 failed")


def test_several_photos_and_a_folder_as_output(run, network, photos, photo, tmp_path):
    out = tmp_path / "out"
    some = [photos / "a.jpg", photos / "sub" / "c.png"]
    assert run("embed", *some, "-o", out, "--message", "a", "--format", "webp")[0] == 0
    assert names(out) == ["a.webp", "c.webp", "tfwm-report.csv"]
    assert run("embed", photo, "-o", out, "--message", "a")[0] == 0
    assert run("embed", photo, "-o", f"{tmp_path / 'new'}/", "--message", "a")[0] == 0
    assert names(out)[2] == "photo.jpg" and names(tmp_path / "new")[0] == "photo.jpg"
    code, text, _ = run("extract", *(out / name for name in names(out)[:3]))
    assert code == 0 and text.count("\tpresent\ta\n") == 3


def test_folder_is_replaced_only_if_asked(run, fails, network, photos, tree):
    before = tree(photos)
    assert "--overwrite to replace the photos" in fails(
        "embed", photos, "-o", photos, "--message", "a"
    )
    assert tree(photos) == before
    assert run("embed", photos, "-o", photos, "--message", "a", "--overwrite")[0] == 0
    assert tree(photos)["a.jpg"] != before["a.jpg"]


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["empty", "-o", "out", "--message", "a"], "empty holds no photos"),
        (["nowhere", "no.jpg", "-o", "out", "--message", "a"], "nowhere does not exist"),
        (["nowhere", "-o", "out/", "--message", "a"], "nowhere does not exist"),
        (["photos", "-o", "photos/out", "--message", "a"], "lies inside the folder"),
        (["photos", "-o", "photo.jpg", "--message", "a"], "photo.jpg is a file"),
        (["photos", "-o", "out", "--message", "x" * 65], "at most 64 bytes fit"),
        (["photos", "--message", "a"], "-o OUT"),
        (["photos", "-o", "out", "--message", "a", "--format", "bmp"], "invalid choice"),
        (["photos", "-o", "out", "--message", "a", "--quality", "101"], "quality from 1 to 100"),
        (
            ["photos", "-o", "out", "--message", "a", "--format", "png", "--quality", "50"],
            "JPEG, AVIF, WebP and HEIC",
        ),
        (["photos", "-o", "out", "--message", "a", "--report", "a.txt"], ".csv or .json"),
        (["photos", "-o", "out", "--message", "a", "--report", "bad.csv"], "it is kept"),
        (["photos", "-o", "out", "--messages", "bad.csv"], "columns file and message"),
        (["photos", "-o", "out", "--messages", "gone.csv"], "No such file"),
        (["photos", "-o", "out", "--messages", "lost.csv"], "not there: x.jpg"),
        (["photos", "-o", "out", "--messages", "long.csv"], "at most 64 bytes fit"),
        (["photos", "-o", "out", "--messages", "lost.csv", "--message", "a"], "not allowed with"),
    ],
)
def test_bad_input(fails, network, photos, tmp_path, monkeypatch, tree, arguments, words):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.csv").write_text("name,text\na.jpg,b\n")
    (tmp_path / "lost.csv").write_text("file,message\nx.jpg,b\n")
    (tmp_path / "long.csv").write_text("file,message\na.jpg," + 65 * "b")
    monkeypatch.chdir(tmp_path)
    before = tree(tmp_path)
    assert words in fails("embed", *arguments)
    assert tree(tmp_path) == before


def test_bad_input_of_extract(fails, network, photos, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    assert "holds no photos" in fails("extract", "empty")
    assert "nowhere does not exist" in fails("extract", "nowhere")
    assert "photos is a folder" in fails("extract", "photos", "photo.jpg")
    assert ".csv or .json" in fails("extract", "photos", "--report", "found.txt")
    assert "make it first" in fails("extract", "photos", "--report", "no/found.csv")
    assert not Path("no").exists()


def test_one_photo_into_a_folder_leaves_no_report(run, fails, network, photo, tmp_path):
    new = tmp_path / "new" / "out"
    assert run("embed", photo, "-o", f"{new}/", "--message", "a", "--format", "png")[0] == 0
    assert names(new) == ["photo.png"]
    assert "photo.png exists" in fails(
        "embed", photo, "-o", new, "--message", "a", "--format", "png"
    )
    (tmp_path / "bad.jpg").write_bytes(b"bad")
    for target in (f"{tmp_path / 'other'}/", new):
        fails("embed", tmp_path / "bad.jpg", "-o", target, "--message", "a")
    assert names(new) == ["photo.png"] and not (tmp_path / "other").exists()
    report = tmp_path / "r.csv"
    assert run("embed", photo, "-o", new, "--message", "a", "--report", report)[0] == 0
    assert names(new) == ["photo.jpg", "photo.png"] and len(table(report)) == 1


def test_a_folder_is_not_called_like_a_photo(fails, network, photos, tmp_path, monkeypatch):
    monkeypatch.setattr("tfwm.watermarker.Watermarker.open", lambda _: 1 / 0)  # before the work
    for name in ("x.png", "x.jpg/", "x.heic"):
        line = fails("embed", photos, "-o", f"{tmp_path / name}", "--message", "a")
        assert "Expected a folder for marked photos" in line
        assert not (tmp_path / name.strip("/")).exists()


def test_who_leaked(run, network, photos, tmp_path):
    table_of_ids, out = tmp_path / "ids.csv", tmp_path / "out"
    table_of_ids.write_bytes(
        "file;message;kind;output;Recipient\r\na.jpg;1001;int;a-1.png;Ada\r\n"
        "a.jpg;1002;int;a-2.png;阿达\r\n".encode("utf-16")
    )
    embed = ["embed", photos, "-o", out, "--messages", table_of_ids, "--jobs", "1"]
    assert run(*embed)[0] == 0
    (tmp_path / "found").mkdir()
    Image.open(out / "a-2.png").save(tmp_path / "found" / "x.png")
    leaks = tmp_path / "leaks.csv"
    extract = ["extract", tmp_path / "found", "--search", "none", "--report", leaks]
    for names_of in (table_of_ids, out / "tfwm-report.csv"):
        code, text, err = run(*extract, "--messages", names_of, "--jobs", "2")
        line = f"{tmp_path / 'found' / 'x.png'}\tpresent\t1002\ta.jpg\ta-2.png\t阿达\n"
        assert (code, text, err) == (0, line, "")
        (row,) = table(leaks)
        assert [row[n] for n in ("file", "message", "kind", "output", "recipient")] == [
            *("a.jpg", "1002", "int", "a-2.png", "阿达")
        ]
    result = json.loads(run(*extract, "--messages", table_of_ids, "--json")[1])
    assert result["photos"][0]["recipient"] == "阿达"


def test_verify_reads_a_folder_back(run, fails, network, photos, tmp_path):
    out = tmp_path / "out"
    run("embed", photos, "-o", out, "--message", MESSAGE, "--key", "k")
    report = out / "tfwm-report.csv"
    for path in (out, report):
        assert run("verify", path, "--key", "k") == (
            0,
            f"3 as written and read, 0 not; {report}\n",
            "",
        )
    shutil.copytree(out, tmp_path / "copy")
    (tmp_path / "copy" / "a.jpg").unlink()
    Image.open(tmp_path / "copy" / "b.png").save(tmp_path / "copy" / "b.png", compress_level=1)
    code, text, err = run("verify", tmp_path / "copy", "--key", "k", "--json")
    result = json.loads(text)
    assert (code, result["as_written"], result["failed"]) == (1, 1, 2)
    assert {row["output"]: row["error"] for row in result["files"]} == {
        "a.jpg": "it is not there",
        "b.png": "it was changed after it was marked",
        "sub/c.png": None,
    }
    code, text, err = run("verify", out, "--key", "other")
    assert code == 1 and err.count("it was marked with another key\n") == 3
    shutil.move(report, tmp_path / "r.csv")
    assert run("verify", out, "--report", tmp_path / "r.csv", "--key", "k")[0] == 0
    assert "A key goes with a folder of marked photos" in fails("verify", "photo", "--key", "k")
    assert "one folder of marked photos" in fails("verify", tmp_path / "copy", "photo")


def test_a_link_in_place_marks_the_photo_behind_it(run, network, photo, tmp_path):
    link, other = tmp_path / "link.jpg", tmp_path / "other.jpg"
    link.symlink_to(photo)
    other.symlink_to(photo)
    before = Path(photo).read_bytes()
    assert run("embed", photo, "-o", other, "--message", "a", "--overwrite")[0] == 0
    assert not other.is_symlink() and Path(photo).read_bytes() == before
    assert run("embed", link, "-o", link, "--message", "a", "--overwrite")[0] == 0
    assert link.is_symlink() and run("extract", photo)[:2] == (0, "a\n")
    twin = tmp_path / "twin.jpg"
    twin.hardlink_to(photo)
    code, _, err = run("embed", twin, "-o", twin, "--message", "b", "--overwrite", "--over")
    assert code == 0 and "other names (hard links)" in err
    gone = tmp_path / "gone.png"
    gone.symlink_to(tmp_path / "nowhere.png")
    code, _, err = run("embed", photo, "-o", gone, "--message", "a")
    assert code == 2 and "exists" in err and gone.is_symlink()


def test_copies_of_one_name_are_read_and_checked_together(run, network, photos, tmp_path):
    out = tmp_path / "marked"
    run("embed", photos, "-o", out, "--message", MESSAGE)
    shutil.copy(out / "a.jpg", out / "sub" / "a.jpg")
    code, text, _ = run("extract", out / "a.jpg", out / "sub/a.jpg", "--search", "none")
    assert code == 0 and text.count("present") == 2
    shutil.copy(photos / "a.jpg", photos / "sub" / "a.jpg")
    named = photos / "a.jpg", photos / "sub/a.jpg"
    code, text, _ = run("embed", *named, "--check", "--message", MESSAGE)
    assert code == 0 and [line.partition(":")[0] for line in text.splitlines()] == [
        str(path) for path in named
    ]


def test_a_photo_that_is_too_small_does_not_fit_in_a_folder_either(run, network, photos):
    Image.new("RGB", (20, 20)).save(photos / "tiny.png")
    alone = run("embed", photos / "tiny.png", "--check", "--message", MESSAGE)
    code, text, err = run("embed", photos, "--check", "--message", MESSAGE)
    assert (alone[0], code, err) == (1, 1, "")
    assert alone[1].strip() in text.splitlines()


def test_a_dry_run_leaves_no_folders(run, network, photo, tmp_path):
    code, _, _ = run(
        *("embed", photo, "-o", f"{tmp_path}/new/deep/", "--message", MESSAGE, "--dry-run")
    )
    assert code == 0 and not (tmp_path / "new").exists()
