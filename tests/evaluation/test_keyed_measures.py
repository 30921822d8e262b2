import numpy as np
import pytest

from tfwm.evaluation import ownership as measures
from tfwm.images.quality import mean_quality
from tfwm.protection import KeyedReader


@pytest.fixture(scope="module")
def outputs(keyed_models):
    """uint8 outputs of the host made by hand, and of no host."""
    rng = np.random.default_rng(1)
    gray = np.repeat(rng.uniform(0.2, 0.8, (8, 4, 4, 1)), 3, axis=-1).astype("float32")
    gray = gray.repeat(16, 1).repeat(16, 2)
    return [np.uint8(np.round(255 * x)) for x in (np.asarray(keyed_models()[0](gray)), gray)]


def test_rows_of_readings(keyed_reader, outputs):
    marked, plain = outputs
    unmarked = keyed_reader.similarity(plain)
    row = measures.reading_row("a", "right", keyed_reader.read(marked), keyed_reader, unmarked)
    assert row["similarity"] > 0.98 and row["success"] == 1 and row["p_value"] < 1e-3
    assert row["images"] == 8 and row["qr"] is None
    row = measures.reading_row("b", "right", keyed_reader.read(plain), keyed_reader, unmarked)
    assert abs(row["similarity"]) < 0.1 and row["success"] == 0 and row["p_value"] > 0.3


def test_qr_codes_must_be_right(keyed_models, outputs):
    _, extractor, mark, key = keyed_models("qr:tfwm")
    read = KeyedReader(extractor, mark, key).read(np.concatenate(outputs))
    assert measures.qr_share(read, "tfwm") == 0.5
    assert measures.qr_share(read, "another") == 0
    assert measures.qr_share(read, None) is None


def test_damages(keyed_reader, outputs):
    marked, plain = outputs
    assert measures.distorted("crop to 80 %", marked)[0].shape == (57, 57, 3)
    np.testing.assert_array_equal(measures.distorted("mirrored", marked)[2], marked[2, :, ::-1])
    gray = marked[..., :1]
    assert measures.distorted("noise, sigma 10", gray)[0].shape == (64, 64, 1)
    rows = measures.distortion_rows(keyed_reader, {"marked": marked, "plain": plain})
    assert [row["damage"] for row in rows[::2]] == list(measures.CASES)
    assert all(row["success"] == 1 for row in rows[::2])  # a tint survives all of them
    assert all(row["success"] == 0 for row in rows[1::2])


def test_distortion_curves(keyed_reader, outputs):
    rows = measures.distortion_curves(keyed_reader, outputs[0])
    assert [(r["damage"], r["level"]) for r in rows] == [
        (name, level) for name, (_, levels) in measures.LEVELS.items() for level in levels
    ]
    assert all(r["similarity"] > 0.9 and r["qr"] is None for r in rows)  # a tint survives


def test_wrong_keys_have_their_distance():
    key = np.random.default_rng(0).integers(0, 2, 64)
    for distance in (0, 1, 17, 64):
        keys = measures.wrong_keys(key, distance, 5)
        assert (np.abs(keys - key).sum(axis=1) == distance).all()
    assert measures.hamming_distances(256) == [*range(9), 16, 32, 64, 128, 256]
    assert measures.hamming_distances(16) == [*range(9), 16]
    assert measures.hamming_distances(4) == [0, 1, 2, 3, 4]


def test_curve(keyed_reader, outputs):
    rows = measures.hamming_curve(keyed_reader, outputs[0], count=4)
    assert rows[0]["distance"] == 0 and rows[0]["similarity"] > 0.98
    assert all(abs(row["largest"]) < 0.01 for row in rows[1:])
    assert rows[-1]["distance"] == 64


def test_quality():
    image = np.full((2, 16, 16, 1), 100, np.uint8)
    found = mean_quality(image, image + np.uint8(1))
    assert found["psnr"] == pytest.approx(48.13, abs=0.01) and 0.99 < found["ssim"] <= 1
