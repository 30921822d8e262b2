"""`tfwm extract --damaged`, and what marks no damaged photo."""

import json
from pathlib import Path

import pytest

from tfwm.images import DamagedError, read_photo

MESSAGE = "(c) 2026 Ada Lovelace"


@pytest.fixture
def cut(network, run, photo, tmp_path):
    """A marked photo of which 60 % are there."""
    folder = tmp_path / "found"
    folder.mkdir()
    assert run("embed", photo, "-o", folder / "a.jpg", "--message", MESSAGE)[0] == 0
    whole = (folder / "a.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: int(0.6 * len(whole))])
    return folder / "cut.jpg"


def test_one(cut, run, fails, tmp_path):
    assert "Or read what is there: --damaged." in fails("extract", cut)
    code, out, err = run("extract", cut, "--damaged")
    assert (code, out) == (0, f"{MESSAGE}\n")
    assert "note" in err and "the file is cut off: " in err and "% of its rows were read" in err
    result = json.loads(run("extract", cut, "--damaged", "--json")[1])
    assert result["message"] == MESSAGE and 0.4 < result["rows_read"] < 0.8
    result = json.loads(run("extract", cut.with_name("a.jpg"), "--damaged", "--json")[1])
    assert result["message"] == MESSAGE and result["rows_read"] == 1
    (tmp_path / "none.jpg").write_bytes(cut.read_bytes()[:200])
    assert "nothing of it can be read" in fails("extract", tmp_path / "none.jpg", "--damaged")


def test_folder(cut, run):
    assert run("extract", cut.parent)[0] == 2
    code, out, err = run("extract", cut.parent, "--damaged", "--json")
    rows = json.loads(out)["photos"]
    assert code == 0 and [row["message"] for row in rows] == [MESSAGE] * 2
    assert rows[0]["rows_read"] == 1 > rows[1]["rows_read"]
    assert err.count("the file is cut off") == 1


def test_embed_takes_no_damaged_photo(cut, fails, tmp_path, checker):
    words = "damaged or cut off"
    assert words in fails("embed", cut, "-o", tmp_path / "o.png", "--message", "a")
    from tfwm.watermarker import Watermarker

    with pytest.raises(DamagedError, match="mark the whole photo"):
        Watermarker(checker()).embed(read_photo(cut, damaged=True), MESSAGE)
    assert not Path(tmp_path / "o.png").exists()
