"""What needs no TensorFlow is checked before it starts, which takes seconds."""

import os
import subprocess
import sys

import pytest
from PIL import Image
from skimage import data

RUN = """
import contextlib, io, json, sys
from tfwm import cli
for words in json.loads(sys.argv[1]):
    err = io.StringIO()
    with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
        try:
            code = cli.main(words)
        except SystemExit as end:
            code = end.code
    print(json.dumps([words, code, err.getvalue(), "tensorflow" in sys.modules]))
    if "tensorflow" in sys.modules:
        break
"""


@pytest.fixture
def place(tmp_path):
    Image.fromarray(data.chelsea()).save(tmp_path / "a.jpg")
    Image.fromarray(data.chelsea()).save(tmp_path / "there.png")
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "empty").mkdir()
    (tmp_path / "two").mkdir()
    for name in "bc":
        (tmp_path / "two" / f"{name}.jpg").write_bytes((tmp_path / "a.jpg").read_bytes())
    (tmp_path / "my.key").write_text("0123456789abcdef" * 4)
    return tmp_path


def run_all(commands, folder):
    import json

    result = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(commands)],
        cwd=folder,
        env={**os.environ, "TFWM_KEY": "0123456789abcdef" * 4},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


LONG = "x" * 65
EMBED = ["embed", "a.jpg", "-o", "o.png"]
HI = ["--message", "hi"]
BARRIER = ["--barrier", "barrier-derain"]
MISTAKES = [
    ([*EMBED, *HI, "--network", "nosuch"], "Unknown network"),
    ([*EMBED, *HI, "--network", ""], "Expected a network's name"),
    ([*EMBED, *HI, "--network", "barrier-derain"], "a barrier network"),
    ([*EMBED, *HI, "--network", "keyed-colorize"], "a keyed network"),
    ([*EMBED, *HI, "--network", "empty"], "There is no network in"),
    ([*EMBED, "--message", LONG], "at most 64 bytes"),
    ([*EMBED, "--message", "abc", "--network", "stegastamp-original"], "at most 2 bytes"),
    (["embed", "two", "-o", "out", "--message", LONG], "at most 64 bytes"),
    (["embed", "text.jpg", "-o", "o.png", *HI], "is not an image"),
    (["embed", "none.jpg", "-o", "o.png", *HI], "does not exist"),
    (["embed", "empty", "-o", "out", *HI], "holds no photos"),
    (["embed", "two", "-o", "a.jpg", *HI], "is a file"),
    (["embed", "two", "-o", "out", "--messages", "none.csv"], "none.csv"),
    (["embed", "a.jpg", "none.jpg", "-o", "out", *HI], "does not exist"),
    ([*EMBED[:3], "there.png", *HI], "exists"),
    ([*EMBED, *HI, "--strength", "1e30"], "a strength above 0, up to 256"),
    (["extract", "text.jpg"], "is not an image"),
    (["extract", "empty"], "holds no photos"),
    (["extract", "a.jpg", "--network", "barrier-derain"], "a barrier network"),
    (["extract", "a.jpg", "--corners", "0,0", "9999,0", "9999,99", "0,99"], "within the photo"),
    (["extract", "two", "--report", "x.xyz"], "ends in .csv or .json"),
    (["report", "none.jpg", *HI], "does not exist"),
    (["report", "a.jpg", *HI, "-o", "a.jpg"], "ends in .html"),
    (["report", "a.jpg", *HI, "--suite", "nosuch"], "Unknown suite"),
    (["report", "a.jpg", "--message", LONG], "at most 64 bytes"),
    (["demo", "--network", "barrier-derain"], "a barrier network"),
    (["evaluate", "nosuch"], "Unknown network"),
    (["evaluate", "barrier-derain"], "carry messages"),
    (["evaluate", "photo", "--suite", "nosuch"], "Unknown suite"),
    (["evaluate", "photo", "--images", "empty"], "which has none"),
    (["evaluate", "photo", "--only", "nosuch"], "Unknown distortion"),
    (["evaluate", "photo", "--output", "a.jpg/results"], "is a file"),
    (["figures", "redmark-fig6", "nosuch"], "Unknown network"),
    (["figures", "redmark-fig6", "photo", "--match", "x"], "--match"),
    (["verify", "nosuch"], "Unknown network"),
    (["export", "photo", "two"], "exists"),
    (["convert", "redmark", "none.h5", "out"], "does not exist"),
    (["convert", "redmark", "two", "out"], "Expected a file"),
    (["convert", "redmark", "a.jpg", "out", "--trust"], "goes with stegastamp"),
    (["convert", "stegastamp", "a.jpg", "out"], "Expected the folder of a SavedModel"),
    (["convert", "stegastamp", "two", "out", "--golden", "a.jpg"], "goes with redmark"),
    (["barrier", "protect", "a.jpg", "-o", "o.png", "--barrier", "photo"], "Expected a barrier"),
    (["barrier", "protect", "empty", "-o", "out", *BARRIER], "holds no images"),
    (["barrier", "protect", "a.jpg", "-o", "there.png", *BARRIER], "exists"),
    (["barrier", "read", "none.jpg", "-o", "o.png", *BARRIER], "does not exist"),
    (["barrier", "prove", "a.jpg", "--unmarked", "empty", *BARRIER], "holds no images"),
    (["keyed", "commit", "photo", "-o", "c.json"], "Expected a keyed"),
    (["keyed", "commit", "keyed-colorize", "-o", "a.jpg"], "exists"),
    (["keyed", "prove", "empty", "--network", "keyed-colorize"], "holds no images"),
]


def test_mistakes(place):
    before = sorted(place.rglob("*"))
    results = run_all([words for words, _ in MISTAKES], place)
    for (words, told), (ran, code, err, started) in zip(MISTAKES, results, strict=True):
        assert words == ran and (code, started) == (2, False), (words, code, err, started)
        assert told in err and err.count("\n") == 1, (words, err)
    assert sorted(place.rglob("*")) == before


def test_lists_and_help(place):
    commands = [
        ["list"],
        ["list", "--json"],
        ["--help"],
        ["evaluate", "--help"],
        ["data", "--list"],
    ]
    assert all(not started for *_, started in run_all(commands, place))


def test_one_damaged_card_does_not_hide_the_others(run, tmp_path, monkeypatch):
    for name, text in {"damaged": "{", "whole": None}.items():
        (tmp_path / name).mkdir()
        if text:
            (tmp_path / name / "card.json").write_text(text)
    monkeypatch.setenv("TFWM_NETWORKS", str(tmp_path))
    code, out, err = run("list")
    assert code == 0 and "\nphoto\n" in out
    assert err.count("\n") == 1 and str(tmp_path / "damaged" / "card.json") in err


def test_nothing_is_suggested_that_is_not_near(fails):
    assert "did you mean" not in fails("verify", "nosuch")
    assert "did you mean 'photo'?" in fails("verify", "fotos")


def test_near_words_are_suggested(fails):
    assert "'extarct'; did you mean extract?" in fails("extarct", "a.jpg")
    assert "did you mean protect?" in fails("barrier", "protec", "a.jpg")
    assert "did you mean redmark-fig6?" in fails("figures", "redmark-fg6", "photo")
    assert "did you mean" not in fails("xyz")
    for words in (["embed", "a"], ["extract", "a"], ["barrier", "read", "a"], ["evaluate", "a"]):
        assert "did you mean --json?" in fails(*words, "--jsno")


@pytest.mark.slow
def test_a_script_with_all_of_provenance_is_quiet():
    environment = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-c", "from tfwm.provenance import *; print(StampLayer.__name__)"]
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (result.stdout, result.stderr) == ("StampLayer\n", "")
