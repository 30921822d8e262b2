import numpy as np
import pytest
from PIL import Image

from tfwm.evaluation import Photos


def save(folder, name, image):
    Image.fromarray(image).save(folder / name)


def test_folder(tmp_path):
    test = tmp_path / "set" / "test"
    test.mkdir(parents=True)
    save(test, "b.png", np.full((40, 50, 3), (255, 0, 0), np.uint8))
    save(test, "a.png", np.full((40, 50), 7, np.uint8))
    save(test, "c.png", np.full((40, 50), 65535, np.uint16))
    gray = Photos.of(test)
    assert gray.name == "set-test" and gray.names == ["a", "b", "c"] and gray.skipped == 0
    assert [int(image.max()) for image in gray.images] == [7, 76, 255]
    color = Photos.of(test, color=True)
    assert color.images[0].shape == (40, 50, 3)
    assert len(Photos.of(test, limit=2).images) == 2


def test_truncated_file_is_skipped_and_counted(tmp_path):
    save(tmp_path, "good.png", np.zeros((40, 40), np.uint8))
    save(tmp_path, "bad.jpg", np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8))
    whole = (tmp_path / "bad.jpg").read_bytes()
    (tmp_path / "bad.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.warns(UserWarning, match=r"bad\.jpg"):
        photos = Photos.of(tmp_path)
    assert photos.names == ["good"] and photos.skipped == 1


def test_nothing_to_read(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        Photos.of(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="none"):
        Photos.of(tmp_path)
    (tmp_path / "a.png").write_bytes(b"")
    with (
        pytest.warns(UserWarning, match="empty"),
        pytest.raises(FileNotFoundError, match="1 files"),
    ):
        Photos.of(tmp_path)
    with pytest.raises(ValueError, match="at least one image"):
        Photos.of([])
    with pytest.raises(ValueError, match="float64"):
        Photos.of([np.zeros((8, 8))])
    with pytest.raises(ValueError, match="limit=0"):
        Photos.of(tmp_path, limit=0)


def test_bundled():
    photos = Photos.of("bundled:test")
    assert len(photos.images) == 4 and photos.images[0].shape == (512, 512)


def test_limit_of_bundled_photos():
    photos = Photos.of("bundled:test", limit=1)
    assert photos.name == "bundled-test" and len(photos.images) == len(photos.names) == 1
    assert len(Photos.of("bundled:test").images) == 4
    with pytest.raises(ValueError, match="limit=0"):
        Photos.of("bundled:test", limit=0)
