import dataclasses

import pytest

from tfwm.training import ConfigError, load_config, save_config
from tfwm.training.config import setting, setting_texts


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


def test_one_item_needs_no_list():
    config = load_config(Config, overrides=["photos=my/photos", 'attacks={name="JPEG"}'])
    assert config.photos == ["my/photos"] and config.attacks == [{"name": "JPEG"}]


def test_texts_of_settings_come_from_the_base_class():
    @dataclasses.dataclass
    class Base:
        steps: int = setting(100, "training steps")
        photos: list = setting(["a"], "sources")

    @dataclasses.dataclass
    class Derived(Base):
        steps: int = 7
        width: int = setting(3, "channels")

    texts = {"steps": "training steps", "photos": "sources", "width": "channels"}
    assert setting_texts(Derived) == texts and Derived().steps == 7
    Derived().photos.append("b")
    assert Derived().photos == ["a"]


def test_saved_config_reads_back(tmp_path):
    config = Config(name='a "b" \\ c', attacks=[{"name": "JPEG", "quality": [40, 92]}], resume=True)
    save_config(config, tmp_path / "c.toml")
    assert load_config(Config, tmp_path / "c.toml") == config


@pytest.mark.parametrize(
    "words, message",
    [
        (["stps=3"], "did you mean 'steps'"),
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
