"""Evidence for barriers and keyed networks: comparisons, images, files."""

import json
import re

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from tfwm.images import ImageError
from tfwm.protection import (
    KeyedReader,
    Proof,
    compare_with_unmarked,
    prove_files,
    prove_images,
)


@pytest.fixture(scope="module")
def gray():
    images = np.random.default_rng(1).uniform(0.2, 0.8, (20, 40, 56, 1)).astype("float32")
    return np.repeat(images, 3, axis=-1)


@pytest.fixture(scope="module")
def marked(keyed_models, gray):
    return np.asarray(keyed_models()[0](gray))


def test_the_owner_proves(keyed_reader, marked, gray):
    found = prove_images(keyed_reader, marked[:10], gray[10:], seed=0)
    assert found.proven and found.similarity == pytest.approx(1, abs=1e-3)
    # The best that 999 keys can show.
    assert found.key_p_value == pytest.approx(1 / 1000)
    assert found.unmarked.p_value == 1e-4 and found.unmarked_images == 10
    assert "carry the mark" in str(found) and found.notes == []
    assert json.loads(json.dumps(found.to_dict()))["unmarked"]["proven"]


def test_unmarked_images_and_other_keys_prove_nothing(keyed_reader, marked, gray):
    nothing = prove_images(keyed_reader, gray[:10], gray[10:], seed=0)
    assert not nothing.proven and "no proof" in str(nothing)
    wrong = keyed_reader.with_key(1 - keyed_reader.key)
    assert not prove_images(wrong, marked[:10], gray[10:], seed=0).proven


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
    found = prove_images(reader, image, keys=99, seed=3)
    others = np.random.default_rng(3).integers(0, 2, (99, 16))
    expected = reader.similarities_of_keys(image, others)[:, 0]
    own = reader.similarity(image)[0]
    assert found.key_p_value == pytest.approx((1 + np.sum(expected >= own)) / 100)


def test_notes_tell_what_cannot_be_shown(keyed_reader, marked):
    found = prove_images(keyed_reader, marked[:2], keys=20, seed=0)
    assert not found.proven and len(found.notes) == 2
    assert "20 random keys cannot bring p below 0.05: take 999 or more" in found.notes[0]
    assert "no unmarked images" in found.notes[1]
    found = prove_images(keyed_reader, marked[:2], marked[2:5], seed=0)
    assert found.notes == [
        "2 suspected and 3 unmarked images cannot bring p below 0.1: take more of either"
    ]


def test_images_cannot_keep_a_rate_of_networks(keyed_reader, marked, gray):
    found = prove_images(
        keyed_reader, marked[:10], gray[10:], keys=5, false_positive_rate=1e-5, seed=0
    )
    assert not found.proven and "cannot bring p below 0.0001" in found.notes[1]


def test_little_more_than_random_keys_is_no_mark():
    """The right key may read a trace from anything, and more than each of the others."""
    numbers = {"images": 8, "keys": 999, "key_p_value": 1e-3, "unmarked": None}
    numbers |= {"unmarked_images": 0, "texts": {}, "false_positive_rate": 1e-3}
    assert not Proof(similarity=0.011, key_similarity=0.002, **numbers).proven
    assert Proof(similarity=0.5, key_similarity=0.002, **numbers).proven


def test_qr_texts(keyed_models, gray):
    host, extractor, mark, key = keyed_models("qr:tfwm")
    reader = KeyedReader(extractor, mark, key)
    images = np.concatenate([np.asarray(host(gray[:3])), gray[:2]])
    assert prove_images(reader, images, keys=5, seed=0).texts == {"tfwm": 3}
    assert prove_images(reader, gray, keys=5, seed=0).texts == {}


def test_files(keyed_reader, marked, gray, tmp_path):
    for name, images in (("found", marked[:10]), ("others", gray[10:])):
        (tmp_path / name / "sub").mkdir(parents=True)
        for i, image in enumerate(images):
            picture = Image.fromarray(np.uint8(np.round(255 * image)))
            picture.save(tmp_path / name / ("sub" if i else ".") / f"{i}.png")
    (tmp_path / "found" / "notes.txt").write_text("no image")
    seen = []
    folders = [tmp_path / "found"], [tmp_path / "others"]
    found = prove_files(keyed_reader, *folders, progress=lambda *told: seen.append(told))
    assert found.proven and found.images == 10 and len(seen) == 20
    with pytest.raises(ValueError, match="10 that are both"):
        prove_files(keyed_reader, [tmp_path / "found"], [tmp_path / "found"])
    (tmp_path / "found" / "bad.png").write_bytes(b"bad")
    with pytest.raises(ValueError, match="bad.png"):
        prove_files(keyed_reader, [tmp_path / "found"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no images"):
        prove_files(keyed_reader, [tmp_path / "empty"])


@pytest.mark.parametrize("arguments", [{"keys": 0}, {"keys": 2.5}, {"false_positive_rate": 0}])
def test_bad_arguments(keyed_reader, gray, arguments):
    (name, value) = next(iter(arguments.items()))
    with pytest.raises(ValueError, match=re.escape(f"Received: {name}={value}")):
        prove_images(keyed_reader, gray, **arguments)


def test_exact_p_values():
    # One image above n others: 1 of n + 1 ranks.
    assert compare_with_unmarked([1.0], np.linspace(0, 0.5, 7)).p_value == pytest.approx(1 / 8)
    assert compare_with_unmarked([0.9, 1.0], [0.1, 0.2, 0.3]).p_value == pytest.approx(1 / 10)
    assert compare_with_unmarked([0.1], [0.2, 0.3]).p_value == pytest.approx(1)


@pytest.mark.parametrize("n, m, least", [(1, 3, 1 / 4), (2, 2, 1 / 6), (3, 3, 1 / 20)])
def test_equal_readings_prove_no_more_than_others(n, m, least):
    p_value = compare_with_unmarked(np.ones(n), np.zeros(m)).p_value
    assert p_value == pytest.approx(least)


def test_false_claims_keep_their_rate():
    rng = np.random.default_rng(0)
    p_values = [
        compare_with_unmarked(rng.normal(size=20), rng.normal(size=50)).p_value for _ in range(500)
    ]
    assert stats.kstest(p_values, "uniform").pvalue > 1e-3


def test_words_of_a_comparison():
    proof = compare_with_unmarked(
        np.full(20, 0.9) + np.arange(20) / 1000, np.linspace(-0.1, 0.1, 60)
    )
    assert proof.proven and "carry the mark" in str(proof)
    again = compare_with_unmarked(np.linspace(-0.1, 0.1, 20), np.linspace(-0.1, 0.1, 60))
    assert not again.proven and "no proof" in str(again)


@pytest.mark.parametrize("similarities", [[], [np.nan]])
def test_numbers_that_cannot_be_compared(similarities):
    with pytest.raises(ValueError, match="finite"):
        compare_with_unmarked(similarities, [0.0])
    with pytest.raises(ValueError, match="rate"):
        compare_with_unmarked([0.1], [0.0], false_positive_rate=0)


def test_a_small_difference_is_no_mark_however_certain():
    """Images of another kind may read a little more, without a mark."""
    unmarked = np.random.default_rng(0).normal(0, 0.01, 500)
    other_kind, marked = (
        compare_with_unmarked(unmarked + 0.05, unmarked),
        compare_with_unmarked(unmarked + 0.15, unmarked),
    )
    # However many images there are, they are of one network.
    assert other_kind.p_value == marked.p_value == 1e-4 and "p <= 0.0001" in str(marked)
    assert marked.proven and not other_kind.proven


class BrightBarrier:
    """Reads its watermark from bright images, and noise from dark ones."""

    channels = 3
    watermark = np.random.default_rng(0).random((16, 16, 1)).astype("float32")

    def look(self, images):
        return np.asarray(images)

    def read_seen(self, images):
        return np.stack([self._read_one(image) for image in images])

    def _read_one(self, image):
        noise = np.random.default_rng(int(1e6 * image.mean())).random((16, 16, 1))
        bright = image.mean() > 0.5
        return np.float32(0.9 * self.watermark + 0.1 * noise if bright else noise)


@pytest.fixture
def write_images(tmp_path):
    """Function that writes images of about one brightness; returns their folder."""

    def write(name, level, count):
        (tmp_path / name).mkdir()
        for i in range(count):
            Image.new("L", (20, 30), level + i).save(tmp_path / name / f"{i:02d}.png")
        return tmp_path / name

    return write


def test_marked_files_of_a_barrier_are_proven(write_images):
    suspects, unmarked = write_images("found", 200, 6), write_images("others", 50, 20)
    found = prove_files(BrightBarrier(), [suspects], [unmarked])
    assert found.proven and found.unmarked.p_value == 1e-4 and found.notes == []
    assert (found.images, found.unmarked_images, found.nc_success) == (6, 20, 1.0)
    assert found.unmarked_nc_success == 0 and abs(found.unmarked.reference) < 0.1
    values = found.to_dict()
    assert values["proven"] is True and values["unmarked"]["p_value"] == found.unmarked.p_value


def test_each_folder_is_another_network(write_images):
    suspects = write_images("found", 200, 6)
    others = [write_images(f"net{n}", 50 + n, 20) for n in range(3)]
    found = prove_files(BrightBarrier(), [suspects], [*others[:2], *sorted(others[2].iterdir())])
    assert found.proven and (found.networks, found.unmarked_images) == (3, 60)
    assert found.network_p_value == 1 / 4 and abs(found.network_similarity) < 0.2
    assert "other networks: p = 2.5e-01 (the most that one of 3 reads is" in str(found)
    likely = write_images("like", 190, 6)  # one innocent network that reads as much
    found = prove_files(BrightBarrier(), [suspects], [*others, likely])
    assert found.unmarked.proven and not found.proven
    assert found.network_p_value in (1 / 5, 2 / 5)
    assert not prove_files(BrightBarrier(), [suspects], [others[0]]).networks
    with pytest.raises(ValueError, match=r"Expected different folders. Received: .*net0 twice"):
        prove_files(BrightBarrier(), [suspects], [others[0], others[0]])


def test_images_of_several_networks(keyed_reader, marked, gray):
    groups = {"one": gray[10:14], "two": gray[14:]}
    found = prove_images(keyed_reader, marked[:10], groups, seed=0)
    assert found.proven and found.networks == 2 and found.unmarked_images == 10
    assert found.network_p_value == pytest.approx(1 / 3) and found.network_similarity < 0.2
    together = prove_images(keyed_reader, marked[:10], gray[10:], seed=0)
    assert found.unmarked == together.unmarked and together.networks == 0
    groups["copy"] = marked[10:]
    assert not prove_images(keyed_reader, marked[:10], groups, seed=0).proven


def test_unmarked_files_are_not(write_images):
    found = prove_files(
        BrightBarrier(), [write_images("found", 90, 6)], [write_images("others", 50, 20)]
    )
    assert not found.proven and found.nc_success == 0


def test_few_images_cannot_prove(write_images):
    found = prove_files(
        BrightBarrier(), [write_images("found", 200, 1)], [write_images("others", 50, 9)]
    )
    assert not found.proven and found.unmarked.p_value == pytest.approx(0.1)
    (note,) = found.notes
    assert note.startswith("1 suspected and 9 unmarked images cannot bring p below 0.1")


def test_what_cannot_be_compared(write_images, tmp_path):
    folder = write_images("found", 200, 3)
    with pytest.raises(ValueError, match="3 that are both"):
        prove_files(BrightBarrier(), [folder], [folder])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no images"):
        prove_files(BrightBarrier(), [folder], [tmp_path / "empty"])
    (folder / "bad.png").write_bytes(b"bad")
    with pytest.raises(ImageError, match="bad.png is not an image"):
        prove_files(BrightBarrier(), [folder], [tmp_path / "empty"])


def test_a_barrier_needs_unmarked_images():
    with pytest.raises(ValueError, match="Expected unmarked images"):
        prove_images(BrightBarrier(), np.ones((1, 16, 16, 3)))
