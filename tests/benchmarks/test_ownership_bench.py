import keras
import numpy as np
import pytest
from bit_mark import BitMark
from peers.spread_spectrum import SpreadSpectrum
from removal import Removal, other_watermark, removal_attacks
from removal.bench import OwnershipBench

# What a caller may rely on in a table.
COLUMNS = [
    "kind",
    "attack",
    "images_of",
    "images",
    "nc",
    "success_nc",
    "similarity",
    "success",
    "p_value",
    "proven",
    "psnr",
]


@pytest.fixture(scope="module")
def photos():
    from skimage import data

    corners = np.random.default_rng(0).integers(0, 512 - 64, (12, 2))
    return np.stack([data.astronaut()[y : y + 64, x : x + 64] for y, x in corners])


@pytest.fixture(scope="module")
def mark():
    return BitMark(SpreadSpectrum(16), b"ok", strength=2.0)


@pytest.fixture(scope="module")
def marked(mark, photos):
    return mark.mark(photos)


@pytest.fixture(scope="module")
def bench(mark, photos):
    return OwnershipBench(mark, photos)


def test_attacks_come_with_proof_and_price(bench, mark, marked):
    attacks = [a for a in removal_attacks(mark) if a.name in ("jpeg 90", "gaussian_blur 2")]
    results = list(bench.attack("marked", marked, attacks))
    rows = [result.row for result in results]
    assert [row["attack"] for row in rows] == ["none", "jpeg 90", "gaussian_blur 2"]
    assert all(list(row) == COLUMNS for row in rows)
    none, jpeg, blur = rows
    assert none["psnr"] == 100 and none["p_value"] < 1e-3 and none["similarity"] > 0.9
    assert none["proven"] is True
    assert 30 < jpeg["psnr"] < 50 and blur["psnr"] < jpeg["psnr"]
    assert blur["similarity"] < 0.7 < jpeg["similarity"]
    assert results[1].image.shape == (64, 64, 3) and results[1].read.shape == (4, 4, 1)


def test_unmarked_images_prove_nothing(bench, photos):
    (result,) = bench.attack("unmarked", photos)
    assert (
        result.row["p_value"] > 0.4
        and not result.row["proven"]
        and abs(result.row["similarity"]) < 0.3
    )


def test_an_attack_that_fails_is_left_out(bench, marked):
    def fail(images):
        raise ValueError("no such thing")

    attacks = [Removal("x", "broken", fail), Removal("x", "same", lambda images: images)]
    with pytest.warns(UserWarning, match="left out broken: no such thing"):
        results = list(bench.attack("marked", marked, attacks))
    assert [result.row["attack"] for result in results] == ["none", "same"]


def test_copies_and_fine_tuning(bench, mark, marked, photos):
    (mean,) = bench.average({"a": marked, "b": photos})
    assert mean.row["images_of"] == "a" and mean.row["attack"] == "mean with 1 other surrogates"
    assert not list(bench.average({"a": marked}))
    # A surrogate that put the mark on: a constant pattern, which clean pairs take away.
    inputs = keras.Input((64, 64, 3))
    pattern = keras.layers.EinsumDense("abcd,de->abce", (64, 64, 3), bias_axes="bce")
    network = keras.Model(inputs, pattern(inputs))
    change = (marked.astype(float) - photos).mean(0) / 255
    pattern.set_weights([np.eye(3), change])
    clean = photos / np.float32(255)
    pairs = {"input": clean, "target": clean}
    settings = {"steps": (1, 60), "learning_rate": 1e-3, "batch_size": 12}
    first, last = (r.row for r in bench.fine_tune("copy", network, clean, pairs, **settings))
    assert first["attack"] == "1 steps on 12 clean pairs" and first["p_value"] < 1e-3
    assert last["similarity"] < first["similarity"] - 0.3 and last["psnr"] < first["psnr"]


def test_what_the_attacker_lacks_is_not_tried(mark, marked):
    def kinds(**have):
        return {attack.kind for attack in removal_attacks(mark, **have)}

    assert kinds(queries=0) == {"post-processing", "denoising"}
    assert kinds() - kinds(queries=0) == {"queries"}
    assert kinds(held=marked) - kinds() == {"averaging"}
    assert kinds(read=lambda x: x) - kinds() == {"gradients"}
    assert kinds(overwriters={"mine": np.flip}) - kinds() == {"overwriting"}
    names = [attack.name for attack in removal_attacks(mark, marked, lambda x: x)]
    assert len(names) == len(set(names))


def test_barriers_overwrite_themselves(mark):
    class Embedding:
        embedder, watermark, similarity = None, mark.watermark, mark.similarity

    attacks = [a for a in removal_attacks(Embedding()) if a.kind == "overwriting"]
    assert [attack.name for attack in attacks] == ["same embedder, other watermark"]


def test_other_watermark():
    first, second = (other_watermark((20, 30, 3), seed) for seed in (0, 1))
    assert first.shape == (20, 30, 3) and set(np.unique(first)) == {0, 1}
    assert (first != second).any()
    np.testing.assert_array_equal(first, other_watermark((20, 30, 3)))
