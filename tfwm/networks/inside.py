"""Files inside of a folder that others filled: no way out, regular files, bounded sizes."""

import os
import re
import stat
from pathlib import Path

from tfwm.checks import shortened

# Bytes; other files may be larger than any network today.
LARGEST = {
    "card.json": 2**20,
    "manifest.json": 2**22,
    "manifest.json.sig": 2**14,
    "golden.npz": 2**26,
    "watermark.png": 2**24,
}
LARGEST_FILE = 2**32
# What stands in no name that is good on all systems: a drive, or more than a name may be long.
ODD = re.compile(r"[\\\0\ud800-\udc7f\udd00-\udfff]|^[A-Za-z]:|[^/]{256}")
MOST_FILES = 10_000


def inside(folder, name):
    """Returns the real path of a name in a folder; `ValueError` if it leads outside.

    Args:
        folder: `pathlib.Path`; it may be a symbolic link.
        name: path with `/`.
    """
    parts = name.split("/")
    odd = {"", ".", ".."} & set(parts) or ODD.search(name)
    root = os.path.realpath(folder)
    path = None if odd else os.path.realpath(os.path.join(root, *parts))
    if path is None or os.path.commonpath((root, path)) != root:
        raise ValueError(
            f"Expected files inside of {folder}. Received: {shortened(name)}, which leads outside "
            "or names no file. Copy the file into the network's folder."
        )
    return Path(path)


def read_inside(folder, name):
    """Returns the bytes of a regular file in a folder, of bounded size."""
    path = inside(folder, name)
    largest = LARGEST.get(name.rpartition("/")[2], LARGEST_FILE)
    shown = Path(folder) / name
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError(f"Expected a regular file. Received: {shown}, which is none.")
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
        with open(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(largest + 1) if size <= largest else b""
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no {name} in {folder}.") from None
    if max(size, len(data)) > largest:
        raise ValueError(f"{shown} has {size} bytes. Expected {largest} at most.")
    return data


def list_files(folder):
    """Returns the names of all files in a folder but hidden ones, sorted."""
    found = []
    for where, folders, files in os.walk(folder):
        folders.sort()
        place = Path(where).relative_to(folder)
        found += [(place / name).as_posix() for name in files if not name.startswith(".")]
        if len(found) > MOST_FILES:
            raise ValueError(f"Expected a network's folder. Received: {folder}, with so many files")
    return sorted(found)
