"""Suites by name or from TOML files."""

import functools
import tomllib
from pathlib import Path

from tfwm.checks import nearest
from tfwm.evaluation.bits.suite import BitSuite
from tfwm.evaluation.messages.suite import MessageSuite
from tfwm.evaluation.suite import Suite, fields_of

FOLDER = Path(__file__).parent
KINDS = {suite.kind: suite for suite in (BitSuite, MessageSuite)}


def list_suites():
    """Returns the names of the suites that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_suite(name):
    """Loads a suite by its name or from a TOML file.

    A file has a `kind`, `"bits"` or `"messages"`, the arguments of `BitSuite` or
    `MessageSuite`, `[[distortions]]` and, for bits, `[[paper]]`. `extends` lists suites whose
    distortions and paper's rows come first.

    Args:
        name: one of `list_suites()`, a path that ends in `.toml`, or a `Suite`.

    Returns:
        `BitSuite` or `MessageSuite`.
    """
    if isinstance(name, Suite):
        return name
    path = Path(name)
    if path.suffix != ".toml":
        path = FOLDER / f"{nearest('suite', str(name), list_suites())}.toml"
    elif not path.is_file():
        raise FileNotFoundError(f"Expected a suite's TOML file. Received: {path}, no such file")
    try:
        return _make_suite(tomllib.loads(path.read_text(encoding="utf-8")), path.stem)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"Expected TOML in {path}: {error}") from None
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"Expected the tables of a suite in {path}: {error}") from error


def _make_suite(data, name):
    """The suite that a file's tables stand for, upon those that it extends."""
    kind = data.pop("kind", None)
    if kind not in KINDS:
        raise ValueError(
            f"Expected kind = {' or '.join(map(repr, KINDS))} in the suite {name}. "
            f"Received: kind={kind!r}"
        )
    suite = KINDS[kind]
    for key in data:
        nearest("key of a suite", key, [*fields_of(suite), "extends"])
    bases = [load_suite(base) for base in data.pop("extends", [])]
    inherited = [d for base in bases for d in base.distortions]
    data["distortions"] = inherited + data.get("distortions", [])
    if "paper" in fields_of(suite):
        papers = [*(base.paper for base in bases), data.get("paper", [])]
        data["paper"] = functools.reduce(_merge, papers, [])
    return suite(name=name, **data)


def _merge(rows, more):
    """Joins rows of the same network and strength or match."""
    merged = [dict(row, ber=dict(row.get("ber", {}))) for row in rows]
    for row in more:
        for old in merged:
            if all(old.get(key) == row.get(key) for key in ("network", "strength", "match")):
                old["ber"].update(row["ber"])
                break
        else:
            merged.append(dict(row, ber=dict(row["ber"])))
    return merged
