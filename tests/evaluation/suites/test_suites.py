import math

import pytest

from tfwm.evaluation import BitSuite, list_suites, load_suite

SUITES = ("redmark", "redmark-table2", "redmark-table3", "redmark-table4", "redmark-table5")


def test_all_suites_load():
    assert set(SUITES) <= set(list_suites())
    for name in list_suites():
        suite = load_suite(name)
        assert suite.name == name and suite.title and suite.distortions


def test_redmark_has_both_tables():
    suite = load_suite("redmark")
    assert len(suite.distortions) == 10
    assert sum(len(attack.levels) for attack in suite.distortions) == 30
    left_out = {(a.name, level) for a in suite.distortions for level in a.unpromising}
    assert left_out == {("median_filter", 5), ("median_filter", 7), ("gaussian_blur", 2.0)}
    assert len(suite.paper) == 9
    for row in suite.paper:
        assert len(row["ber"]) == 10 and all(len(v) == 3 for v in row["ber"].values())


def test_paper_numbers():
    suite = load_suite("redmark")
    assert suite.paper_ber("redmark-mt", 1.0, "grid_crop", 0.4) == 11.4
    assert suite.paper_ber("official-jt", 0.6, "jpeg", 50) == 17.3
    assert math.isnan(suite.paper_ber("gt", 0.8, "median_filter", 3))
    assert suite.paper_row("MT-Net", 0.8)["psnr"] == 37.84
    assert suite.paper_ber("somebody", 1.0, "jpeg", 50) is None
    assert suite.paper_ber("redmark-mt", 0.9, "jpeg", 50) is None


def test_table5_strengths():
    suite = load_suite("redmark-table5")
    assert suite.strengths_for("redmark-mt") == [0.4]
    assert suite.strengths_for("official-jt") == [0.8]
    assert suite.strengths_for("mine") == [1.0]
    assert suite.replace(strengths=[0.7]).strengths_for("redmark-mt") == [0.7]


def test_table4_has_both_readings_of_crop():
    suite = load_suite("redmark-table4")
    levels = {a.name: a.levels for a in suite.distortions}
    assert levels["crop_keep"] == levels["cropping"] == [0.035]
    assert suite.bits == 30 and suite.size == [128, 128] and suite.color
    assert suite.paper_ber("hidden", 1.0, "crop_keep", 0.035) == 12.0


MBRS = ["mbrs", "mbrs-table1", "mbrs-table1-400", *(f"mbrs-table{i}" for i in range(2, 7))]


@pytest.mark.parametrize("name", MBRS)
def test_mbrs_suites_carry_each_bit_once(name):
    suite = load_suite(name)
    assert suite.color and suite.redundancy == 1 and suite.watermarks == 1
    assert suite.crop == "random" and suite.rounding == "truncate"
    assert suite.size == ([400, 400] if name.endswith("400") else [128, 128])
    levels = {a.name: len(a.levels) for a in suite.distortions} | {"identity": 1}
    for row in suite.paper:
        assert {k: len(v) for k, v in row["ber"].items()}.items() <= levels.items()
        assert all(0 <= value <= 50 for values in row["ber"].values() for value in values)
        settings = [*suite.strengths, suite.match, None]
        assert row.get("strength", row.get("match")) in settings


@pytest.mark.parametrize(
    ("suite", "network", "match", "attack", "level", "ber"),
    [
        ("mbrs-table1", "mbrs-128", "psnr=36.49", "jpeg", 50, 0.0092),
        ("mbrs-table2", "mbrs-128", "psnr=33.5", "cropout", 0.3, 32.86),
        ("mbrs-table2", "mbrs-128-diffusion", "psnr=33.5", "crop_keep", 0.03515625, 4.15),
        ("mbrs-table2", "mbrs-128-diffusion", "psnr=33.5", "identity", 0, 0.0),
        ("mbrs-table2", "hidden-128", "psnr=33.5", "jpeg", 50, 37.0),
        ("mbrs-table4", "mbrs-table4-mask-q10", "psnr=39", "identity", 0, 0.0004),
        ("mbrs-table4", "mbrs-ss-q50", "psnr=39", "jpeg", 90, 0.00024),
        ("mbrs-table5", "mbrs-mask", "psnr=37.8", "jpeg", 50, 35.65),
        ("mbrs-table5", "mbrs-table5-mask-jpeg", "psnr=37.8", "jpeg", 50, 0.0991),
        ("mbrs-table5", "mbrs-jpeg-identity", "psnr=37.8", "jpeg", 50, 0.0084),
        ("mbrs-table5", "mbrs-mask-jpeg-identity", "psnr=37.8", "jpeg", 50, 0.0040),
        ("mbrs-table5", "mbrs-128", "psnr=37.8", "jpeg", 50, 0.0040),
        ("mbrs-table6", "mbrs-table6-oeds", "psnr=40", "jpeg", 10, 49.01),
        ("mbrs-table6", "mbrs-oeds", "psnr=40", "jpeg", 90, 36.08),
        ("mbrs-table6", "mbrs-tsr", "psnr=40", "jpeg", 30, 39.88),
        ("mbrs-table6", "MBRS-TSR-S", "psnr=40", "jpeg", 30, 31.32),
        ("mbrs-table6", "mbrs-table6-mbrs", "psnr=40", "jpeg", 50, 0.081),
        ("mbrs-table6", "mbrs-128", "psnr=41", "jpeg", 50, None),
        ("mbrs-table6", "redmark-mt", "psnr=40", "jpeg", 50, None),
    ],
)
def test_mbrs_numbers_by_name(suite, network, match, attack, level, ber):
    assert load_suite(suite).paper_ber(network, 0.7, attack, level, match) == ber


def test_mbrs_table3():
    suite = load_suite("mbrs-table3")
    assert [suite.paper_row("mbrs-128", s)["psnr"] for s in suite.strengths] == sorted(
        (row["psnr"] for row in suite.paper), reverse=True
    )
    assert suite.paper_ber("mbrs-128", 1.2, "jpeg", 30) == 5.90
    # All but the fewest errors fall with the strength.
    for quality in (90, 70, 50, 30, 10):
        line = [suite.paper_ber("mbrs", s, "jpeg", quality) for s in suite.strengths]
        assert line == sorted(line, reverse=True)


def test_new_strengths_replace_the_match():
    suite = load_suite("mbrs-table1")
    assert suite.strengths_for("mbrs") == [1.0] and suite.match == "psnr=36.49"
    assert suite.replace(strengths=[2.0]).match is None
    assert suite.replace(strengths=[2.0], match="ssim=0.9").match == "ssim=0.9"
    assert suite.replace(watermarks=3).match == "psnr=36.49"


def test_own_suite_from_a_file(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        'kind = "bits"\ntitle = "Mine"\nextends = ["redmark-table5"]\nstrengths = [2.0]\n'
        '[[distortions]]\nname = "webp"\nlevels = [30]\n'
    )
    suite = load_suite(file)
    assert suite.name == "mine"
    assert [a.name for a in suite.distortions] == ["jpeg", "webp"]
    assert suite.distortions[1].show(30) == "30"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title = 'a'\ndistortions = [{name = 'jepg', levels = [1]}]", "mean 'jpeg'"),
        ("title = 'a'\ndistortions = []\nstrenghts = [1]", "mean 'strengths'"),
        ("title = 'a'\ndistortions = []\nvotes = ['sofd']", "mean 'soft'"),
        ("title = 'a'\ndistortions = []\nwatermarks = 0", "watermarks=0"),
        ("title = 'a'\ndistortions = []\nstrengths = []", r"strengths=\[\]"),
        ("title = 'a'\ndistortions = []\nmatch = 'psnr=high'", "match='psnr=high'"),
        ("title = 'a'\ndistortions = []\ncrop = 'center'", "mean 'centre'"),
        ("title = ", "Expected TOML"),
        ("distortions = []", "tables of a suite in .*'title'"),
        ("title = 'a'\ndistortions = 3", "tables of a suite"),
        ("title = 'a'\ndistortions = [{name = 'jpeg'}]", "'levels'"),
        ("title = 'a'\ndistortions = [{name = 'jpeg', levels = 50}]", "levels=50"),
        (
            "title = 'a'\n"
            "distortions = [{name = 'jpeg', levels = [50], options = {sampling = 'x'}}]",
            "mean 'subsampling'",
        ),
        ("title = 'a'\ndistortions = []\npaper = [{network = 'mt'}]", "tables of a suite"),
        ("title = 'a'\ndistortions = []\nstrengths = [0]", r"strengths=\[0\]"),
        ("title = 'a'\ndistortions = []\nnetwork_strengths = {mt = ['a']}", "above 0"),
    ],
)
def test_bad_suite_files(tmp_path, text, message):
    file = tmp_path / "bad.toml"
    file.write_text(f"kind = 'bits'\n{text}")
    with pytest.raises(ValueError, match=message):
        load_suite(str(file))


def test_unknown_suites():
    with pytest.raises(ValueError, match="mean 'redmark-table2'"):
        load_suite("redmark-tabel2")
    with pytest.raises(FileNotFoundError, match=r"nothing\.toml"):
        load_suite("nothing.toml")
    with pytest.raises(ValueError, match="Unknown rounding 'floor'"):
        BitSuite("a", "a", [], rounding="floor")
