import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm.images import ImageError
from tfwm.models import barrier as models
from tfwm.protection import Barrier, protect_files, read_files


@pytest.fixture
def barrier(barrier):
    """Its change is a visible one."""
    barrier.embedder.get_layer("up1").bias.assign([0.3, 0.3, -0.2])
    return barrier


@pytest.fixture
def folder(tmp_path):
    """Color with EXIF, gray of 16 bits, color with transparency, and one in a sub-folder."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    photo = Image.fromarray(data.astronaut()[:100, :151])
    exif = Image.Exif()
    exif[0x013B] = "Ada Lovelace"
    photo.save(folder / "a.jpg", quality=95, exif=exif)
    Image.fromarray(data.camera()[:64, :90].astype(np.uint16) * 257).save(folder / "deep.png")
    photo.putalpha(Image.linear_gradient("L").resize(photo.size))
    photo.save(folder / "clear.png")
    photo.convert("L").save(folder / "sub" / "gray.bmp")
    (folder / "notes.txt").write_text("no image")
    return folder


def test_folder_keeps_what_its_images_are(barrier, folder, tmp_path):
    out, told = tmp_path / "out", []
    rows = protect_files(barrier, [folder], out, progress=lambda *said: told.append(said))
    assert [row["status"] for row in rows].count("done") == 4
    assert told[-1][0] == 1 and len(told) == 5
    (skipped,) = [row for row in rows if row["status"] == "skipped"]
    assert skipped["source"].endswith("notes.txt")
    files = sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())
    assert files == ["a.jpg", "clear.png", "deep.png", "sub/gray.png"]
    for name, mode in (("a.jpg", "RGB"), ("clear.png", "RGBA"), ("deep.png", "I;16")):
        before, after = Image.open(folder / name), Image.open(out / name)
        assert (after.mode, after.size, after.format) == (mode, before.size, before.format)
    assert Image.open(out / "a.jpg").getexif()[0x013B] == "Ada Lovelace"
    alphas = [np.asarray(Image.open(root / "clear.png"))[..., 3] for root in (folder, out)]
    np.testing.assert_array_equal(*alphas)
    for row in rows:
        if row["status"] == "done":
            assert 25 < row["psnr"] < 40 and -1 <= row["similarity"] <= 1


def test_pixels_are_those_of_the_barrier(barrier, folder, tmp_path):
    protect_files(barrier, [folder / "clear.png"], tmp_path / "one.png")
    before = np.asarray(Image.open(folder / "clear.png"))[..., :3]
    expected = np.round(255 * barrier.mark(before[None])[0])
    after = np.asarray(Image.open(tmp_path / "one.png"))[..., :3]
    np.testing.assert_allclose(after, expected, atol=1)
    assert np.abs(after - before.astype(int)).mean() > 3


def test_strength_scales_the_change(barrier, folder, tmp_path):
    rows = [
        protect_files(barrier, [folder / "deep.png"], tmp_path / f"{s}.png", strength=s)[0]
        for s in (1.0, 2.0)
    ]
    assert rows[0]["psnr"] - rows[1]["psnr"] == pytest.approx(20 * np.log10(2), abs=0.3)


def test_gray_barriers_mark_the_luminance_of_colors(folder, tmp_path):
    embedder = models.build_embedder(1, 1, width=4, depth=2, residual_limit=0.1)
    extractor = models.build_extractor(1, 1, width=4, dilations=(1,), output="sigmoid")
    embedder.get_layer("up1").bias.assign([0.3])
    barrier = Barrier(embedder, extractor, np.random.default_rng(0).random((32, 32, 1)))
    assert barrier.channels == 1
    protect_files(barrier, [folder / "clear.png"], tmp_path / "one.png")
    before, after = (
        np.asarray(Image.open(path))[..., :3].astype(int)
        for path in (folder / "clear.png", tmp_path / "one.png")
    )
    change = (after - before)[(before.min(-1) > 30) & (before.max(-1) < 225)]
    assert np.ptp(change, axis=-1).max() == 0 and change.mean() > 5


def test_second_run_goes_on(barrier, folder, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.jpg").write_bytes(b"mine")
    sources = [folder / "a.jpg", folder / "deep.png"]
    rows = protect_files(barrier, sources, tmp_path / "out")
    assert [row["status"] for row in rows] == ["skipped", "done"]
    assert (tmp_path / "out" / "a.jpg").read_bytes() == b"mine"
    rows = protect_files(barrier, sources, tmp_path / "out", overwrite=True)
    assert [row["status"] for row in rows] == ["done", "done"]
    assert Image.open(tmp_path / "out" / "a.jpg").format == "JPEG"


def test_one_failure_does_not_stop_the_rest(barrier, folder, tmp_path):
    (folder / "bad.png").write_bytes(b"bad")
    rows = protect_files(barrier, [folder], tmp_path / "out")
    failed = [row for row in rows if row["status"] == "failed"]
    assert len(failed) == 1 and "is not an image" in failed[0]["error"]
    assert not (tmp_path / "out" / "bad.png").exists()
    assert not list((tmp_path / "out").rglob("*.part"))


def test_read_files_writes_what_is_read(barrier, folder, tmp_path):
    rows = read_files(barrier, [folder], tmp_path / "read")
    done = [row for row in rows if row["status"] == "done"]
    assert len(done) == 4 and (tmp_path / "read" / "sub" / "gray.png").is_file()
    picture = np.asarray(Image.open(tmp_path / "read" / "a.png"))
    image = np.asarray(Image.open(folder / "a.jpg"))
    expected = np.round(255 * barrier.read(image[None])[0, ..., 0])
    np.testing.assert_allclose(picture, expected, atol=1)
    (row,) = read_files(barrier, [folder / "a.jpg"], tmp_path / "one.png")
    (similarity,) = barrier.similarity(image[None])
    assert row["similarity"] == pytest.approx(float(similarity), abs=1e-4)


@pytest.mark.parametrize(
    "names, output, arguments, message",
    [
        ([""], "photos", {}, "choose another one"),
        ([""], "photos/marked", {}, "choose another one"),
        (["a.jpg"], "one.xyz", {}, "no ending that is known"),
        (["a.jpg"], "one.png", {"quality": 90}, "JPEG, AVIF, WebP and HEIC"),
        (["a.jpg"], "one.png", {"file_format": "png"}, "goes with a folder"),
        (["clear.png", "deep.png"], "out", {"quality": 90}, "none of the outputs"),
        (["a.jpg"], "photos/a.jpg", {"overwrite": True}, "one of the photos"),
        (["sub", "a.jpg"], "out", {}, "not both"),
        (["none.jpg"], "out.png", {}, "does not exist"),
    ],
)
def test_what_cannot_be_done(barrier, folder, tmp_path, names, output, arguments, message):
    before = sorted(tmp_path.rglob("*"))
    sources = [folder / name for name in names]
    with pytest.raises(ValueError, match=message):
        protect_files(barrier, sources, tmp_path / output, **arguments)
    assert sorted(tmp_path.rglob("*")) == before


def test_existing_files_are_kept(barrier, folder, tmp_path):
    (tmp_path / "one.png").write_bytes(b"mine")
    with pytest.raises(ImageError, match="exists"):
        protect_files(barrier, [folder / "a.jpg"], tmp_path / "one.png")
    assert (tmp_path / "one.png").read_bytes() == b"mine"
