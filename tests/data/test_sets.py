import io
import tarfile
import zipfile

import pytest
from PIL import Image

from tfwm.data import list_photos
from tfwm.data.sets import SETS, prepare


def picture():
    file = io.BytesIO()
    Image.new("RGB", (8, 6)).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture
def bsds(tmp_path):
    """A small archive that looks like BSDS500's."""
    path = tmp_path / "BSR_bsds500.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for part, count in (("train", 2), ("val", 1), ("test", 3)):
            for i in range(count):
                info = tarfile.TarInfo(f"BSR/BSDS500/data/images/{part}/{i}.jpg")
                info.size = len(picture())
                archive.addfile(info, io.BytesIO(picture()))
        archive.addfile(tarfile.TarInfo("BSR/BSDS500/data/images/test/../../../../x.txt"))
    return path


def test_archive_becomes_folders_of_photos(bsds, tmp_path):
    counts = prepare("bsds500", tmp_path / "photos", bsds)
    folder = tmp_path / "photos" / "bsds500"
    assert counts == {folder / "train": 2, folder / "val": 1, folder / "test": 3}
    assert len(list_photos(folder / "test")) == 3
    assert "Arbelaez" in (folder / "SOURCE.txt").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"photos", bsds.name}
    with pytest.raises(FileExistsError, match="it is kept"):
        prepare("bsds500", tmp_path / "photos", bsds)


def test_zip(tmp_path):
    path = tmp_path / "mirflickr25k.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mirflickr/im1.jpg", picture())
        archive.writestr("mirflickr/doc/readme.txt", "x")
    assert prepare("mirflickr25k", tmp_path, path) == {tmp_path / "mirflickr25k": 1}


def test_what_cannot_be_prepared(tmp_path, monkeypatch, bsds):
    def unreachable(*_, **__):
        raise OSError("Network is unreachable")

    monkeypatch.setattr("urllib.request.urlopen", unreachable)
    hint = "Download BSR_bsds500.tgz from https://.*tfwm data bsds500 --from BSR_bsds500.tgz"
    with pytest.raises(FileNotFoundError, match=hint):
        prepare("bsds500", tmp_path / "photos")
    with pytest.raises(FileNotFoundError, match=r"by a program\. Download images_001"):
        prepare("chestxray8", tmp_path / "photos")
    with pytest.raises(ValueError, match="did you mean 'bsds500'"):
        prepare("bsds", tmp_path)
    with pytest.raises(FileNotFoundError, match="no file"):
        prepare("bsds500", tmp_path, tmp_path / "none.tgz")
    with pytest.raises(ValueError, match="without files for photos"):
        prepare("mirflickr25k", tmp_path, bsds)
    (tmp_path / "half.tgz").write_bytes(bsds.read_bytes()[:200])
    with pytest.raises(ValueError, match="no whole archive"):
        prepare("bsds500", tmp_path, tmp_path / "half.tgz")
    assert not (tmp_path / "bsds500").exists() and not (tmp_path / "photos" / "bsds500").exists()


def test_sets_say_where_they_come_from():
    for one in SETS.values():
        assert one.page.startswith("https://") and one.terms and one.archive and one.folders
