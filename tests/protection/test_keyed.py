import numpy as np
import pytest

from tfwm.models.keyed import build_extractor
from tfwm.protection import KeyedReader, load_keyed
from tfwm.protection.keyed import MOST_TILES
from tfwm.protection.tiles import tile_places


@pytest.fixture(scope="module")
def gray():
    """Eight gray images of 40 x 56 pixels, in three equal channels."""
    images = np.random.default_rng(1).uniform(0.2, 0.8, (8, 40, 56, 1)).astype("float32")
    return np.repeat(images, 3, axis=-1)


@pytest.fixture(scope="module")
def real():
    """A reader of the real extractor, untrained."""
    rng = np.random.default_rng(0)
    extractor = build_extractor(32, 16, width=4)
    return KeyedReader(extractor, rng.random((16, 16, 1)), rng.integers(0, 2, 16))


def test_only_the_key_and_marked_images(keyed_models, keyed_reader, gray):
    marked = np.asarray(keyed_models()[0](gray))
    np.testing.assert_allclose(keyed_reader.similarity(marked), 1, atol=1e-4)
    np.testing.assert_allclose(keyed_reader.similarity(gray), 0, atol=1e-4)
    wrong = keyed_reader.key.copy()
    wrong[5] = 1 - wrong[5]
    other = keyed_reader.with_key(wrong)
    np.testing.assert_allclose(other.similarity(marked), 0, atol=1e-4)
    np.testing.assert_allclose(keyed_reader.similarity(marked), 1, atol=1e-4)


def test_reads_as_the_extractor_does(real, photo):
    images = np.concatenate([photo[:, :32, :32], photo[:, 50:82, :32]])
    keys = np.random.default_rng(2).integers(0, 2, (70, 16)).astype("float32")
    expected = real.extractor({"image": images, "key": np.repeat(real.key[None], 2, 0)})
    np.testing.assert_allclose(real.read(images), expected, atol=1e-5)
    both = real.similarities_of_keys(images, keys)
    assert both.shape == (70, 2)
    for i in (0, 33, 69):
        np.testing.assert_allclose(real.with_key(keys[i]).similarity(images), both[i], atol=1e-5)
    each = real.read_each(images, keys[:2])
    expected = real.extractor({"image": images, "key": keys[:2]})
    np.testing.assert_allclose(each, expected, atol=1e-5)


def test_two_readers_of_one_extractor(real, photo):
    again = KeyedReader(real.extractor, real.watermark, real.key)
    np.testing.assert_allclose(again.read(photo), real.read(photo), atol=1e-6)


def test_any_size_bytes_and_lists(keyed_models, keyed_reader, gray):
    marked = np.asarray(keyed_models()[0](gray))
    pixels = np.uint8(np.round(255 * marked))
    found = keyed_reader.similarity([pixels[0], marked[1], pixels[2, :30, :20]])
    np.testing.assert_allclose(found, 1, atol=0.02)
    assert len(keyed_reader.look(pixels)) == 8
    many = np.concatenate([gray] * 3)
    np.testing.assert_allclose(keyed_reader.read(many)[-8:], keyed_reader.read(gray), atol=1e-6)
    assert keyed_reader.image_size == (32, 32) and keyed_reader.channels == 3


def test_large_images_are_read_by_tiles(real, photo):
    """What is seen in tiles at an image's own size is averaged, and read once."""
    image = np.concatenate([photo[:, :32, :32], photo[:, 40:72, 8:40]], axis=2)
    tiles = np.concatenate([image[:, :, :32], image[:, :, 32:]])
    np.testing.assert_allclose(real.look(image)[0], real.look(tiles).mean(axis=0), atol=1e-5)
    # Tiles overlap where a side is no multiple of theirs; small images are enlarged.
    both = [image[:, :, i : i + 32] for i in (0, 8)]
    seen = real.look(np.concatenate(both)).mean(axis=0)
    np.testing.assert_allclose(real.look(image[:, :, :40])[0], seen, atol=1e-5)
    assert real.look([image[0, :20, :9], image[0]]).shape == (2, *seen.shape)
    # Not all tiles of a large photo, and those from all of it.
    assert tile_places(64 * 3, 64, MOST_TILES).tolist() == [0, 64, 128]
    places = tile_places(4000, 64, MOST_TILES)
    assert len(places) == 8 and places[0] == 0 and places[-1] == 4000 - 64


SECRET = "demonstration secret, not for use"  # of the fixtures


def test_loads_from_disk(keyed_folder, gray):
    network = load_keyed(keyed_folder)
    marked = network(gray)
    reader = network.reader(SECRET)
    np.testing.assert_allclose(reader.similarity(marked), 1, atol=1e-2)  # the picture has 8 bits
    wrong = network.reader(SECRET + ".")
    np.testing.assert_allclose(wrong.similarity(marked), 0, atol=1e-4)
    assert reader.name == "keyed" and reader.card["limits"] == ["Small."]


def test_what_is_wrong(keyed_reader, keyed_folder, tmp_path):
    extractor, mark, key = keyed_reader.extractor, keyed_reader.watermark, keyed_reader.key
    with pytest.raises(ValueError, match=r"watermark of shape \(32, 32, 1\)"):
        KeyedReader(extractor, mark[:16], key)
    with pytest.raises(ValueError, match="with a picture in it"):
        KeyedReader(extractor, 0 * mark, key)
    for bad in (key[:10], key + 0.5):
        with pytest.raises(ValueError, match="key of 64 bits"):
            keyed_reader.with_key(bad)
    with pytest.raises(ValueError, match=r"\(batch, height, width, 3\)"):
        keyed_reader.read(np.zeros((2, 32, 32, 1)))
    (tmp_path / "card.json").write_text("{}")
    with pytest.raises(ValueError, match="without host.keras"):
        load_keyed(tmp_path)
    with pytest.raises(ValueError, match="at least 16 bytes"):
        load_keyed(keyed_folder).reader("short")
