"""The cards of the shipped networks say what results/ say."""

import runpy
import shutil
from pathlib import Path

import pytest

from tfwm.export import verify
from tfwm.networks import read_card

ROOT = Path(__file__).resolve().parents[2]
ROWS = """# run
# versions
network,strength,attack,psnr,ber
a,1.0,jpeg,40,0.1
a,1.0,blur,42,0.3
a,0.5,jpeg,46,
b,1.0,jpeg,30,0.5
"""
ENTRY = """[[results]]
networks = ["tiny"]
file = "attacks.csv"
select = [{ network = "a" }]
each = "attack"
mean = ["psnr"]
"""


@pytest.fixture(scope="module")
def cards():
    path = ROOT / "tools" / "cards.py"
    if not path.is_file():
        pytest.skip("needs the checkout with tools/")
    return runpy.run_path(str(path))


@pytest.fixture
def results(tmp_path):
    path = tmp_path / "results" / "attacks.csv"
    path.parent.mkdir()
    path.write_text(ROWS)
    return path


def test_shipped_cards_are_what_results_say(cards, capsys):
    assert cards["main"](["--check"]) == 0, capsys.readouterr().out
    assert len(cards["networks"]()) == 14


def test_command_of_a_run_whose_rows_were_kept(cards, results):
    results.write_text("# late\n# rows of b: early\nrun,ber\na,0.1\nb,0.2\n")
    found = [cards["summarize"](results, {"run": run}, ["ber"])["command"] for run in "ab"]
    assert found == ["late", "early"]


def test_means(cards, results):
    summarize = cards["summarize"]
    found = summarize(results, {"network": "a", "strength": 1}, ["psnr", "ber"])
    assert found == {
        "file": "attacks.csv",
        "command": "run",
        "select": {"network": "a", "strength": 1},
        "rows": 2,
        "psnr": 41.0,
        "ber": 0.2,
    }
    assert summarize(results, {"strength": 0.5}, ["ber"])["ber"] is None


def test_one_record_for_each_value(cards, results):
    (results.parent / "cards.toml").write_text(ENTRY)
    found = cards["results_of"]("tiny", results.parent)
    assert [(r["select"]["attack"], r["psnr"]) for r in found] == [("jpeg", 43.0), ("blur", 42.0)]


def test_terms_of_the_training_data(cards, results):
    terms = (
        '[[data]]\nname = "lakes"\nterms = "CC0"\n[[data]]\nname = "birds"\nterms = "research"\n'
    )
    (results.parent / "cards.toml").write_text(terms)
    found = cards["licence_of"]("photos/birds, lakes; 8 crops seen", results.parent)
    assert found["training_data"].startswith("lakes: CC0; birds: research. The MIT licence covers")
    with pytest.raises(ValueError, match="no terms for: seas"):
        cards["licence_of"]("seas", results.parent)


def test_errors(cards, results):
    with pytest.raises(ValueError, match="has no column 'ssim'"):
        cards["summarize"](results, {"network": "a"}, ["ssim"])
    with pytest.raises(ValueError, match="has no row with"):
        cards["summarize"](results, {"network": "c"}, ["ber"])


def test_into_a_package(cards, results, packaged, tmp_path):
    folder = shutil.copytree(packaged, tmp_path / "tiny")
    summary = cards["summarize"](results, {"network": "a"}, ["psnr"])
    cards["write"](folder, {**read_card(folder), "results": [summary]})
    assert read_card(folder)["results"] == [summary]
    assert verify(folder).passed
    (folder / "golden.npz").unlink()
    with pytest.raises(ValueError, match="golden.npz is missing"):
        cards["write"](folder, read_card(folder))
