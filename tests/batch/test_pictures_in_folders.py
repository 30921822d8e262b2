"""No photo of a folder is passed over in silence."""

import os

import pytest
from PIL import Image
from skimage import data

from tfwm.batch.folders import embed_folder, extract_folder
from tfwm.batch.jobs import find_photos, output_name
from tfwm.images import kinds, read_photo

MESSAGE = "(c) Ada Lovelace"
HEIC = b"\0\0\0\x1cftypheic\0\0\0\0mif1heic" + bytes(36)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(data.chelsea()[:256, :320]).save(folder / "a.jpg", quality=95)
    return folder


def rows_of(folder, checker, tmp_path):
    rows = embed_folder(checker, [folder], tmp_path / "marked", MESSAGE)
    return {row["file"]: (row["status"], row["error"] or "") for row in rows}


def test_photos_that_are_not_marked_have_failed(folder, checker, tmp_path, monkeypatch):
    monkeypatch.setattr(kinds, "is_ready", lambda name: name not in kinds.PLUGINS)
    photo = (folder / "a.jpg").read_bytes()
    Image.open(folder / "a.jpg").save(folder / "raw.NEF", "TIFF")
    (folder / "phone.heic").write_bytes(HEIC)
    (folder / "new.jxl").write_bytes(b"\xff\x0a" + bytes(60))
    (folder / "IMG_0001").write_bytes(photo)
    (folder / "backup.jpg_original").write_bytes(photo)
    (folder / "HEIC_0002").write_bytes(HEIC)
    (folder / "layers.psd").write_bytes(b"8BPS\0\1" + bytes(60))
    rows = rows_of(folder, checker, tmp_path)
    for name, words in {
        "raw.NEF": "camera file (RAW)",
        "phone.heic": "tfwm[heif]",
        "new.jxl": "tfwm[jxl]",
        "IMG_0001": "holds a JPEG picture, but its name does not end so: rename it",
        "backup.jpg_original": "holds a JPEG picture",
        "HEIC_0002": "holds a HEIC picture",
        "layers.psd": "Photoshop file",
    }.items():
        status, error = rows.pop(name)
        assert status == "failed" and words in error, (name, error)
    assert rows == {"a.jpg": ("done", "")}
    found = {r["photo"]: r["status"] for r in extract_folder(checker, [folder])}
    assert found[str(folder / "phone.heic")] == "failed"


def test_files_that_are_no_photos_are_skipped(folder, checker, tmp_path):
    contents = {
        "notes.txt": b"text",
        "Thumbs.db": b"\xd0\xcf\x11\xe0" + bytes(60),
        "a.xmp": b"<x:xmpmeta>",
        "clip.mp4": b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41" + bytes(60),
        "clip.thm": (folder / "a.jpg").read_bytes(),
        "BM": b"BM is no bitmap",
        "empty": b"",
        "page.pdf": b"%PDF-1.7",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    rows = rows_of(folder, checker, tmp_path)
    assert rows.pop("a.jpg")[0] == "done"
    assert {name: row[0] for name, row in rows.items()} == dict.fromkeys(contents, "skipped")


@pytest.mark.parametrize("name, module", [("HEIF", "pillow_heif"), ("JXL", "pillow_jxl")])
def test_formats_of_plugins_keep_their_own(folder, checker, tmp_path, name, module):
    pytest.importorskip(module, reason=f"needs {module}, which is not installed")
    ending = kinds.PLUGINS[name].endings[0]
    assert kinds.is_ready(name) and output_name(f"b{ending}") == f"b{ending}"
    Image.open(folder / "a.jpg").save(folder / f"b{ending}", name)
    Image.open(folder / "a.jpg").save(folder / "c.jfif", "JPEG")
    rows = rows_of(folder, checker, tmp_path)
    assert set(rows.values()) == {("done", "")}
    marked = tmp_path / "marked" / f"b{ending}"
    assert kinds.kind_of(marked.read_bytes()) == name
    assert checker.extract(marked, search="none").message == MESSAGE
    assert read_photo(tmp_path / "marked" / "c.jfif").pixels.shape == (256, 320, 3)


def test_pipes_among_several_are_refused_before_the_work(folder):
    os.mkfifo(folder / "p.jpg")
    with pytest.raises(ValueError, match="p.jpg is a pipe: expected a file"):
        find_photos([folder / "a.jpg", folder / "p.jpg"])
