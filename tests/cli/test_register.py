import csv
import json

import pytest
from PIL import Image

from tfwm.register import Register

TABLE = "file,message,kind,output,recipient\na.jpg,1001,int,a-ada.png,Ada\n"
TABLE += "a.jpg,1002,int,a-grace.png,Grace\nsub/c.png,1003,int,c.png,Ada\n"


@pytest.fixture
def place(tmp_path):
    return tmp_path / "register.db"


def test_one_photo_there_and_back(run, fails, network, photo, place, tmp_path):
    out = tmp_path / "ada.png"
    how = ["--register", place, "--key", "k"]
    assert run("embed", photo, "-o", out, "--int", 7, *how, "--recipient", "Ada")[0] == 0
    code, text, err = run("extract", out, *how)
    assert (code, text) == (0, "7\n") and "given to Ada (ada.png, 20" in err
    code, text, _ = run("extract", out, *how, "--json")
    told = json.loads(text)["register"]
    assert code == 0 and told["recipients"] == ["Ada"] and told["picture"] == "same"
    code, text, _ = run("extract", photo, *how, "--json", "--search", "none")
    assert code == 1 and json.loads(text)["register"]["by"] == "fingerprint"
    assert "name the right" not in fails("embed", photo, "-o", "-", "--int", 7, *how)
    fails("embed", photo, "-o", tmp_path / "b.png", "--int", 7, "--recipient", "Ada")
    fails("extract", out, "--register", tmp_path / "missing.db")
    entry = Register(place).entries()[0]
    assert entry.file == "ada.png" and entry.digest and (entry.width, entry.height) == (451, 300)
    # An unknown message is no proof: exit code 1.
    run("embed", photo, "-o", tmp_path / "c.png", "--int", 8, "--key", "k")
    code, _, err = run("extract", tmp_path / "c.png", *how)
    assert code == 1 and "the register does not know its message" in err


def test_a_folder_by_a_table(run, network, photos, place, tmp_path):
    (tmp_path / "ids.csv").write_text(TABLE)
    out, how = tmp_path / "out", ["--register", place]
    embed = ["embed", photos, "-o", out, "--messages", tmp_path / "ids.csv"]
    code, _, err = run(*embed, "--dry-run", *how)
    assert code == 0 and not place.exists(), err
    assert run(*embed)[0] == 0 and not place.exists()
    code, text, _ = run(*embed, *how)  # a register that comes later gets what is done
    assert code == 0 and "(3 done before)" in text
    known = {e.message: (e.recipient, e.file) for e in Register(place).entries()}
    assert known == {
        **{"1001": ("Ada", "a-ada.png"), "1002": ("Grace", "a-grace.png")},
        **{"1003": ("Ada", "c.png")},
    }
    assert run(*embed, *how)[0] == 0 and len(Register(place)) == 3
    report = tmp_path / "found.csv"
    code, text, _ = run("extract", out, *how, "--search", "none", "--report", report)
    lines = [line.split("\t")[2:] for line in text.splitlines()]
    assert code == 0 and lines[0] == ["1001", "a-ada.png", "Ada", "same"]
    with open(report, newline="") as file:
        assert [row["recipient"] for row in csv.DictReader(file)] == ["Ada", "Grace", "Ada"]


def test_a_row_goes_with_a_file_that_cannot_be_written(run, network, photos, place, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    Image.new("RGB", (9, 9)).save(out / "a.jpg")
    run("embed", photos, "-o", out, "--int", 7, "--register", place)
    assert sorted(e.file for e in Register(place).entries()) == ["b.png", "sub/c.png"]


def test_list_settle_remove(run, fails, network, photo, place, tmp_path):
    for name in ("Ada", "Grace"):
        out = tmp_path / f"{name}.png"
        run("embed", photo, "-o", out, "--int", 7, "--register", place, "--recipient", name)
    _, text, _ = run("register", "list", place)
    lines = text.splitlines()
    assert len(lines) == 3 and lines[0].startswith("message\trecipient\tfile")
    assert {line.split("\t")[1] for line in lines[1:]} == {"Ada", "Grace"}
    _, text, _ = run("register", "list", place, "--recipient", "Ada", "--json")
    assert [row["file"] for row in json.loads(text)] == ["Ada.png"]
    assert run("register", "settle", place)[1] == "0 confirmed, 0 removed\n"
    assert run("register", "remove", place, "--recipient", "Ada")[1] == "1 removed\n"
    assert "has no entry of Ada" in fails("register", "remove", place, "--recipient", "Ada")


def test_a_copy_for_nobody_in_particular_is_known_in_a_folder_too(
    run, network, photo, place, tmp_path
):
    out, how = tmp_path / "out", ["--register", place, "--key", "k"]
    run("embed", photo, "-o", f"{out}/", "--int", 7, *how)
    alone = run("extract", next(out.iterdir()), *how)
    code, text, _ = run("extract", out, *how, "--search", "none", "--json")
    (row,) = json.loads(text)["photos"]
    assert (alone[0], code, row["holds"], row["recipient"]) == (0, 0, True, None)
