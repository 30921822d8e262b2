"""The name in a signpost: the host to ask about a photo, packed into few bytes."""

import re

from tfwm.checks import shortened

# 40 characters, three in 16 bits; the first one fills up the end.
ALPHABET = " abcdefghijklmnopqrstuvwxyz0123456789-.:"
GROUP, GROUP_BYTES = 3, 2
MOST = 24
NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")


def pack_name(name: str) -> bytes:
    """Returns a host's name as the bytes of a signpost, two for three characters.

    Args:
        name: such as `"c2pa.example.org"` or `"localhost:8766"`: letters, digits, `-`, `.` and
            perhaps a port; up to 24 characters. Up to 12 are read from much worse copies.

    Example:

    >>> pack_name("example.org").hex()
    '230153cc253f7198'
    """
    text = name.lower() if isinstance(name, str) else ""
    if not NAME.fullmatch(text) or len(text) > MOST:
        raise ValueError(
            f"Expected the name of a host, up to {MOST} of a-z, 0-9, '-' and '.', such as "
            f"c2pa.example.org, without https://. Received: {shortened(name)}"
        )
    numbers = [ALPHABET.index(c) for c in text + " " * (-len(text) % GROUP)]
    groups = zip(*(numbers[start::GROUP] for start in range(GROUP)), strict=True)
    return b"".join((1600 * a + 40 * b + c).to_bytes(GROUP_BYTES, "big") for a, b, c in groups)


def unpack_name(data) -> str | None:
    """Returns the name in the bytes of a signpost; `None` if they hold none.

    Example:

    >>> unpack_name(pack_name("example.org"))
    'example.org'
    """
    if not isinstance(data, bytes) or len(data) % GROUP_BYTES:
        return None
    text = ""
    for start in range(0, len(data), GROUP_BYTES):
        number = int.from_bytes(data[start : start + GROUP_BYTES], "big")
        if number >= len(ALPHABET) ** GROUP:
            return None
        text += "".join(ALPHABET[number // 40**power % 40] for power in (2, 1, 0))
    text = text.rstrip(" ")
    return text if NAME.fullmatch(text) else None
