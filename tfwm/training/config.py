"""Recipes' settings: a dataclass, filled from TOML and `key=value` words."""

import dataclasses
import difflib
import tomllib
from pathlib import Path


class ConfigError(ValueError):
    """A setting that cannot be used; the message is one line for the user."""


def load_config(config_class, path=None, overrides=()):
    """Builds a config from defaults, a TOML file and overrides, in this order.

    Args:
        config_class: a dataclass; its defaults are the paper's settings.
        path: TOML file, or `None`.
        overrides: words `key=value`; the value is read as TOML, or else as text.

    Returns:
        An instance of `config_class`.

    Raises:
        ConfigError: unknown key (names the nearest), wrong type, unreadable file.

    Example:

    >>> @dataclasses.dataclass
    ... class Config:
    ...     steps: int = 100
    >>> load_config(Config, overrides=["steps=7"])
    Config(steps=7)
    """
    values = _read(path) if path is not None else {}
    for word in overrides:
        key, equals, text = word.partition("=")
        if not equals:
            raise ConfigError(f"Expected key=value. Received: {word!r}")
        values[key] = _parse(text)
    fields = {field.name: field for field in dataclasses.fields(config_class)}
    defaults = config_class()
    for key, value in values.items():
        if key not in fields:
            near = difflib.get_close_matches(key, fields, 1, 0.4)
            hint = f"the nearest is {near[0]!r}" if near else f"known: {', '.join(fields)}"
            raise ConfigError(f"Unknown setting {key!r}; {hint}")
        values[key] = _check_type(key, value, getattr(defaults, key))
    return config_class(**values)


def save_config(config, path):
    """Writes the resolved config as a TOML file that `load_config` reads again."""
    lines = [
        f"{key} = {_to_toml(value)}"
        for key, value in dataclasses.asdict(config).items()
        if value is not None
    ]
    Path(path).write_text("\n".join(lines) + "\n")


def _read(path):
    try:
        return tomllib.loads(Path(path).read_text())
    except OSError as error:
        raise ConfigError(f"Cannot read the config {path}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is no valid TOML: {error}") from error


def _parse(text):
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _check_type(key, value, default):
    if default is None:
        return value
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, bool) != isinstance(default, bool) or not isinstance(value, type(default)):
        raise ConfigError(
            f"Setting {key!r} takes {type(default).__name__} like {default!r}. Received: {value!r}"
        )
    return value


def _to_toml(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_to_toml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_to_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    return repr(value)
