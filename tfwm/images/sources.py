"""Where a photo comes from: a file, a pipe, a file object or bytes, opened for reading."""

import contextlib
import io
import os
import re
import stat
from pathlib import Path

from tfwm.images.kinds import HEAD_BYTES, may_be_photo
from tfwm.images.photo import ImageError

# 89.5 megapixels of four channels with 16 bits are 716 MB.
MAX_BYTES = 1 << 30
NAMES = {"<stdin>": "standard input", "": "image"}
PART_BYTES = 1 << 20
# Pipes that the shell has opened for this program, as in `<(command)`.
OPEN_PIPES = re.compile(r"/dev/(stdin|fd/\d+)|/proc/(self|\d+)/fd/\d+")
KINDS = (
    (stat.S_ISFIFO, "pipe"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)


@contextlib.contextmanager
def opened(source):
    """Opens a photo's file for reading.

    Args:
        source: path, bytes or binary file object, which is read from where it stands.

    Yields:
        `(file, name)`: a binary file that can seek, at its start, and its name for errors.

    Raises:
        ImageError: one line, if there is nothing to read.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        yield io.BytesIO(source), "image"
    elif hasattr(source, "read"):
        name = getattr(source, "name", "image")
        name = NAMES.get(name, name) if isinstance(name, str) else "image"
        yield _whole(source, name), name
    else:
        path = Path(source)
        pipe = special(path)
        if pipe == "pipe" and OPEN_PIPES.fullmatch(str(path)):
            with _opened(path) as file:
                yield _whole(file, str(path)), str(path)
            return
        if pipe:
            raise ImageError(not_a_file(path, pipe))
        with _opened(path) as file:
            yield file, str(path)


def special(path):
    """Returns what a path is that is no file and no folder, such as `"pipe"`, or `None`."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return None
    return next((name for test, name in KINDS if test(mode)), None)


def not_a_file(path, kind):
    """Returns the text of the error for what `special` names."""
    return f"{path} is a {kind}: expected a file; `-` stands for the standard input."


@contextlib.contextmanager
def _opened(path):
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise ImageError(f"{path} does not exist: check the path.") from None
    except IsADirectoryError:
        raise ImageError(f"{path} is a folder: expected the path of one photo.") from None
    except PermissionError:
        if path.is_dir():  # Windows
            raise ImageError(f"{path} is a folder: expected the path of one photo.") from None
        raise ImageError(f"{path} may not be read: check its permissions.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"{path} cannot be opened ({reason}): check the path.") from error
    with file:
        yield file


def _whole(stream, name):
    """The rest of a stream in memory; of one that holds no picture, the first bytes only."""
    data = bytearray()
    wanted = HEAD_BYTES
    while len(data) <= MAX_BYTES and (part := stream.read(wanted)):
        if isinstance(part, str):
            raise ImageError(f"{name} is open as text: open it with mode 'rb'.")
        data += part
        if len(data) >= HEAD_BYTES and not may_be_photo(data):
            break
        wanted = PART_BYTES
    if len(data) > MAX_BYTES:
        raise ImageError(f"{name} is too large: expected at most {MAX_BYTES >> 20} MiB.")
    return io.BytesIO(data)
