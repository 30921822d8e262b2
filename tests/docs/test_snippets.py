"""Every command and Python block of README and docs works, or says why it is not run."""

import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from PIL import Image

from tfwm.cli.parser import make_parser

snippets = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("snippets.py"))))
ROOT, blocks, is_foreign = snippets.ROOT, snippets.blocks, snippets.is_foreign
NAMES = {str(page.relative_to(ROOT)): page for page in snippets.PAGES}
BLOCKS = {block.where: block for page in NAMES.values() for block in blocks(page)}
COMMANDS = {
    f"{where} {' '.join(words)}": words
    for where, block in BLOCKS.items()
    if block.language == "console"
    for words in block.commands()
    if not is_foreign(words) and words[0] != "export"
}
EXAMPLES = {" ".join(words): words for words in snippets.help_examples(make_parser())}
RUN = [
    name for name, page in NAMES.items() if any(b.is_run and not b.is_slow for b in blocks(page))
]
SLOW = [name for name, page in NAMES.items() if any(b.is_run and b.is_slow for b in blocks(page))]


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """An otherwise empty folder with the photos that the pages name."""
    from tfwm.data import read_photos

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TFWM_KEY", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    photos = read_photos("bundled:train")
    Image.fromarray(photos[6]).save("photo.jpg", quality=95)
    for folder, side in {"photos": 256, "my/photos": 160, "my/other/photos": 160}.items():
        (tmp_path / folder).mkdir(parents=True)
        for name, photo in zip("abcd", photos, strict=False):
            pixels = np.ascontiguousarray(photo[20 : 20 + side, 20 : 20 + side])
            Image.fromarray(pixels).save(tmp_path / folder / f"{name}.jpg", quality=95)
    policy = keras.config.dtype_policy()
    yield tmp_path
    keras.config.set_dtype_policy(policy)


# Pages on training take long even without their slow blocks.
LONG = (
    "docs/provenance.md",
    "docs/protect-a-model.md",
    "docs/train.md",
    "docs/own-network.md",
)


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.slow] if n in LONG else []) for n in RUN],
)
def test_page_runs(name, workplace):
    snippets.run_page(NAMES[name], slow=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_whole_page_runs(name, workplace):
    snippets.run_page(NAMES[name], slow=True)


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_command_parses(words):
    check(words)


@pytest.mark.parametrize("words", EXAMPLES.values(), ids=EXAMPLES)
def test_example_of_help_parses(words):
    check(words)


def check(words):
    """Parses a command of tfwm, and the settings of a recipe."""
    from tfwm.recipes import find_recipe

    if words == ["python", "-m", "tfwm.recipes"]:
        return
    if words[:2] == ["python", "-m"]:
        words = ["tfwm", "train", words[2].removeprefix("tfwm.recipes."), *words[3:]]
    try:
        make_parser().parse_args(words[1:])
        if words[1] == "train" and len(words) > 2:
            recipe = find_recipe(words[2])
            options = recipe._options(words[3:], "tfwm train")
            config = recipe.load(options.config or "quick", options.settings)
            recipe.check_config(_with_bundled_photos(config))
    except SystemExit as end:
        assert not end.code, "it cannot be parsed; see the error above"


def _with_bundled_photos(config):
    for name in ("validation_photos", "clean_photos"):
        if getattr(config, name, None):
            setattr(config, name, ["bundled:train"])
    config.photos = ["bundled:train"]
    if config.test_photos:
        config.test_photos = "bundled:test"
    if getattr(config, "key_file", ""):
        config.key_file, config.key = "", "a key that only tests have"
    return config


@pytest.mark.parametrize("where", BLOCKS)
def test_block_is_run_or_says_why(where):
    block = BLOCKS[where]
    for note in block.notes:
        assert note == "slow" or note.startswith(("not run: ", "run with: ")), note
    if block.language == "console":
        commands = list(block.commands())
        assert commands, "a block of commands has lines that begin with $"
        foreign = [words for words in commands if is_foreign(words)]
        assert not (block.is_run and foreign), f"say why these are not run: {foreign}"
    else:
        assert block.language in ("python", "csv", "text", "toml", "json", "nginx")


def test_scripts_that_pages_name_exist():
    for block in BLOCKS.values():
        for words in block.commands() if block.language == "console" else ():
            if words[0] == "python" and words[1] != "-m":
                assert (ROOT / words[1]).is_file(), f"{block.where}: {words[1]}"


@pytest.mark.parametrize("name", NAMES)
def test_paths_that_a_page_names_exist(name):
    folders = "tfwm|tools|benchmarks|recipes|results|saved_models|tests|docs"
    for path in re.findall(rf"`((?:{folders})/[\w./*-]+)`", NAMES[name].read_text()):
        assert "mine" in path or any(ROOT.glob(path.rstrip("/"))), path


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200
