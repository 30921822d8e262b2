"""Suites of networks that take a whole photo, squeezed to their size."""

import numpy as np
import pytest
from PIL import Image, ImageOps
from skimage import data

from tfwm.evaluation import BitSuite, Protocol, evaluate, load_suite, run_suite

SUITES = ["stegastamp", *(f"stegastamp-fig{i}" for i in (1, 2, 3)), "stegastamp-print"]


@pytest.fixture
def network(make_colour_network):
    """One bit in each of the 64 cells of 128 x 128 pixels."""
    return make_colour_network(bits=64)


def pick(rows, **wanted):
    found = [row for row in rows if all(row[k] == v for k, v in wanted.items())]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("name", SUITES)
def test_suites_take_whole_photos(name):
    suite = load_suite(name)
    assert suite.color and suite.size == "photo" and suite.rounding == "truncate"
    assert suite.redundancy == 1 and suite.watermarks == 1 and suite.strengths == [1.0]
    levels = {a.name: a.levels for a in suite.distortions}
    for row in suite.paper:
        for attack, values in row["ber"].items():
            known = values if isinstance(values, dict) else {levels[attack][0]: values[0]}
            assert {float(level) for level in known} <= set(levels[attack])
            assert all(0 <= ber <= 50 for ber in known.values())


def test_one_suite_has_all_parts():
    whole, parts = load_suite("stegastamp"), [load_suite(name) for name in SUITES[1:]]
    assert whole.distortions == [attack for part in parts for attack in part.distortions]
    assert len(whole.paper) == 2


@pytest.mark.parametrize(
    ("network", "attack", "level", "ber"),
    [
        ("stegastamp-original", "centre_crop", 0.075, 20),
        ("stegastamp-original", "centre_crop", 0.125, 50),
        ("stegastamp-original", "frame", 0.175, 5),
        ("stegastamp-original", "one_bit", 1, 5),
        ("stegastamp-original", "saturation", 0, 0),
        ("stegastamp-original", "contrast", 10, 30),
        ("stegastamp-original", "contrast", 5, None),
        ("stegastamp-original", "jpeg", 50, None),
        ("stegastamp-crop", "centre_crop", 0.075, 10),
        ("stegastamp-crop", "centre_crop", 0.125, 12),
        ("stegastamp-crop", "centre_crop", 0.1, None),
        ("stegastamp-crop", "frame", 0.175, 10),
        ("stegastamp-crop", "one_bit", 1, None),
        ("mbrs-128", "frame", 0.175, None),
    ],
)
def test_numbers_of_the_paper_s_text(network, attack, level, ber):
    assert load_suite("stegastamp").paper_ber(network, 1.0, attack, level) == ber


def test_photos_are_squeezed(network):
    protocol = Protocol(load_suite("stegastamp").replace(size="network"), network)
    for image in (data.coffee(), data.coffee()[:70, :50]):
        expected = ImageOps.fit(Image.fromarray(image), (128, 128))
        np.testing.assert_array_equal(protocol.cover(image), np.array(expected))
    cover = np.full((128, 128, 3), 128, np.uint8)
    assert protocol.placement("paper", cover).cells.shape == (64, 1, 1)
    planes = np.random.default_rng(0).integers(0, 2, (1, 64, 1, 1))
    marked = protocol.embed(cover, planes, 1.0)[0]
    sizes = (128, 128), (256, 256), (100, 160)
    copies = [np.array(Image.fromarray(marked).resize(size)) for size in sizes]
    np.testing.assert_array_equal(protocol.read(copies) > 0, np.repeat(planes, 3, 0) > 0)


def test_changes_are_carried_to_the_photo_s_size(network):
    protocol = Protocol(load_suite("stegastamp"), network)
    photo = data.coffee()
    assert protocol.cover(photo) is photo
    assert protocol.placement("paper", photo).cells.shape == (64, 1, 1)
    cover = np.full((256, 384, 3), 128, np.uint8)
    planes = np.random.default_rng(0).integers(0, 2, (2, 64, 1, 1))
    marked = protocol.embed(cover, planes, 1.0)
    assert marked.shape == (2, 256, 384, 3)
    np.testing.assert_array_equal(protocol.read(list(marked)) > 0, planes > 0)
    # In the middle of each cell, the change is that at the network's size.
    small = protocol.embed(cover[:128, :128], planes, 1.0)
    np.testing.assert_allclose(marked[:, 16::32, 24::48], small[:, 8::16, 8::16], atol=1)


def test_known_error_rates(network, flat_colour):
    rows = evaluate({"cells": network}, flat_colour, "stegastamp", size="network")
    sent = np.stack([np.random.default_rng([0, i, 0]).integers(0, 2, 64) for i in range(2)])
    clean = pick(rows, attack="identity")
    assert (clean["bits"], clean["ber"], clean["exact"], clean["images"]) == (64, 0, 1, 2)
    # Flat photos keep the order of their two levels.
    for attack in ("gray", "edge_enhance"):
        assert pick(rows, attack=attack)["ber"] == 0
    # Darker ones are all below 128, which reads as 0; lighter ones as 1.
    for level, right in ((0.5, 0), (2, 1)):
        assert pick(rows, attack="brightness", level=level)["ber"] == (sent != right).mean()
    # A frame of 16 pixels covers the cells at the border.
    inner = np.zeros((8, 8), bool)
    inner[1:-1, 1:-1] = True
    covered = sent[:, ~inner.ravel()].sum() / sent.size
    assert pick(rows, attack="frame", level=0.125)["ber"] == covered
    # Cut off and scaled back, cell k shows what was at 1 + 0.75 (k + 0.5) cells.
    from_cell = (1 + 0.75 * (np.arange(8) + 0.5)).astype(int)
    seen = sent.reshape(2, 8, 8)[:, from_cell][:, :, from_cell].reshape(2, 64)
    rate = pick(rows, attack="centre_crop", level=0.125)["ber"]
    assert rate == pytest.approx((seen != sent).mean(), abs=0.05) and rate > 0.2


def test_sizes_that_attacks_change(network, flat_colour):
    attacks = [{"name": "scale", "levels": [0.5, 2.0]}, {"name": "quarter_turn", "levels": [4]}]
    suite = load_suite("stegastamp").replace(distortions=attacks)
    rows = evaluate([network], flat_colour, suite)
    assert {row["ber"] for row in rows} == {0.0}
    with pytest.raises(ValueError, match="keep the size"):
        suite.replace(size=128)
    with pytest.raises(ValueError, match="mean 'network'"):
        BitSuite("a", "a", [], size="netwrok")


def test_keras_network_beside_one_of_gray_blocks(tile_network, make_network, tmp_path):
    networks = {"tile": tile_network, "gray": make_network()}
    photos = [data.coffee(), data.chelsea()]
    result = run_suite(networks, photos, "stegastamp-fig2", tmp_path)
    tile, gray = (pick(result.rows, network=n, attack="identity") for n in networks)
    assert tile["bits"] == 30 and gray["bits"] == 3 * 16 and tile["ber"] < 0.1
    assert "photos at their own size" in result.csv.read_text()
    html = result.html.read_text()
    assert "Photos at their own size" in html and "at its own" not in html
