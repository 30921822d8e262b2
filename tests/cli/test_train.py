"""`tfwm train` and `tfwm data`."""

import io
import subprocess
import sys
import zipfile

import pytest
from PIL import Image


def test_unknown_recipe_and_key(fails, run, tmp_path):
    assert "invalid choice" in fails("train", "nosuch")
    (tmp_path / "a.toml").write_text("steps = 1\n")
    arguments = ["--config", tmp_path / "a.toml", f"output={tmp_path / 'run'}"]
    code, out, err = run("train", "redmark", *arguments, "learning_rat=1")
    assert code == 2 and out == "" and err.count("\n") == 1
    assert "learning_rat" in err and "'learning_rate'" in err
    assert not (tmp_path / "run").exists()


def test_every_recipe_can_be_trained(run, monkeypatch):
    from tfwm.recipes import recipe_names
    from tfwm.recipes.registry import Recipe

    seen = []
    monkeypatch.setattr(Recipe, "main", lambda recipe, words, prog: seen.append((prog, words)))
    names = recipe_names()
    for name in names:
        assert run("train", name, "--config", "quick", "--resume", "steps=4", "output=o")[0] == 0
    words = ["--config", "quick", "--resume", "steps=4", "output=o"]
    assert seen == [(f"tfwm train {name}", words) for name in names]


def test_help_of_a_recipe_explains_its_settings(run):
    code, out, _ = run("train", "mbrs", "--help")
    assert code == 0 and out.startswith("usage: tfwm train mbrs")
    assert "  block_size = 16\n      side in pixels of a bit's block" in out
    assert "  cpu-diffusion " in out and "--resume" in out


def test_data(run, fails, tmp_path):
    code, out, _ = run("data", "--list")
    assert code == 0 and "bsds500" in out and "terms: " in out
    picture = io.BytesIO()
    Image.new("L", (8, 8)).save(picture, "JPEG")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("mirflickr/im1.jpg", picture.getvalue())
    code, out, _ = run("data", "mirflickr25k", "--from", tmp_path / "a.zip", tmp_path / "photos")
    assert code == 0 and out.startswith(f"{tmp_path / 'photos' / 'mirflickr25k'}: 1 photos\nterms")
    assert "did you mean 'bsds500'" in fails("data", "bsd500", tmp_path)
    assert "tfwm data chestxray8 --from" in fails("data", "chestxray8", tmp_path)


def test_shards(run, fails, tmp_path):
    pytest.importorskip("array_record")
    (tmp_path / "photos").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "photos" / "a.png")
    words = ["data", "shards", "--from", tmp_path / "photos", tmp_path / "shards"]
    assert run(*words)[:2] == (0, f"{tmp_path / 'shards'}: 1 photos\n")
    assert "it is kept: remove it" in fails(*words)
    assert "Expected --from" in fails("data", "shards", tmp_path / "other")


@pytest.mark.parametrize("words", [["redmark", "--steps", "3"], ["--steps=3", "redmark"]])
def test_a_setting_is_no_option(fails, words):
    assert "unknown option --steps: write steps=3 (help: tfwm train" in fails("train", *words)


def test_resume_needs_a_run(fails, tmp_path):
    text = fails("train", "redmark", "--resume", f"output={tmp_path / 'none'}")
    assert f"no run in {tmp_path / 'none'} to go on with: leave out --resume to start" in text
    assert not (tmp_path / "none").exists()


def test_help_has_the_summary_of_each_recipe(run):
    from tfwm.recipes import find_recipe, recipe_names

    out = run("train", "--help")[1]
    assert all(f"  {name:<12} {find_recipe(name).summary}\n" in out for name in recipe_names())


@pytest.mark.parametrize("words", [["--list"], ["bsds500", "--from", "missing", "nowhere"]])
def test_data_does_not_start_tensorflow(words):
    code = (
        "import atexit, sys; from tfwm import cli\n"
        "atexit.register(lambda: print('tensorflow' in sys.modules))\n"
        f"cli.main(['data', *{words}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("False\n")
