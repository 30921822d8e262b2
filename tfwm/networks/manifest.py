"""`manifest.json`: size and SHA-256 of every file of a network."""

import hashlib
import json
from pathlib import Path

from tfwm.files import write_whole

MANIFEST = "manifest.json"


def write_manifest(folder):
    """Writes `manifest.json` with size and SHA-256 of every other file in `folder`.

    Args:
        folder: a network's folder.

    Returns:
        The written dict, `{"files": {path: {"size": bytes, "sha256": hex}}}`.
    """
    folder = Path(folder)
    files = {
        name: {"size": (folder / name).stat().st_size, "sha256": sha256(folder / name)}
        for name in _names(folder)
    }
    manifest = {"files": files}
    write_whole(folder / MANIFEST, json.dumps(manifest, indent=2) + "\n")
    return manifest


def read_manifest(folder):
    """Returns the dict that `write_manifest` wrote; `ValueError` if it is damaged."""
    path = Path(folder) / MANIFEST
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        for entry in files.values():
            int(entry["size"]), str(entry["sha256"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged: it is no manifest of a network.") from error
    return {"files": files}


def changed_files(folder, prefix="", left_out=()):
    """Compares the files of a network with its manifest.

    Args:
        folder: a network's folder; without a manifest nothing is compared.
        prefix: only files whose path starts with this, such as `"1/"`, or with one of a tuple.
        left_out: tuple of such prefixes of files that may be missing.

    Returns:
        List of one line for each missing, changed or unlisted file.
    """
    folder = Path(folder)
    if not (folder / MANIFEST).is_file():
        return []
    listed = read_manifest(folder)["files"]
    problems = []
    for name, entry in listed.items():
        if not name.startswith(prefix):
            continue
        path = folder / name
        if not path.is_file():
            if name.startswith(tuple(left_out)):
                continue
            problems.append(f"{name} is missing")
        elif path.stat().st_size != entry["size"]:
            problems.append(f"{name} has {path.stat().st_size} bytes instead of {entry['size']}")
        elif sha256(path) != entry["sha256"]:
            problems.append(f"{name} has changed, its SHA-256 is not the one in {MANIFEST}")
    unlisted = [n for n in _names(folder) if n.startswith(prefix) and n not in listed]
    return problems + [f"{name} is not listed in {MANIFEST}" for name in unlisted]


def _names(folder):
    files = (p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    return sorted(n for n in files if n != MANIFEST and not Path(n).name.startswith("."))


def sha256(path):
    """Returns the SHA-256 of a file in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
