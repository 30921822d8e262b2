"""Checks of arguments, and the one-line errors that they end in."""

import argparse
import contextlib
import difflib
import importlib
import itertools
import math
import numbers
import re
import sys

from tfwm.console import in_one_line, tell

# What argparse says of a word that is none of several.
CHOICE = re.compile(r"invalid choice: '([^']*)' \(choose from (.*)\)")


def _nearest_choice(found):
    near = difflib.get_close_matches(found[1], re.findall(r"[\w-]+", found[2]), 1, 0.6)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"invalid choice: {found[1]!r}; {hint}Choose from {found[2]}"


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, and name an unknown option first."""

    takes_settings, words = False, ()

    def __init__(self, **kwargs):
        kwargs = {"allow_abbrev": False} | kwargs  # a cut name may mean another option
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs)

    def parse_known_args(self, args=None, namespace=None):
        self.words = sys.argv[1:] if args is None else list(args)
        namespace, extra = super().parse_known_args(args, namespace)
        if any(word.startswith("--") for word in extra):
            self.error(f"unrecognized arguments: {' '.join(extra)}")
        return namespace, extra

    def error(self, message):
        message = message if "expected one argument" in message else self._unknown() or message
        message = CHOICE.sub(_nearest_choice, message)
        self.exit(2, f"tfwm: error: {in_one_line(message)} (help: {self.prog} --help)\n")

    def _unknown(self):
        known, words = [option[2:] for option in self._option_string_actions], self.words
        if any(action.nargs in (argparse.PARSER, argparse.REMAINDER) for action in self._actions):
            words = itertools.takewhile(lambda word: word[:1] == "-", words)  # then a command's own
        for word, after in zip(words, [*self.words[1:], "..."], strict=False):
            name, _, value = word[2:].partition("=")
            if word[:2] != "--" or any(option.startswith(name) for option in known):
                continue
            near = difflib.get_close_matches(name, known, 1, 0.7)
            hint = f"; did you mean --{near[0]}?" if near else ""
            if self.takes_settings and not near:
                hint = f": write {name.replace('-', '_')}={value or after}"
            return f"unknown option --{name}{hint}"
        return ""


def is_number(value, kind=float):
    """Returns whether a value is a finite number, Python's or NumPy's, and no bool.

    Args:
        value: anything.
        kind: `float`, or `int` for whole numbers of an integer type.

    Example:

    >>> is_number(2), is_number(np.float32(0.5)), is_number(True), is_number(10**400)
    (True, True, False, False)
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return False
    if kind is int:
        return isinstance(value, numbers.Integral)
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def check_number(name, value, low, high, what, open_ends=False, kind=float):
    """Returns `value` as a number of Python, or raises ValueError.

    Args:
        name: of the argument.
        value: what was given.
        low: least value.
        high: largest value.
        what: what was expected, in words: `"a PSNR from 20 to 60 dB"`.
        open_ends: whether the least and the largest value are outside.
        kind: `float` or `int`.

    Example:

    >>> check_number("psnr", 99, 20, 60, "a PSNR from 20 to 60 dB")
    Traceback (most recent call last):
    ...
    ValueError: Expected a PSNR from 20 to 60 dB. Received: psnr=99
    """
    inside = is_number(value, kind) and (low < value < high if open_ends else low <= value <= high)
    if not inside:
        raise ValueError(f"Expected {what}. Received: {name}={shortened(value)}")
    return kind(value)


def shortened(value, length=60):
    """Returns the `repr` of a value for an error message: one line, cut where it is long."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python does not write out the longest integers
        text = "a number of thousands of digits"
    return text if len(text) <= length else f"{text[:length]}..."


def number_or_range(name, value, low=0.0, high=float("inf"), kind=float):
    """Returns `value` as a number or as a `(low, high)` tuple, or raises ValueError."""
    is_range = isinstance(value, list | tuple)
    values = value if is_range else [value]
    valid = all(isinstance(x, int | float) and low <= x <= high for x in values)
    if kind is int:
        valid = valid and all(float(x).is_integer() for x in values)
    if is_range:
        valid = valid and len(value) == 2 and value[0] <= value[1]
    if not valid:
        what = "an integer" if kind is int else "a number"
        raise ValueError(
            f"Expected {what} from {low} to {high}, or a pair (low, high) of them to draw one "
            f"per image. Received: {name}={value!r}"
        )
    values = tuple(kind(x) for x in values)
    return values if is_range else values[0]


def largest(value):
    """Returns the upper end of a number or range."""
    return value[1] if isinstance(value, tuple) else value


def smallest(value):
    """Returns the lower end of a number or range."""
    return value[0] if isinstance(value, tuple) else value


def odd_size(name, value):
    """Returns `value` if it is an odd positive integer, or raises ValueError."""
    if not isinstance(value, int) or value < 1 or value % 2 == 0:
        raise ValueError(f"Expected an odd positive integer. Received: {name}={value!r}")
    return value


def one_of(name, value, choices):
    """Returns `value` if it is among `choices`, or raises ValueError."""
    if not isinstance(value, str | int | type(None)) or value not in choices:
        raise ValueError(f"Expected one of {tuple(choices)}. Received: {name}={shortened(value)}")
    return value


def nearest(what, name, known, cutoff=0.4):
    """Returns `name` if it is among `known`, or raises ValueError that names the nearest.

    Args:
        what: noun for the error message, such as `"suite"`.
        name: the name that was asked for.
        known: names, or a dict of them.
        cutoff: least likeness, 0 to 1, at which the nearest name is suggested.

    Returns:
        `name`.

    Example:

    >>> nearest("fruit", "aple", ["apple", "pear"])
    Traceback (most recent call last):
    ...
    ValueError: Unknown fruit 'aple'; did you mean 'apple'? Known: apple, pear
    """
    if name in known:
        return name
    names = sorted(str(key) for key in known)
    alike = {key.lower(): key for key in names}
    near = difflib.get_close_matches(str(name).lower(), alike, 1, cutoff)
    hint = f"; did you mean {alike[near[0]]!r}?" if near else "."
    raise ValueError(f"Unknown {what} {shortened(name)}{hint} Known: {', '.join(names) or 'none'}")


def unicode_text(what, text):
    """Returns a word of a command line as text, or raises ValueError in one line.

    Where the locale is not UTF-8, Python hands over an argument's other bytes one by one; if all
    of them are UTF-8, they are put together.

    Args:
        what: what it is, for the error message.
        text: the word.

    Example:

    >>> unicode_text("message", "\\udcc3\\udca9")
    'é'
    """
    with contextlib.suppress(UnicodeError):
        text = text.encode("utf-8", "surrogateescape").decode("utf-8")
    return as_utf8(what, text).decode("utf-8")


def as_utf8(what, text):
    """Returns a text in UTF-8, or raises ValueError in one line that does not tell the text."""
    try:
        return text.encode("utf-8")
    except UnicodeError:
        raise ValueError(
            f"Expected a {what} of Unicode text. Received: bytes that are no UTF-8, or half a "
            "character; type it again, or set the locale to UTF-8"
        ) from None


def show_warning(message, *_):
    """Prints a warning as one line."""
    tell("warning", " ".join(str(message).split()))


def one_line(error, length=200):
    """Returns the first line of an exception's text, or its type's name if it has none."""
    lines = str(error).strip().splitlines()
    return lines[0][:length] if lines else type(error).__name__


def by_name(things, what):
    """Returns a dict of things by name, from such a dict or a list of things with a `name`.

    Args:
        things: dict or list, at least one.
        what: noun for one of them in error messages.
    """
    if not isinstance(things, dict):
        named = {thing.name: thing for thing in things}
        if len(named) != len(things):
            raise ValueError(
                f"Expected {what}s of different names. "
                f"Received: {[thing.name for thing in things]}; pass a dict"
            )
        things = named
    if not things:
        raise ValueError(f"Expected at least one {what}. Received: none")
    return things


def need(module, extra):
    """Imports a library that only some parts of the package need.

    Args:
        module: name of the module, such as `"matplotlib.figure"`.
        extra: the extra that installs it: `"train"`, `"evaluate"`, `"protect"`.

    Returns:
        The module. Raises `ImportError`, one line that says how to install it.

    Example:

    >>> need("json", "train").dumps([1])
    '[1]'
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        library = module.partition(".")[0]
        raise ImportError(
            f"This needs the library {library}, which is not installed: pip install 'tfwm[{extra}]'"
        ) from error
    except Exception as error:  # such as protobuf's VersionError
        library = module.partition(".")[0]
        raise ImportError(
            f"The library {library} is installed and does not start, often beside others of a "
            f"wrong version: pip install 'tfwm[{extra}]'. It says: {one_line(error)}"
        ) from error
