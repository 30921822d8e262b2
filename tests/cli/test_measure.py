import json
from inspect import signature

from PIL import Image
from skimage import data

from tfwm.cli.measure import MATCHED
from tfwm.evaluation.figures import FIGURES
from tfwm.watermarker import Watermarker

SUITE = """
kind = "bits"
title = "A small table"
placements = ["spread"]
votes = ["soft"]
watermarks = 1
[[distortions]]
name = "jpeg"
levels = [90]
[[paper]]
network = "checker"
strength = 1.0
[paper.ber]
jpeg = [nan]
"""


def test_evaluate(run, saved_network, tmp_path):
    (tmp_path / "photos").mkdir()
    for number, image in enumerate((data.chelsea(), data.coffee())):
        Image.fromarray(image).save(tmp_path / f"photos/{number}.png")
    (tmp_path / "photos/bad.png").write_bytes(b"bad")
    (tmp_path / "small.toml").write_text(SUITE)
    arguments = [
        *["evaluate", saved_network, f"other={saved_network}", "--images", tmp_path / "photos"],
        *["--suite", tmp_path / "small.toml", "--output", tmp_path / "results"],
    ]
    code, out, err = run(*arguments, "--json", "--report", "none")
    assert code == 0 and err.startswith("tfwm: warning: skipped: ") and err.count("\n") == 1
    result = json.loads(out)
    assert result["skipped"] == 1 and result["html"] is None
    rows = [row for row in result["rows"] if row["attack"] == "jpeg"]
    assert [row["network"] for row in rows] == ["checker", "other"]
    assert rows[0]["ber"] == rows[1]["ber"] < 0.2 and rows[0]["paper_ber"] is None
    assert [p.name for p in (tmp_path / "results").iterdir()] == ["small-photos.csv"]
    first = (tmp_path / "results/small-photos.csv").read_text().splitlines()[0]
    assert first == "# tfwm " + " ".join(str(a) for a in [*arguments, "--json", "--report", "none"])
    code, out, _ = run(*arguments, "--limit", 1)
    assert code == 0 and out.splitlines()[1:] == [
        str(tmp_path / "results/small-photos.csv"),
        str(tmp_path / "results/small-photos.html"),
    ]


def test_evaluate_says_what_is_wrong(fails, saved_network, tmp_path):
    (tmp_path / "empty").mkdir()
    output = ["--output", tmp_path / "results"]
    for arguments, words in [
        ([saved_network, "--images", tmp_path / "empty"], "a folder with images"),
        ([saved_network, "--images", tmp_path / "nowhere"], "no such folder"),
        ([saved_network, "--suite", "redmark-tabel3"], "did you mean 'redmark-table3'"),
        ([saved_network, saved_network], "Two networks are called checker"),
        (["redmark-xt"], "Unknown network"),
        ([], "required: NETWORK"),
    ]:
        assert words in fails("evaluate", *arguments, *output)
    assert not (tmp_path / "results").exists()


def test_figures(run, fails, saved_network, tmp_path):
    for name, figure in FIGURES.items():
        known = list(signature(figure.function).parameters)
        assert figure.matched == ("match" in known), name
        assert (known[0] == "folders") >= (figure.takes == "runs"), name
    assert MATCHED == "stegastamp-fig1, stegastamp-fig2, stegastamp-fig3"
    code, out, err = run("figures", "redmark-fig10", saved_network, "--output", tmp_path / "a.png")
    assert (code, out, err) == (0, f"{tmp_path / 'a.png'}\n", "")
    assert Image.open(tmp_path / "a.png").width > 300
    assert "invalid choice" in fails("figures", "redmark-fig1", saved_network)
    words = fails("figures", "redmark-fig6", saved_network, "--match", "psnr=38")
    assert "Expected --match with stegastamp-fig1" in words
    assert "folder of a training run" in fails("figures", "stegastamp-fig4", tmp_path)
    assert "Expected a barrier" in fails("figures", "barrier-fig4", saved_network)
    assert "run of tfwm.recipes.barrier" in fails("figures", "barrier-fig5", tmp_path)
    assert "no such folder" in fails(
        "figures", "redmark-fig6", saved_network, "--images", "nowhere"
    )


def test_conformance(run, fails, saved_network, tmp_path, monkeypatch):
    extract = Watermarker.extract
    quick = lambda self, photo, **how: extract(self, photo, **{**how, "search": "none"})  # noqa: E731
    monkeypatch.setattr(Watermarker, "extract", quick)
    (tmp_path / "photos").mkdir()
    Image.fromarray(data.coffee()[:160, :208]).save(tmp_path / "photos/a.png")
    arguments = ["--suite", "everyday-brief", "--only", "brightness", "--readings", 2]
    where = ["--images", tmp_path / "photos", "--output", tmp_path / "results"]
    kind = ["--report", "conformance"]
    code, out, err = run("evaluate", saved_network, *kind, *arguments, *where)
    assert code == 0 and err == ""
    line, *paths = out.splitlines()
    assert line.startswith("checker: 100.0 % of messages read from marked photos, ")
    assert line.endswith("; 0 of 5 readings without the mark called present")
    assert paths == [
        *(f"{tmp_path}/results/conformance-checker-photos.{end}" for end in ("html", "json")),
        f"{tmp_path}/results/everyday-brief-photos.csv",
    ]
    words = fails("evaluate", saved_network, f"b={saved_network}", *kind, *where)
    assert "Expected one network with --report conformance" in words
    assert "--report conformance only" in fails("evaluate", saved_network, "--readings", 5)
    assert "suite of bits" in fails("evaluate", saved_network, *kind, "--suite", "redmark", *where)
