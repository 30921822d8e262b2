"""JSON from files that others wrote: finite numbers, no name twice, no endless nesting."""

import json
import math

from tfwm.checks import shortened


def parse_json(data):
    """Returns what JSON in UTF-8 holds; `ValueError`, in one line, for what has no clear meaning.

    Args:
        data: bytes.

    Example:

    >>> parse_json(b'{"bits": 1, "bits": 2}')
    Traceback (most recent call last):
    ...
    ValueError: the name 'bits' is there twice
    """
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_finite,
            parse_float=_finite,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _unique(pairs):
    found = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the name {shortened(name)} is there twice")
        found[name] = value
    return found


def _finite(text):
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{shortened(text)} is no finite number")
    return value
