import numpy as np
import pytest
from PIL import Image

from tfwm.data import bundled_photos, folder_photos, list_photos


def save(array, path):
    Image.fromarray(array).save(path)


def test_folder_is_read_in_order_and_converted(tmp_path):
    red = np.zeros((20, 30, 3), np.uint8)
    red[..., 0] = 255
    save(red, tmp_path / "b.png")
    (tmp_path / "deep").mkdir()
    save(np.full((10, 10), 7, np.uint8), tmp_path / "deep" / "c.png")
    save(np.full((10, 10), 3, np.uint8), tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("no photo")
    gray = folder_photos(tmp_path)
    assert [photo.shape for photo in gray] == [(10, 10, 1), (20, 30, 1), (10, 10, 1)]
    assert [int(photo[0, 0, 0]) for photo in gray] == [3, 76, 7]  # BT.601 luma of red is 76
    assert folder_photos(tmp_path, "RGB")[1].shape == (20, 30, 3)


def test_damaged_photo_is_skipped_with_a_warning(tmp_path, caplog):
    save(np.zeros((8, 8), np.uint8), tmp_path / "good.png")
    whole = (tmp_path / "good.png").read_bytes()
    (tmp_path / "bad.png").write_bytes(whole[: len(whole) // 2])
    assert len(folder_photos(tmp_path)) == 1
    assert "bad.png" in caplog.text


def test_folders_without_photos(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        list_photos(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="has none"):
        list_photos(tmp_path)
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match="none could be read"):
        folder_photos(tmp_path)


def test_bundled_photos_are_real_and_split():
    train, test = bundled_photos("train"), bundled_photos("test")
    assert len(train) == 7 and len(test) == 4
    assert all(photo.dtype == np.uint8 and photo.std() > 5 for photo in train + test)
    assert len(bundled_photos("all")) == 11
    assert bundled_photos("train", "RGB")[0].shape[2] == 3
    with pytest.raises(ValueError, match="split='val'"):
        bundled_photos("val")


def test_tfds_photos(monkeypatch):
    """The real loader, on a data set made here: nothing is downloaded."""
    import tensorflow_datasets as tfds

    from tfwm.data import tfds_photos

    with tfds.testing.mock_data(num_examples=3):
        pytest.importorskip("tensorflow_datasets.image_classification")
        photos = list(tfds_photos("cifar10", limit=2))
    assert [photo.shape for photo in photos] == [(32, 32, 1)] * 2
