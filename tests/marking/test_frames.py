"""Animations are marked in all frames, and read from any."""

import io
import json

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tfwm.batch.folders import check_folder, embed_folder, extract_folder
from tfwm.images import Animation, ImageError, read_any

MESSAGE = "(c) Ada Lovelace"
DURATIONS = [100, 40, 250, 70]


def save(path, frames, **options):
    if path.suffix == ".webp":
        options["lossless"] = True
    images = [Image.fromarray(frame) for frame in frames]
    options = {"duration": DURATIONS[: len(frames)], "loop": 0, **options}
    images[0].save(path, save_all=True, append_images=images[1:], **options)
    return path


@pytest.fixture(scope="module")
def frames():
    cat = data.chelsea()
    return [cat[i : i + 256, 2 * i : 2 * i + 320] for i in (0, 10, 20, 30)]


@pytest.mark.parametrize("source, target", [("gif", "gif"), ("gif", "webp"), ("png", "png")])
def test_every_frame_reads(checker, tmp_path, frames, source, target):
    path = save(tmp_path / f"a.{source}", frames)
    seen = []
    report = checker.embed_file(
        path, tmp_path / f"b.{target}", MESSAGE, key="k", progress=lambda *told: seen.append(told)
    )
    assert report.margin >= 2 and 25 < report.psnr < 45
    assert {text for _, text in seen} >= {"frame 1 of 4", "frame 4 of 4"}
    marked = read_any(tmp_path / f"b.{target}")
    assert isinstance(marked, Animation) and marked.durations == DURATIONS
    for frame in marked.frames:
        assert checker.extract(frame, key="k", search="none").message == MESSAGE
    found = checker.extract(tmp_path / f"b.{target}", key="k", search="none")
    assert found.message == MESSAGE and found.decision == "present"
    assert checker.extract(path, key="k", search="none").decision == "absent"


def test_neighbors_that_are_alike_are_one_frame(checker, tmp_path, frames):
    path = save(tmp_path / "a.gif", [frames[0], frames[0], frames[1], frames[1]])
    checker.embed_file(path, tmp_path / "b.gif", MESSAGE)
    marked = read_any(tmp_path / "b.gif")
    assert sum(marked.durations) == sum(DURATIONS)
    assert checker.extract(marked, search="none").message == MESSAGE


@pytest.mark.slow
def test_flat_frames_are_told(checker, tmp_path, frames):
    white = np.full_like(frames[0], 255)  # what the checker adds is cut off there
    path = save(tmp_path / "a.png", [white, *frames[:2]])
    report = checker.embed_file(path, tmp_path / "b.png", MESSAGE)
    if report.notes:
        assert report.notes == ("1 of 3 frames are too flat or too small to be read alone",)
    tiny = save(tmp_path / "tiny.gif", [frame[:40, :40] for frame in frames])
    with pytest.raises(ImageError, match="0 of its 4 frames read with 2 times the signal"):
        checker.embed_file(tiny, tmp_path / "c.gif", MESSAGE)
    assert not (tmp_path / "c.gif").exists()


@pytest.mark.slow
def test_frames_that_are_too_faint_alone_read_together(checker, frames):
    """The votes of frames with different content and noise add up."""
    rng = np.random.default_rng(0)
    covers = [frame for frame in frames for _ in range(2)]
    marked = [checker.embed(cover, MESSAGE, key="k", strength=0.25) for cover in covers]
    noisy = [np.uint8(np.clip(m + rng.normal(0, 75, m.shape), 0, 255)) for m in marked]
    alone = [checker.extract(one, key="k", search="none") for one in noisy]
    animation = read_any(io.BytesIO(_webp(noisy)))
    together = checker.extract(animation, key="k", search="none")
    assert together.message == MESSAGE and {found.message for found in alone} == {None}
    assert together.p_value < 1e-20 < min(found.p_value for found in alone)
    assert checker.extract(animation, key="other", search="none").decision == "absent"


def _webp(frames):
    buffer = io.BytesIO()
    images = [Image.fromarray(frame) for frame in frames]
    images[0].save(buffer, "WEBP", save_all=True, append_images=images[1:], lossless=True)
    return buffer.getvalue()


def test_in_memory(checker, tmp_path, frames):
    path = save(tmp_path / "a.gif", frames[:2])
    animation = checker.embed(path, MESSAGE, key="k")
    assert isinstance(animation, Animation) and len(animation.frames) == 2
    assert checker.extract(animation.frames[1], key="k", search="none").message == MESSAGE
    marked = checker.embed_bytes(path.read_bytes(), MESSAGE, file_format="webp")
    assert read_any(marked).file_format == "WEBP" and len(read_any(marked).frames) == 2
    assert checker.check(path, MESSAGE).fits
    with pytest.raises(ImageError, match="JPEG holds one"):
        checker.embed_bytes(path.read_bytes(), MESSAGE, file_format="jpg")


def test_folder(checker, tmp_path, frames):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.gif", "b.webp", "c.png"):
        save(folder / name, frames[:2])
    Image.fromarray(frames[0]).save(folder / "still.gif")
    save(folder / "pages.tif", frames[:2])
    rows = embed_folder(checker, [folder], tmp_path / "out", MESSAGE)
    found = {row["file"]: (row["status"], row["error"]) for row in rows}
    assert "holds 2 frames or pages" in found.pop("pages.tif")[1]
    assert set(found.values()) == {("done", None)}, found
    assert len(read_any(tmp_path / "out" / "a.gif").frames) == 2
    read = extract_folder(checker, [tmp_path / "out"], search="none")
    assert [row["message"] for row in read if row["status"] == "done"] == [MESSAGE] * 4
    checked = check_folder(checker, [folder], MESSAGE)
    assert [row["fits"] for row in checked if row["status"] == "done"] == [True] * 4
    assert json.dumps([row["file"] for row in checked])
