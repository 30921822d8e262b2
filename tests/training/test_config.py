import dataclasses

import pytest

from tfwm.training import ConfigError, load_config, save_config


@dataclasses.dataclass
class Config:
    steps: int = 100
    learning_rate: float = 1e-3
    name: str = "net"
    resume: bool = False
    photos: list = dataclasses.field(default_factory=lambda: ["a"])
    attacks: list = dataclasses.field(default_factory=list)


def test_overrides_win_over_the_file_and_the_file_over_defaults(tmp_path):
    file = tmp_path / "a.toml"
    file.write_text('steps = 7\nname = "from file"\n')
    config = load_config(Config, file, ["steps=8", 'photos=["x", "y"]', "learning_rate=1"])
    assert (config.steps, config.name, config.learning_rate) == (8, "from file", 1.0)
    assert config.photos == ["x", "y"]


def test_bare_text_needs_no_quotes():
    assert load_config(Config, overrides=["name=runs/a"]).name == "runs/a"


def test_saved_config_reads_back(tmp_path):
    config = Config(name='a "b" \\ c', attacks=[{"name": "JPEG", "quality": [40, 92]}], resume=True)
    save_config(config, tmp_path / "c.toml")
    assert load_config(Config, tmp_path / "c.toml") == config


@pytest.mark.parametrize(
    "words, message",
    [
        (["stps=3"], "nearest is 'steps'"),
        (["steps"], "key=value"),
        (["steps=many"], "takes int"),
        (["steps=true"], "takes int"),
        (["resume=1"], "takes bool"),
        (["name=3"], "takes str"),
    ],
)
def test_bad_words(words, message):
    with pytest.raises(ConfigError, match=message):
        load_config(Config, overrides=words)


def test_bad_files(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        load_config(Config, tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("steps = ")
    with pytest.raises(ConfigError, match="no valid TOML"):
        load_config(Config, tmp_path / "bad.toml")
