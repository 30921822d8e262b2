import json

import numpy as np
import pytest
from PIL import Image


class StripeBarrier:
    """Tells images with stripes, which it calls marked."""

    name = "stripes"
    channels = 1
    watermark = np.eye(16, dtype="float32")[..., None]

    def look(self, images):
        return np.asarray(images)

    def read(self, images):
        return self.read_seen(self.look(images))

    def read_seen(self, images):
        return np.stack([self._read_one(image) for image in images])

    def _read_one(self, image):
        marked = np.abs(np.diff(image[:, 0, 0])).mean() > 0.1
        noise = np.random.default_rng(int(1e6 * image.mean())).random((16, 16, 1))
        return np.float32(self.watermark if marked else noise)


@pytest.fixture
def barrier(monkeypatch):
    """Lets commands load a barrier without networks; returns its name."""
    monkeypatch.setattr("tfwm.protection.load_barrier", lambda name: StripeBarrier())
    monkeypatch.setattr("tfwm.cli.barrier.start_for", lambda *_, **__: None)
    return "stripes"


@pytest.fixture
def folders(tmp_path):
    """Folders of images, with stripes and without."""
    for name, step in (("found", 100), ("others", 0)):
        (tmp_path / name).mkdir()
        for i in range(12):
            pixels = np.full((20, 30), 100 + i, np.uint8)
            pixels[::2] += np.uint8(step)
            Image.fromarray(pixels).save(tmp_path / name / f"{i:02d}.png")
    return tmp_path / "found", tmp_path / "others"


def test_prove(run, barrier, folders):
    found, others = folders
    code, out, err = run("barrier", "prove", found, "--unmarked", others, "--barrier", barrier)
    assert code == 0 and "carry the mark" in out and err == ""
    assert "12 images, 12 unmarked" in out and "100 %, of the unmarked 0 %" in out
    rest = sorted(others.iterdir())
    moved = others.with_name("more")
    moved.mkdir()
    for path in rest[:6]:
        path.rename(moved / path.name)
    arguments = ["barrier", "prove", moved, "--unmarked", others, "--barrier", barrier, "--json"]
    code, out, _ = run(*arguments)
    result = json.loads(out)
    assert code == 1 and result["proven"] is False and result["images"] == 6
    assert result["false_positive_rate"] == 1e-3 and result["barrier"] == "stripes"


def test_prove_tells_what_few_images_can_show(run, barrier, folders):
    found, others = folders
    suspect = found / "00.png"
    code, out, err = run("barrier", "prove", suspect, "--unmarked", others, "--barrier", barrier)
    assert code == 1 and "no proof" in out and err.startswith("tfwm: note: 1 suspected")


def test_read(run, barrier, folders, tmp_path):
    found, others = folders
    out_folder = tmp_path / "read"
    code, out, err = run("barrier", "read", found, "-o", out_folder, "--barrier", barrier)
    assert (code, err) == (0, "") and len(list(out_folder.iterdir())) == 12
    assert out.splitlines()[-1].startswith("12 done, 0 skipped, 0 failed")
    picture = np.asarray(Image.open(out_folder / "00.png"))
    np.testing.assert_array_equal(picture, 255 * np.eye(16))
    one = tmp_path / "one.png"
    arguments = ["barrier", "read", others / "00.png", "-o", one, "--barrier", barrier, "--json"]
    result = json.loads(run(*arguments)[1])
    assert result["done"] == 1 and abs(result["files"][0]["similarity"]) < 0.5
    assert "exists" in run(*arguments)[2] and run(*arguments, "--overwrite")[0] == 0


def test_protect(run, monkeypatch, tmp_path, photos):
    from tfwm.models import barrier as models
    from tfwm.protection import Barrier

    embedder = models.build_embedder(3, 1, width=4, depth=2, residual_limit=0.1)
    extractor = models.build_extractor(3, 1, width=4, dilations=(1,), output="sigmoid")
    barrier = Barrier(embedder, extractor, np.random.default_rng(0).random((32, 32, 1)))
    monkeypatch.setattr("tfwm.protection.load_barrier", lambda name: barrier)
    monkeypatch.setattr("tfwm.cli.barrier.start_for", lambda *_, **__: None)
    out_folder = tmp_path / "out"
    arguments = ["barrier", "protect", photos, "-o", out_folder, "--barrier", "mine"]
    code, out, err = run(*arguments)
    assert (code, err) == (0, "") and out.startswith("3 done, 0 skipped, 0 failed")
    assert " dB, similarity " in out and (out_folder / "sub" / "c.png").is_file()
    (photos / "bad.png").write_bytes(b"bad")
    code, out, err = run(*arguments, "--strength", 2, "--json")
    result = json.loads(out)
    assert code == 2 and (result["done"], result["skipped"], result["failed"]) == (0, 3, 1)
    assert "not an image" in err


def test_what_is_wrong_is_said(fails, folders, barrier, tmp_path):
    found, others = folders
    prove = ["barrier", "prove", found, "--barrier", barrier]
    assert "--unmarked" in fails(*prove)
    assert "does not exist" in fails(*prove, "--unmarked", tmp_path / "nowhere")
    assert "between 0 and 1" in fails(*prove, "--unmarked", others, "--false-positive-rate", "2")
    assert "both" in fails(*prove, "--unmarked", found)
    assert "required: COMMAND" in fails("barrier")
    protect = ["barrier", "protect", found / "00.png", "-o", tmp_path / "a.png"]
    assert "--barrier" in fails(*protect)
    assert "strength above 0" in fails(*protect, "--barrier", barrier, "--strength", "0")


def test_networks_that_are_no_barriers(fails, folders, tmp_path):
    found, others = folders
    arguments = ["barrier", "read", found, "-o", tmp_path / "out", "--barrier"]
    assert "Unknown network" in fails(*arguments, "nosuch")
    assert "Expected a barrier" in fails(*arguments, "redmark-mt")


def test_help_teaches(run):
    for name in ("protect", "read", "prove"):
        code, out, _ = run("barrier", name, "--help")
        assert code == 0 and f"  tfwm barrier {name} " in out.partition("examples:")[2]
