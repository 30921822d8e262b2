import json
import re

import numpy as np
import pytest
from PIL import Image

from tfwm.protection import KeyedReader, verify_files, verify_images
from tfwm.protection.verification import Verification


@pytest.fixture(scope="module")
def gray():
    images = np.random.default_rng(1).uniform(0.2, 0.8, (20, 40, 56, 1)).astype("float32")
    return np.repeat(images, 3, axis=-1)


@pytest.fixture(scope="module")
def marked(keyed_models, gray):
    return np.asarray(keyed_models()[0](gray))


def test_the_owner_proves(keyed_reader, marked, gray):
    found = verify_images(keyed_reader, marked[:10], gray[10:], seed=0)
    assert found.proven and found.similarity == pytest.approx(1, abs=1e-3)
    # The best that 999 keys can show.
    assert found.key_p_value == pytest.approx(1 / 1000)
    assert found.unmarked.p_value < 1e-4 and found.unmarked_images == 10
    assert "carry the mark" in str(found) and found.notes == []
    assert json.loads(json.dumps(found.to_dict()))["unmarked"]["proven"]


def test_unmarked_images_and_other_keys_prove_nothing(keyed_reader, marked, gray):
    nothing = verify_images(keyed_reader, gray[:10], gray[10:], seed=0)
    assert not nothing.proven and "no proof" in str(nothing)
    wrong = keyed_reader.with_key(1 - keyed_reader.key)
    assert not verify_images(wrong, marked[:10], gray[10:], seed=0).proven


def test_random_keys_claim_at_their_rate():
    """A key that has nothing to do with the extractor has each rank as often as any other."""
    from tfwm.models.keyed import build_extractor

    rng = np.random.default_rng(0)
    extractor = build_extractor(16, 16, width=2)
    mark, image = rng.random((16, 16, 1)), rng.random((1, 16, 16, 3)).astype("float32")
    keys = rng.integers(0, 2, (200, 16))
    reader = KeyedReader(extractor, mark, keys[0])
    ranks = reader.similarities_of_keys(image, keys)[:, 0]
    p_values = []
    for i in range(40):
        others = np.delete(ranks, i)[:99]
        p_values.append((1 + np.sum(others >= ranks[i])) / 100)
    assert 0.3 < np.mean(p_values) < 0.7
    found = verify_images(reader, image, keys=99, seed=3)
    others = np.random.default_rng(3).integers(0, 2, (99, 16))
    expected = reader.similarities_of_keys(image, others)[:, 0]
    own = reader.similarity(image)[0]
    assert found.key_p_value == pytest.approx((1 + np.sum(expected >= own)) / 100)


def test_notes_tell_what_cannot_be_shown(keyed_reader, marked):
    found = verify_images(keyed_reader, marked[:2], keys=20, seed=0)
    assert not found.proven and len(found.notes) == 2
    assert "20 random keys cannot bring p below 0.05: take 999 or more" in found.notes[0]
    assert "no unmarked images" in found.notes[1]
    found = verify_images(keyed_reader, marked[:2], marked[2:5], seed=0)
    assert found.notes == [
        "2 suspected and 3 unmarked images cannot bring p below 0.1: take more of either"
    ]


def test_little_more_than_random_keys_is_no_mark():
    """The right key may read a trace from anything, and more than each of the others."""
    numbers = {"images": 8, "keys": 999, "key_p_value": 1e-3, "unmarked": None}
    numbers |= {"unmarked_images": 0, "texts": {}, "false_claim_rate": 1e-3}
    assert not Verification(similarity=0.011, key_similarity=0.002, **numbers).proven
    assert Verification(similarity=0.5, key_similarity=0.002, **numbers).proven


def test_qr_texts(keyed_models, gray):
    host, extractor, mark, key = keyed_models("qr:tfwm")
    reader = KeyedReader(extractor, mark, key)
    images = np.concatenate([np.asarray(host(gray[:3])), gray[:2]])
    assert verify_images(reader, images, keys=5, seed=0).texts == {"tfwm": 3}
    assert verify_images(reader, gray, keys=5, seed=0).texts == {}


def test_files(keyed_reader, marked, gray, tmp_path):
    for name, images in (("found", marked[:10]), ("others", gray[10:])):
        (tmp_path / name / "sub").mkdir(parents=True)
        for i, image in enumerate(images):
            picture = Image.fromarray(np.uint8(np.round(255 * image)))
            picture.save(tmp_path / name / ("sub" if i else ".") / f"{i}.png")
    (tmp_path / "found" / "notes.txt").write_text("no image")
    seen = []
    folders = [tmp_path / "found"], [tmp_path / "others"]
    found = verify_files(keyed_reader, *folders, progress=lambda *said: seen.append(said))
    assert found.proven and found.images == 10 and len(seen) == 20
    with pytest.raises(ValueError, match="10 that are both"):
        verify_files(keyed_reader, [tmp_path / "found"], [tmp_path / "found"])
    (tmp_path / "found" / "bad.png").write_bytes(b"bad")
    with pytest.raises(ValueError, match="bad.png"):
        verify_files(keyed_reader, [tmp_path / "found"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no images"):
        verify_files(keyed_reader, [tmp_path / "empty"])


@pytest.mark.parametrize("arguments", [{"keys": 0}, {"keys": 2.5}, {"false_claim_rate": 0}])
def test_bad_arguments(keyed_reader, gray, arguments):
    (name, value) = next(iter(arguments.items()))
    with pytest.raises(ValueError, match=re.escape(f"Received: {name}={value}")):
        verify_images(keyed_reader, gray, **arguments)
