import numpy as np
import pytest
from PIL import ExifTags, Image

from tfwm.data import list_photos, open_photos, read_photos
from tfwm.data.sources import read_source


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
    gray = read_photos(tmp_path, 1)
    assert [photo.shape for photo in gray] == [(10, 10, 1), (20, 30, 1), (10, 10, 1)]
    assert [int(photo[0, 0, 0]) for photo in gray] == [3, 76, 7]  # BT.601 luma of red is 76
    assert read_photos(tmp_path)[1].shape == (20, 30, 3)


def test_damaged_photo_is_skipped_with_a_warning(tmp_path):
    save(np.zeros((8, 8), np.uint8), tmp_path / "good.png")
    whole = (tmp_path / "good.png").read_bytes()
    (tmp_path / "bad.png").write_bytes(whole[: len(whole) // 2])
    with pytest.warns(UserWarning, match="bad.png"):
        photos = read_source(tmp_path, 1)
    assert len(photos.images) == 1 and photos.names == ["good"] and photos.skipped == 1


def test_folders_without_photos(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        list_photos(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="has none"):
        list_photos(tmp_path)
    (tmp_path / "empty.png").write_bytes(b"")
    with (
        pytest.warns(UserWarning, match="empty"),
        pytest.raises(FileNotFoundError, match="1 files, none could be read"),
    ):
        read_photos(tmp_path, 1)


def test_bundled_photos_are_real_and_split():
    train, test = read_photos("bundled:train", 1), read_photos("bundled:test", 1)
    assert len(train) == 7 and len(test) == 4
    assert all(photo.dtype == np.uint8 and photo.std() > 5 for photo in train + test)
    assert len(read_photos("bundled:all")) == 11
    assert read_photos("bundled:train")[0].shape[2] == 3
    with pytest.raises(ValueError, match="split='val'"):
        read_photos("bundled:val")


def test_kinds_of_sources(tmp_path):
    assert read_photos("bundled:test", 1)[0].shape == (512, 512, 1)
    assert len(read_photos("bundled")) == 7
    with pytest.raises(FileNotFoundError, match="no such folder"):
        read_photos("no/such/folder")
    save(np.full((20, 30), 9, np.uint8), tmp_path / "one.png")
    array = np.full((8, 9, 3), 5, np.uint8)
    photos = read_source([tmp_path, tmp_path / "one.png", array, "bundled:test"], 3, limit=4)
    assert [photo.shape for photo in photos.images][:3] == [(20, 30, 3), (20, 30, 3), (8, 9, 3)]
    assert photos.names == ["one", "one", "image 2", "test 0"]
    assert read_source(tmp_path / "one.png").name == "one"
    assert read_source(["bundled:test", tmp_path], 1).name == f"bundled-test+{tmp_path.name}"


def test_sources_that_cannot_be_read(tmp_path):
    with pytest.raises(ValueError, match="at least one image"):
        read_photos([])
    with pytest.raises(ValueError, match="float64"):
        read_photos([np.zeros((8, 8))])
    with pytest.raises(ValueError, match="limit=0"):
        read_photos("bundled:test", limit=0)
    with pytest.raises(ValueError, match="channels=2"):
        read_photos("bundled:test", 2)


def test_tensorflow_datasets():
    """The real loader, on a data set made here: nothing is downloaded."""
    import tensorflow_datasets as tfds

    with tfds.testing.mock_data(num_examples=3):
        pytest.importorskip("tensorflow_datasets.image_classification")
        photos = read_source("tfds:cifar10", 1, limit=2)
        assert [photo.shape for photo in read_photos("tfds:cifar10:test")] == [(32, 32, 3)] * 3
    assert [photo.shape for photo in photos.images] == [(32, 32, 1)] * 2
    assert photos.name == "cifar10"


def test_a_camera_photo_is_read_alike_in_training_and_evaluation(tmp_path):
    """A JPEG that says that it lies on its side, and a PNG of 16 bits."""
    from tfwm.data.tasks import Colorize
    from tfwm.evaluation import Photos
    from tfwm.images import read_photo

    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    picture = Image.fromarray(read_photos("bundled:train")[1][:200, :320])
    picture.save(tmp_path / "a.jpg", exif=exif)
    save(np.linspace(0, 65535, 20 * 30).reshape(20, 30).astype(np.uint16), tmp_path / "b.png")
    product = read_photo(tmp_path / "a.jpg").pixels
    measured = Photos.of(tmp_path, color=True).images
    for read in (read_photos(tmp_path), Colorize().read(tmp_path)):
        assert read[0].shape == (320, 200, 3)
        np.testing.assert_array_equal(read[0], product)
        for trained, evaluated in zip(read, measured, strict=True):
            np.testing.assert_array_equal(trained, evaluated)
    assert int(read[1].max()) == 255 and int(np.median(read[1])) in (127, 128)


@pytest.mark.slow
def test_a_data_set_of_tensorflow_datasets(tmp_path, monkeypatch):
    """Prepared on this disk, in any order, and upright."""
    tfds = pytest.importorskip("tensorflow_datasets")
    for number in range(5):
        image = Image.new("L", (40, 20 + number))
        exif = image.getexif()
        exif[0x0112] = 6
        image.save(tmp_path / f"{number}.jpg", exif=exif)

    class TinyPhotos(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            image = tfds.features.Image(shape=(None, None, 1))
            return self.dataset_info_from_configs(
                features=tfds.features.FeaturesDict({"image": image})
            )

        def _split_generators(self, manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for number in range(5):
                yield number, {"image": tmp_path / f"{number}.jpg"}

    TinyPhotos(data_dir=tmp_path / "data", file_format="array_record").download_and_prepare()
    load = tfds.data_source
    monkeypatch.setattr(
        tfds, "data_source", lambda *a, **k: load(*a, data_dir=tmp_path / "data", **k)
    )
    photos = open_photos("tfds:tiny_photos:train", channels=1)
    shapes = [photos[index].shape for index in (4, 0, 2, 1, 3)]
    assert sorted(shapes) == [(40, 20 + number, 1) for number in range(5)]
