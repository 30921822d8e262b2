"""Fields and files in one body: a line of JSON, then the files one after another.

An example is `{"message": "...", "parts": {"photo": 12345}}\\n`, then the 12345 bytes of the
photo. Requests and answers use it; a browser makes one with a `Blob`, without encoding files.
"""

import json


def pack(fields, parts=None):
    """Returns the bytes of a body.

    Args:
        fields: dict of values for JSON; `parts` is added.
        parts: dict of names and bytes.

    Example:

    >>> unpack(pack({"a": 1}, {"photo": b"xyz"}))
    ({'a': 1}, {'photo': b'xyz'})
    """
    parts = parts or {}
    head = {**fields, "parts": {name: len(data) for name, data in parts.items()}}
    return b"".join([json.dumps(head, allow_nan=False).encode(), b"\n", *parts.values()])


def unpack(body):
    """Returns `(fields, parts)` of a body, or raises ValueError."""
    line, _, rest = body.partition(b"\n")
    try:
        fields = json.loads(line)
        sizes = dict(fields.pop("parts", {}))
        if not all(isinstance(n, int) and n >= 0 for n in sizes.values()):
            raise ValueError
        if sum(sizes.values()) != len(rest):
            raise ValueError
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise ValueError("The request is not one of this page: reload the page.") from None
    parts, start = {}, 0
    for name, size in sizes.items():
        parts[name] = rest[start : start + size]
        start += size
    return fields, parts
