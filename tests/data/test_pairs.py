import itertools

import numpy as np
import pytest
from PIL import Image

from tfwm.data import (
    CropStream,
    all_pairs,
    pair_dataset,
    read_photos,
    task_crops,
)
from tfwm.data.tasks import BoneSuppression, Colorize, Denoise, Derain, Paired

RAMPS = (np.arange(40)[:, None, None, None] * 6 + np.arange(8)[None, None, :, None]).astype("uint8")
RAMPS = RAMPS.repeat(8, axis=1)
NOISE = Denoise(channels=1, stddev=0.001)


def take(dataset, batches):
    return [
        {key: value.numpy() for key, value in batch.items()}
        for batch in itertools.islice(dataset, batches)
    ]


def pairs_of(crops, task, batch_size, first_step=0, seed=0):
    stream = CropStream(crops, crops.shape[1], batch_size, mirror="left-right", seed=seed)
    return pair_dataset(stream, task, first_step)


def numbers(batches):
    """Which crops these are."""
    return [int(n) for batch in batches for n in np.round(batch["target"][:, 0].min((1, 2)) * 42.5)]


def test_every_crop_comes_once_an_epoch_in_another_order_with_other_noise():
    batches = take(pairs_of(RAMPS, NOISE, 8, seed=3), 10)
    found = numbers(batches)
    assert sorted(found[:40]) == sorted(found[40:]) == list(range(40))
    assert found[:40] != found[40:] and found[:40] != list(range(40))
    noises = np.concatenate([batch["input"] - batch["target"] for batch in batches])
    first, second = noises[found.index(17)], noises[40 + found[40:].index(17)]
    assert np.abs(first - second).mean() > 5e-4


def test_goes_on_where_it_was():
    whole = take(pairs_of(RAMPS, NOISE, 8, seed=3), 8)
    rest = take(pairs_of(RAMPS, NOISE, 8, 3, seed=3), 5)
    for batch, again in zip(whole[3:], rest, strict=True):
        for key in ("input", "target"):
            np.testing.assert_array_equal(batch[key], again[key])
    other = take(pairs_of(RAMPS, NOISE, 8, seed=4), 1)
    assert numbers(other) != numbers(whole[:1])


def test_once_in_order_is_the_same_each_time():
    (first, targets), (second, _) = (all_pairs(RAMPS, NOISE) for _ in range(2))
    assert numbers([{"target": targets}]) == list(range(40))
    np.testing.assert_array_equal(first, second)
    assert (targets[:, 0, 0] <= targets[:, 0, 7]).all()


def test_mirrors_about_half_and_both_images_alike():
    batches = take(pairs_of(RAMPS, NOISE, 40), 3)
    targets = np.concatenate([batch["target"] for batch in batches])
    rising = targets[:, 0, 0, 0] < targets[:, 0, 7, 0]
    assert 0.3 < rising.mean() < 0.7
    difference = np.concatenate([batch["input"] for batch in batches]) - targets
    assert np.abs(difference).max() < 0.01  # a mirrored ramp would differ by 7 / 255


def test_crops_of_sources(tmp_path):
    task = Derain()
    crops = task_crops(["bundled:train"], task, 64, seed=1, per_photo=3)
    assert crops.shape == (21, 64, 64, 3) and crops.dtype == np.uint8
    np.testing.assert_array_equal(crops, task_crops("bundled:train", task, 64, 1, per_photo=3))
    Image.fromarray(crops[0]).save(tmp_path / "one.png")
    both = task_crops([str(tmp_path), tmp_path], task, 64)
    np.testing.assert_array_equal(both, crops[[0, 0]])
    batch = next(iter(pairs_of(crops, task, 4)))
    assert batch["input"].shape == (4, 64, 64, 3)


def test_parts_share_no_photo():
    photos = [np.full((16, 16, 1), i, np.uint8) for i in range(10)]
    parts = [(0, 0.4), (0.4, 0.8), (0.8, 1)]
    found = [task_crops(photos, NOISE, 16, part=part)[:, 0, 0, 0].tolist() for part in parts]
    assert found == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    with pytest.raises(ValueError, match="none in part="):
        task_crops(photos, NOISE, 16, part=(0.5, 0.5))
    with pytest.raises(ValueError, match="Colorize takes photos of 3 channels. Received: 1"):
        task_crops(photos, Colorize(), 16)


def test_whole_photos_are_squeezed():
    photos = read_photos("bundled:test", 1)
    crops = task_crops("bundled:test", BoneSuppression(), 64, whole=True)
    expected = Image.fromarray(photos[0][..., 0]).resize((64, 64), Image.BICUBIC)
    assert crops.shape == (4, 64, 64, 1)
    np.testing.assert_array_equal(crops[0, ..., 0], expected)


@pytest.fixture
def scene():
    """An edge map and its photo, uint8."""
    colour = read_photos("bundled:train")[1][:120, :160]
    return np.where(colour[..., 0] > 90, 255, 0).astype(np.uint8), colour


def test_pairs_in_two_folders(tmp_path, scene):
    edges, colour = scene
    for part, image, suffix in (("input", edges, "png"), ("target", colour, "bmp")):
        (tmp_path / part / "deep").mkdir(parents=True)
        Image.fromarray(image).save(tmp_path / part / f"a.{suffix}")
        Image.fromarray(image[::-1]).save(tmp_path / part / "deep" / f"a.{suffix}")
    pairs = Paired(1, 3).read(tmp_path)
    assert len(pairs) == 2
    np.testing.assert_array_equal(pairs[0], np.dstack([edges, colour]))
    np.testing.assert_array_equal(pairs[1], np.dstack([edges, colour])[::-1])
    back = Paired(3, 1, reverse=True).read(tmp_path)
    np.testing.assert_array_equal(back[0], np.dstack([colour, edges]))


def test_pairs_side_by_side_stay_aligned(tmp_path, scene):
    edges, colour = scene
    Image.fromarray(np.hstack([colour, edges[..., None].repeat(3, -1)])).save(tmp_path / "1.png")
    pairs = Paired(1, 3, "side_by_side", reverse=True).read(tmp_path)
    np.testing.assert_array_equal(pairs[0], np.dstack([edges, colour]))
    task = Paired(channels_in=1, layout="side_by_side", reverse=True)
    for crops in (task_crops(tmp_path, task, 32), task_crops(tmp_path, task, 120, whole=True)):
        assert crops.shape[-1] == 4
    batch = next(iter(pairs_of(task_crops(tmp_path, task, 32, per_photo=20), task, 20)))
    red = batch["target"][..., :1]
    np.testing.assert_array_equal(batch["input"], np.where(red > 90.5 / 255, 1.0, 0.0))


def test_pairs_that_do_not_fit(tmp_path, scene):
    edges, colour = scene
    with pytest.raises(FileNotFoundError, match="input, no such folder"):
        Paired().read(tmp_path)
    for part in ("input", "target"):
        (tmp_path / part).mkdir()
        Image.fromarray(edges).save(tmp_path / part / "a.png")
        Image.fromarray(edges).save(tmp_path / part / "b.png")
    (tmp_path / "input" / "b.png").write_bytes(b"")
    with pytest.warns(UserWarning, match="b"):
        assert len(Paired().read(tmp_path)) == 1
    Image.fromarray(edges[:50]).save(tmp_path / "target" / "a.png")
    with pytest.raises(ValueError, match="a, 160 x 120 and 160 x 50"):
        Paired().read(tmp_path)
    (tmp_path / "input" / "a.png").unlink()
    with pytest.raises(ValueError, match="1 in one of them only, such as a"):
        Paired().read(tmp_path)
    with pytest.raises(ValueError, match="odd 161 pixels"):
        (tmp_path / "odd").mkdir()
        Image.new("L", (161, 20)).save(tmp_path / "odd" / "x.png")
        Paired(layout="side_by_side").read(tmp_path / "odd")
    (tmp_path / "odd" / "x.png").write_bytes(b"")
    with pytest.warns(UserWarning), pytest.raises(FileNotFoundError, match="readable pairs"):
        Paired(layout="side_by_side").read(tmp_path / "odd")
