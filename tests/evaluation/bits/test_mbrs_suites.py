"""Suites of networks of colour images: each bit once, strengths tuned to a PSNR."""

import re

import numpy as np
import pytest
from skimage import data

from tfwm.evaluation import evaluate, load_suite, run_suite
from tfwm.evaluation.bits.curves import is_sweep
from tfwm.evaluation.bits.report import percent


@pytest.fixture(scope="module")
def photos():
    names = ("astronaut", "coffee", "chelsea")
    return [getattr(data, name)()[:260, :300] for name in names]


def pick(rows, **wanted):
    found = [row for row in rows if all(row[k] == v for k, v in wanted.items())]
    assert len(found) == 1
    return found[0]


def test_known_error_rates(make_colour_network, flat_colour):
    networks = {"mbrs-128": make_colour_network(), "mbrs-diffusion": make_colour_network(bits=30)}
    crops = load_suite("mbrs-table2").distortions
    crops = [attack for attack in crops if attack.name == "crop_keep"]
    rows = evaluate(networks, flat_colour, "mbrs-table2", distortions=crops, strengths=[1.0])
    for name, bits in (("mbrs-128", 64), ("mbrs-diffusion", 30)):
        sent = [np.random.default_rng([0, i, 0]).integers(0, 2, bits) for i in range(2)]
        clean = pick(rows, network=name, attack="identity")
        assert (clean["bits"], clean["ber"], clean["exact"]) == (bits, 0, 1)
        # Green alone changes, by 8.
        assert clean["psnr"] == pytest.approx(20 * np.log10(255 / 8) + 10 * np.log10(3))
        # Beyond the 24 x 24 pixels that are kept, which touch 9 cells at most, all bits read
        # like gray 128, a 0, or like white, a 1.
        for label, right in (("gray", 0), ("white", 1)):
            ber = pick(rows, network=name, label=f"Crop, {label} around, this much kept")["ber"]
            expected = np.mean(np.stack(sent) != right)
            assert expected - 9 / bits <= ber <= expected + 9 / bits
            assert ber > 0.2


def test_match_of_a_suite(make_colour_network, photos):
    network = {"mbrs-128": make_colour_network(shaded=True)}
    rows = evaluate(network, photos, "mbrs-table1")
    settings = [(row["strength"], row["match"]) for row in rows if row["attack"] == "jpeg"]
    assert [match for _, match in settings] == ["", "psnr=36.49"] and settings[0][0] == 1
    plain, tuned = (row for row in rows if row["attack"] == "jpeg")
    assert plain["paper_ber"] is None and tuned["paper_ber"] == pytest.approx(0.0092 / 100)
    assert 36.49 - 0.01 <= tuned["psnr"] <= 36.49 + 0.1
    given = evaluate(network, photos, "mbrs-table1", match="psnr=40")
    assert {row["match"] for row in given} == {"psnr=40"}
    assert 40 - 0.01 <= given[0]["psnr"] <= 40.1 and given[0]["paper_ber"] is None
    fixed = evaluate(network, photos, "mbrs-table1", strengths=[0.5])
    assert {(row["strength"], row["match"]) for row in fixed} == {(0.5, "")}


def test_crops_follow_from_the_seed(make_colour_network, photos):
    rows = [
        evaluate(
            {"a": make_colour_network()}, photos, "mbrs", strengths=[1.0], seed=seed
        )  # fmt: skip
        for seed in (0, 0, 1)
    ]
    assert rows[0] == rows[1]
    assert [row["ssim"] for row in rows[0]] != [row["ssim"] for row in rows[2]]


def test_gray_and_colour_networks_side_by_side(make_colour_network, network, photos):
    networks = {"colour": make_colour_network(), "gray": network}
    rows = evaluate(networks, photos[:2], "mbrs", strengths=[1.0])
    assert pick(rows, network="colour", attack="identity")["bits"] == 64
    assert pick(rows, network="gray", attack="identity")["bits"] == 3 * 256


def test_small_photos_are_left_out(make_colour_network, photos):
    suite = {"suite": "mbrs", "strengths": [1.0]}
    with pytest.warns(UserWarning, match="1 images are too small for colour"):
        rows = evaluate([make_colour_network()], [photos[0], photos[1][:127]], **suite)
    assert rows[0]["images"] == 1


def test_report_of_a_sweep(make_colour_network, photos, tmp_path):
    result = run_suite({"mbrs-128": make_colour_network()}, photos, "mbrs-table3", tmp_path)
    assert is_sweep(result.rows)
    assert "random crops of 128 x 128 pixels" in result.csv.read_text()
    assert "best reading" not in result.line
    html = result.html.read_text()
    assert "Bit error rate against PSNR" in html and html.count("data:image/png") == 6 + 1 + 1
    # One table with the seven strengths side by side, each beside the paper's.
    assert html.count("<details") == 1 and html.count("<th>paper</th>") == 7
    paper = re.findall(r'<td class="paper">([0-9.]*)</td>', html.split("PSNR, dB</th>")[1])
    assert paper[:7] == ["46.48", "43.98", "42.04", "40.46", "39.12", "36.02", "34.44"]
    assert "0.00024" in html


def test_report_of_a_match(make_colour_network, photos, tmp_path):
    networks = {"mbrs-128": make_colour_network(), "hidden-128": make_colour_network(bits=30)}
    result = run_suite(networks, photos, "mbrs-table2", tmp_path)
    assert not is_sweep(result.rows)
    assert "strengths tuned to psnr=33.5" in result.csv.read_text()
    html = result.html.read_text()
    # HiDDeN takes part and has the paper's numbers beside it; the other method stands alone.
    assert html.count("<th>paper</th>") == 2
    assert "TSDL<br>in the paper" in html and "HIDDEN<br>" not in html
    assert "Crop, white around, this much kept 3.52 %" in html and "45.9" in html


def test_percent_of_few_errors():
    values = (0.0, 0.000092, 0.0000063, 0.0009, 0.00996, 0.25)
    assert [percent(v) for v in values] == ["0.00", "0.0092", "0.00063", "0.09", "1.00", "25.0"]
