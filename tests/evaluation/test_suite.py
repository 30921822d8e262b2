import math

import pytest

from tfwm.evaluation import Suite, list_suites, load_suite

SUITES = ("redmark", "redmark-table2", "redmark-table3", "redmark-table4", "redmark-table5")


def test_all_suites_load():
    assert set(SUITES) <= set(list_suites())
    for name in list_suites():
        suite = load_suite(name)
        assert suite.name == name and suite.title and suite.attacks


def test_redmark_has_both_tables():
    suite = load_suite("redmark")
    assert len(suite.attacks) == 10
    assert sum(len(attack.levels) for attack in suite.attacks) == 30
    left_out = {(a.name, level) for a in suite.attacks for level in a.unpromising}
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
    levels = {a.name: a.levels for a in suite.attacks}
    assert levels["crop_keep"] == levels["cropping"] == [0.035]
    assert suite.bits == 30 and suite.size == [128, 128] and suite.color
    assert suite.paper_ber("hidden", 1.0, "crop_keep", 0.035) == 12.0


def test_own_suite_from_a_file(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        'title = "Mine"\nextends = ["redmark-table5"]\nstrengths = [2.0]\n'
        '[[attacks]]\nname = "webp"\nlevels = [30]\n'
    )
    suite = load_suite(file)
    assert suite.name == "mine"
    assert [a.name for a in suite.attacks] == ["jpeg", "webp"]
    assert suite.attacks[1].show(30) == "30"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title = 'a'\nattacks = [{name = 'jepg', levels = [1]}]", "mean 'jpeg'"),
        ("title = 'a'\nattacks = []\nstrenghts = [1]", "mean 'strengths'"),
        ("title = 'a'\nattacks = []\nvotes = ['sofd']", "mean 'soft'"),
        ("title = 'a'\nattacks = []\nwatermarks = 0", "watermarks=0"),
        ("title = ", "Expected TOML"),
        ("attacks = []", "tables of a suite in .*'title'"),
        ("title = 'a'\nattacks = 3", "tables of a suite"),
        ("title = 'a'\nattacks = [{name = 'jpeg'}]", "'levels'"),
        ("title = 'a'\nattacks = [{name = 'jpeg', levels = 50}]", "levels=50"),
        (
            "title = 'a'\nattacks = [{name = 'jpeg', levels = [50], options = {sampling = 'x'}}]",
            "mean 'subsampling'",
        ),
        ("title = 'a'\nattacks = []\npaper = [{network = 'mt'}]", "tables of a suite"),
        ("title = 'a'\nattacks = []\nstrengths = [0]", r"strengths=\[0\]"),
        ("title = 'a'\nattacks = []\nnetwork_strengths = {mt = ['a']}", "above 0"),
    ],
)
def test_bad_suite_files(tmp_path, text, message):
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        load_suite(str(file))


def test_unknown_suites():
    with pytest.raises(ValueError, match="mean 'redmark-table2'"):
        load_suite("redmark-tabel2")
    with pytest.raises(FileNotFoundError, match=r"nothing\.toml"):
        load_suite("nothing.toml")
    with pytest.raises(ValueError, match="Unknown rounding 'floor'"):
        Suite("a", "a", [], rounding="floor")
