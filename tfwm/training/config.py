"""Settings of a run: a dataclass, filled from TOML and `key=value` words."""

import copy
import dataclasses
import json
import math
import tomllib
from pathlib import Path

from tfwm.checks import nearest


class ConfigError(ValueError):
    """A setting that cannot be used; the message is one line for the user."""


def setting(default, text, choices=(), least=0, most=math.inf):
    """Return a dataclass field with a default and a sentence that says what it means.

    A subclass that only changes the default needs no new sentence: `setting_texts` finds it.

    Args:
        default: any value; lists and dicts are copied for each config.
        text: what the setting means, for the help and for the documentation.
        choices: values that it takes, see `check_values`; all by default.
        least: the smallest number that it takes, and `most` the largest.

    Example:

    >>> @dataclasses.dataclass
    ... class Config:
    ...     steps: int = setting(100, "training steps")
    >>> setting_texts(Config)
    {'steps': 'training steps'}
    """
    metadata = {"text": text, "choices": choices, "range": (least, most)}
    if isinstance(default, list | dict):
        return dataclasses.field(default_factory=lambda: copy.deepcopy(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def setting_texts(config_class):
    """Return a dict of each setting's name and what it means, in the order of the fields."""
    return _metadata(config_class, "text", "")


def check_values(config):
    """Raise `ConfigError` for a setting that is none of its choices, or a number out of range.

    Numbers, also those in lists, are finite and in the range that `setting` says.
    """
    for name, choices in _metadata(type(config), "choices", ()).items():
        value = getattr(config, name)
        if choices and value not in choices:
            names = ", ".join(choice or '""' for choice in choices)
            article = "an" if name[0] in "aeiou" else "a"
            raise ConfigError(f"Expected {article} {name} of {names}. Received: {name}={value!r}")
    for name, (least, most) in _metadata(type(config), "range", (0, math.inf)).items():
        value = getattr(config, name)
        for number in value if isinstance(value, list) else [value]:
            if not isinstance(number, int | float):
                continue
            if not least <= number <= most or math.isinf(number):
                end = f"{least} or more" if most == math.inf else f"{least} to {most}"
                raise ConfigError(f"Expected {name} of {end}. Received: {name}={value!r}")


def load_config(config_class, path=None, overrides=()):
    """Build a config from defaults, a TOML file and overrides, in this order.

    Args:
        config_class: a dataclass; its defaults are the paper's settings.
        path: TOML file, or `None`.
        overrides: words `key=value`; the value is read as TOML, or else as text. A setting that
            takes a list also takes one item of it: `photos=my/photos`.

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
    fields = [field.name for field in dataclasses.fields(config_class)]
    defaults = config_class()
    for key, value in values.items():
        try:
            nearest("setting", key, fields)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        values[key] = _check_type(key, value, getattr(defaults, key))
    return config_class(**values)


def save_config(config, path):
    """Write the resolved config as a TOML file that `load_config` reads again."""
    lines = [
        f"{key} = {to_toml(value)}"
        for key, value in dataclasses.asdict(config).items()
        if value is not None
    ]
    Path(path).write_text("\n".join(lines) + "\n", "utf-8", "backslashreplace")


def to_toml(value):
    """Return a value as TOML text on one line."""
    if isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(to_toml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {to_toml(v)}" for k, v in value.items()) + " }"
    return repr(value)


def _metadata(config_class, key, default):
    found = {}
    for base in reversed(config_class.__mro__):
        for field in vars(base).get("__dataclass_fields__", {}).values():
            found[field.name] = field.metadata.get(key) or found.get(field.name, default)
    return {field.name: found[field.name] for field in dataclasses.fields(config_class)}


def _read(path):
    try:
        return tomllib.loads(Path(path).read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"Cannot read the config {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no valid TOML: {error}") from error


def _parse(text):
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _check_type(key, value, default):
    if default is None:
        return value
    if isinstance(default, list) and isinstance(value, str | dict):
        return [value]
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, bool) != isinstance(default, bool) or not isinstance(value, type(default)):
        raise ConfigError(
            f"Setting {key!r} takes {type(default).__name__} like {default!r}. Received: {value!r}"
        )
    return value
