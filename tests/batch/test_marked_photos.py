"""Folders in which photos are marked already."""

import pytest
from PIL import Image
from skimage import data

from tfwm.batch.folders import check_folder, embed_folder

MESSAGE = "(c) Ada Lovelace"


@pytest.fixture
def photos(checker, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(data.coffee()[:256, :320]).save(folder / "fresh.png")
    marked = checker.embed(data.coffee()[100:356, 100:420], "of Eve", key="hers")
    Image.fromarray(marked).save(folder / "marked.png")
    return folder


def told(rows):
    return {row["file"]: (row["status"], row["error"] or "") for row in rows}


def test_they_are_refused_and_the_rest_is_done_once(checker, photos, tmp_path):
    out = tmp_path / "out"
    for fresh in (("done", ""), ("skipped", "done before")):
        rows = told(embed_folder(checker, [photos], out, MESSAGE, key="k"))
        assert rows["fresh.png"] == fresh
        status, error = rows["marked.png"]
        assert status == "failed" and "of a key that was not given" in error and "--over" in error
        assert not (out / "marked.png").exists()
    checks = {row["file"]: row["fits"] for row in check_folder(checker, [photos], MESSAGE, key="k")}
    assert checks == {"fresh.png": True, "marked.png": False}


def test_with_over_they_are_marked_once(checker, photos, tmp_path):
    out = tmp_path / "out"
    rows = embed_folder(checker, [photos], out, MESSAGE, key="k", over=True)
    assert {row["status"] for row in rows} == {"done"}
    assert any("it carried a mark" in note for note in rows[1]["notes"]) and not rows[0]["notes"]
    # The report knows its outputs, also for a later run without --over.
    for over in (True, False):
        rows = told(embed_folder(checker, [photos], out, MESSAGE, key="k", over=over))
        assert set(rows.values()) == {("skipped", "done before")}


def test_in_place_a_marked_photo_is_kept_and_with_over_marked_again(checker, photos):
    (photos / "marked.png").unlink()
    how = {"key": "k", "overwrite": True}
    for status in ("done", "skipped"):
        assert (
            told(embed_folder(checker, [photos], photos, MESSAGE, **how))["fresh.png"][0] == status
        )
    status, error = told(embed_folder(checker, [photos], photos, "another", **how))["fresh.png"]
    assert status == "failed" and "is marked already" in error and "--over" in error
    # Without its report, the run does not know its output; the mark tells.
    (photos / "tfwm-report.csv").unlink()
    status, error = told(embed_folder(checker, [photos], photos, MESSAGE, **how))["fresh.png"]
    assert status == "failed" and f"of this key, with the message '{MESSAGE}'" in error
    rows = embed_folder(checker, [photos], photos, "another", **how, over=True)
    assert told(rows)["fresh.png"][0] == "done"
    found = checker.extract(photos / "fresh.png", key="k", search="none")
    assert found.message == "another"
    rows = embed_folder(checker, [photos], photos, "another", **how, over=True)
    assert told(rows)["fresh.png"] == ("skipped", "done before")
