"""Streams of crops: a batch is a function of photos, seed and number; what is left out is told."""

import warnings

import numpy as np
import pytest
from PIL import Image

from tfwm.data import CropStream, open_photos, write_shards
from tfwm.data import stream as module

PATCHES = np.arange(40, dtype=np.uint8).repeat(16).reshape(40, 4, 4, 1)


def take(stream, count, first_step=0):
    return [batch for batch, _ in zip(stream.batches(first_step), range(count), strict=False)]


def values(stream, count):
    return np.concatenate(take(stream, count))[:, 0, 0, 0].tolist()


@pytest.fixture
def folder(tmp_path, photo):
    """Ten photos of different sizes, one sideways, two too small, three that cannot be read."""
    folder = tmp_path / "photos"
    folder.mkdir()
    pixels = np.uint8(photo[0] * 255)
    for number in range(10):
        image = Image.fromarray(np.roll(pixels, 17 * number, 1)[:, : 60 + 10 * number])
        image.save(folder / f"{number}.png")
    for name in "ab":
        Image.fromarray(pixels[:20, :20]).save(folder / f"{name}.png")
    for name in "cde":
        (folder / f"{name}.jpg").write_bytes(b"\xff\xd8\xff no photo")
    return folder


def test_every_patch_comes_once_a_pass_in_another_order():
    found = values(CropStream(PATCHES, 4, 8, seed=1), 10)
    assert sorted(found[:40]) == sorted(found[40:]) == list(range(40))
    assert found[:40] != found[40:]
    assert found == values(CropStream(PATCHES, 4, 8, seed=1), 10)
    assert found != values(CropStream(PATCHES, 4, 8, seed=2), 10)


def test_crops_are_parts_of_photos_anew_in_each_pass():
    photo = np.arange(48 * 56, dtype=np.uint16).reshape(48, 56, 1)
    stream = CropStream(photo[None].view(np.uint8)[..., :1], 32, 4, mirror="none")
    assert stream.per_photo == 2
    places = set()
    for crop in np.concatenate(take(stream, 20)):
        matches = [
            (y, x)
            for y in range(17)
            for x in range(25)
            if (photo.view(np.uint8)[y : y + 32, x : x + 32, :1] == crop).all()
        ]
        assert matches
        places.update(matches[:1])
    assert len(places) > 40


def test_each_crop_is_mirrored_by_itself():
    ramp = np.add.outer(10 * np.arange(4), np.arange(4)).astype(np.uint8)[None, ..., None]
    crops = np.concatenate(take(CropStream(ramp, 4, 16, mirror="both"), 4))
    assert len({crop.tobytes() for crop in crops[:16]}) == 4
    crops = np.concatenate(take(CropStream(ramp, 4, 16, mirror="left-right"), 4))
    assert {crop[0, 0, 0] for crop in crops} == {0, 3}
    assert {crop.tobytes() for crop in take(CropStream(ramp, 4, 16, mirror="none"), 1)[0]} == {
        ramp.tobytes()
    }


def test_goes_on_at_any_step_over_pools_and_passes(folder, monkeypatch):
    monkeypatch.setattr(module, "POOL_PHOTOS", 4)
    streams = [
        lambda: CropStream(str(folder), 32, 7, per_photo=3, seed=5),
        lambda: CropStream(str(folder), 32, 7, per_photo=3, whole=True, channels=1),
    ]
    for make in streams:
        whole = take(make(), 20)
        for step in (0, 1, 6, 13):
            np.testing.assert_array_equal(take(make(), 20 - step, step), whole[step:])


def test_what_cannot_be_used_is_counted_and_told_once(folder, monkeypatch):
    monkeypatch.setattr(module, "CACHE_BYTES", 0)  # photos are read again, and counted once
    stream = CropStream(str(folder), 32, 15, per_photo=1)
    crops = np.concatenate(take(stream, 2))
    assert crops.shape == (30, 32, 32, 3) and (crops.std(axis=(1, 2, 3)) > 0).all()
    assert len(stream.skipped) == 5
    reasons = sorted(stream.skipped.values())
    assert "smaller than 32 x 32" in reasons[-1] and any("c.jpg" in reason for reason in reasons)
    with pytest.warns(UserWarning, match="5 of 15 photos were left out so far.*the first is"):
        stream.tell_skipped()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stream.tell_skipped()


def test_no_photo_that_can_be_used(tmp_path, folder):
    with pytest.raises(ValueError, match="at least 900 x 900 pixels"):
        CropStream(str(folder), 900, 4)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.png").write_bytes(b"none")
    with pytest.raises(FileNotFoundError, match="1 files, none could be read"):
        CropStream(str(tmp_path / "bad"), 8, 4)
    with pytest.raises(ValueError, match="mirror='up'"):
        CropStream(PATCHES, 4, 8, mirror="up")


def test_orientation_is_applied(tmp_path):
    image = Image.fromarray(np.repeat(np.arange(64, dtype=np.uint8)[:, None], 40, 1))
    exif = image.getexif()
    exif[0x0112] = 6  # upright after a quarter turn
    image.save(tmp_path / "a.png", exif=exif)
    crop = take(CropStream(str(tmp_path), 40, 1, channels=1, mirror="none"), 1)[0][0, ..., 0]
    assert (np.ptp(crop, axis=0) == 0).all() and np.ptp(crop) == 39


def test_memory_is_bounded_by_pools_and_cache(folder, monkeypatch):
    monkeypatch.setattr(module, "POOL_BYTES", 6 * 32 * 32 * 3)
    monkeypatch.setattr(module, "CACHE_BYTES", 60_000)
    stream = CropStream(str(folder), 32, 4, per_photo=2)
    assert stream.pool_photos == 3
    take(stream, 10)
    assert sum(photo.nbytes for photo in stream._cache.values()) <= 60_000


def test_workers_share_the_photos():
    found = [set(values(CropStream(PATCHES, 4, 8, worker=(i, 2)), 5)) for i in range(2)]
    assert found == [set(range(0, 40, 2)), set(range(1, 40, 2))]
    stream = CropStream(PATCHES, 4, 8, worker=(1, 2))
    whole = np.concatenate(take(stream, 6))  # each step takes half a batch
    np.testing.assert_array_equal(np.concatenate(take(stream, 2, first_step=3)), whole[12:28])


def test_data_set_of_floats(folder):
    batch = next(iter(CropStream(str(folder), 32, 4, channels=1).dataset()))
    assert batch.shape == (4, 32, 32, 1) and batch.dtype == "float32"
    assert 0 <= float(np.min(batch)) < float(np.max(batch)) <= 1


def test_shards_hold_the_files(folder, tmp_path):
    pytest.importorskip("array_record")
    for name in "cde":
        (folder / f"{name}.jpg").unlink()
    assert write_shards(folder, tmp_path / "shards", photos_per_shard=5) == 12
    assert len(list((tmp_path / "shards").iterdir())) == 3
    files, shards = open_photos(folder), open_photos(tmp_path / "shards")
    for a, b in zip(files, shards, strict=True):
        np.testing.assert_array_equal(a, b)
    a, b = (take(CropStream(str(f), 32, 5), 5) for f in (folder, tmp_path / "shards"))
    np.testing.assert_array_equal(a, b)
    with pytest.raises(FileExistsError, match="it is kept"):
        write_shards(folder, tmp_path / "shards")
