"""What an earlier run did: how it marked, and whether its outputs are still what it wrote."""

import dataclasses
import os
import secrets
from pathlib import Path

from tfwm.batch.run import DONE_BEFORE, Skip
from tfwm.files import sha256
from tfwm.images import ImageError
from tfwm.keys import Key

PUBLIC = "public"


def key_id(key, salt=None):
    """Returns a name of a key, to tell whether another one is the same; see `is_key`.

    It is salted, so that names of different reports cannot be compared, and has 32 bits. Who
    guesses the key pays scrypt for each try, as with a marked photo.

    Args:
        key: as for `Key`.
        salt: eight hexadecimal digits; random by default.

    Example:

    >>> key_id(None), len(key_id("secret"))
    ('public', 17)
    """
    key = Key(key)
    if key.is_public:
        return PUBLIC
    salt = salt or secrets.token_hex(4)
    return f"{salt}-{key.stream(f'report {salt}', 4).hex()}"


def is_key(key, name):
    """Returns whether a key has this name, as `key_id` gave it."""
    return key_id(key, str(name).partition("-")[0]) == name


def settings_of(options):
    """Returns in one text how a mark was asked for, without the key: what is not the default.

    Args:
        options: `tfwm.marking.EmbedOptions`.
    """
    asked = {"strength": options.strength} if options.psnr is None else {}
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        plain = field.name in ("key", "strength") or value == field.default
        if not plain and (field.name, value) != ("over", True):
            asked[field.name] = value
    return " ".join(
        f"{name}={value:g}" if isinstance(value, float | int) else f"{name}={value}"
        for name, value in asked.items()
    )


def is_as_written(path, row):
    """Returns whether a file has the size and the digest that a row tells."""
    return os.path.getsize(path) == row["bytes"] and sha256(path) == row["sha256"]


def refuse_done(job, earlier, wanted, options, overwrite, is_marked):
    """Raises `Skip` if an earlier run marked a photo as is wanted, `ImageError` if otherwise.

    Args:
        job: the photo's.
        earlier: the row of the earlier run, `{}` if there is none.
        wanted: the row as far as it is known before the work.
        options: `tfwm.marking.EmbedOptions`, whose `key` and `over` count.
        overwrite: whether photos are marked again.
        is_marked: function of a path that returns whether the key's mark is in the photo.
    """
    if earlier.get("status") != "done" or not job.output.exists():
        return
    # To mark a marked photo again would put a second mark over the first one.
    replaces = os.path.samefile(job.source, job.output)
    if overwrite and not replaces:
        return
    other = _difference(job, earlier, wanted, options.key, replaces)
    if not other:
        raise Skip(DONE_BEFORE)
    if replaces and options.over:
        return
    if replaces:
        changed = earlier.get("sha256") and not is_as_written(job.output, earlier)
        if changed and not is_marked(job.output):
            return  # the unmarked photo was put back
        raise ImageError(
            f"{job.source} is marked already, and {other}: put the unmarked photo back first, "
            "or add --over."
        )
    raise ImageError(
        f"{job.output} {other}: add --overwrite to mark the photo again, or choose another folder."
    )


def _difference(job, earlier, wanted, key, replaces):
    for name in ("message", "kind"):
        if str(earlier.get(name)) != str(wanted[name]):
            return "has another message"
    if not earlier.get("sha256"):
        return ""  # a report of an older version, which knows no more
    if not is_key(key, earlier["key_id"]):
        return "was marked with another key"
    for name, what in (("network", "by the network"), ("settings", "with")):
        if earlier[name] != wanted[name]:
            return f"was marked {what} {earlier[name]}"
    made_of = None if replaces else earlier.get("source_sha256")
    if made_of and sha256(job.source) != made_of:
        return "was made of another photo, or before this one was edited"
    return "" if is_as_written(job.output, earlier) else "was changed after it was marked"


def same_bytes(encoded, path):
    """Returns whether a file holds just these bytes."""
    return os.path.getsize(path) == len(encoded) and Path(path).read_bytes() == encoded
