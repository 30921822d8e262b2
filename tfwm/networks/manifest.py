"""`manifest.json`: size and SHA-256 of every file of a network."""

import functools
import hashlib
import json
import re
from importlib import resources
from pathlib import Path

from tfwm.files import write_whole
from tfwm.networks.inside import inside, list_files, read_inside
from tfwm.networks.signing import SIGNATURE
from tfwm.networks.strict_json import parse_json

MANIFEST = "manifest.json"
SHIPPED = "shipped.json"


def write_manifest(folder):
    """Writes `manifest.json` with size and SHA-256 of every other file in `folder`.

    Args:
        folder: a network's folder.

    Returns:
        The written dict, `{"files": {path: {"size": bytes, "sha256": hex}}}`.
    """
    folder = Path(folder)
    files = {name: _entry(read_inside(folder, name)) for name in _names(folder)}
    manifest = {"files": files}
    write_whole(folder / MANIFEST, json.dumps(manifest, indent=2) + "\n")
    return manifest


def read_manifest(folder):
    """Returns the dict that `write_manifest` wrote; `ValueError` if it is damaged."""
    path = Path(folder) / MANIFEST
    return {"files": parse_manifest(read_inside(folder, MANIFEST), path)}


def parse_manifest(data, path):
    """Returns the files that the bytes of a manifest list.

    Args:
        data: bytes.
        path: what an error calls it.
    """
    try:
        files = parse_json(data)["files"]
        if not all(map(_is_entry, files.values())):
            raise ValueError("an entry has no size and SHA-256")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged: it is no manifest of a network.") from error
    for name in files:
        inside(Path(path).parent, name)
    return files


def changed_files(folder, left_out=(), listed=None):
    """Compares the files of a network with its manifest.

    Args:
        folder: a network's folder; without a manifest nothing is compared.
        left_out: tuple of how the paths of files start that may be missing, such as `"1/"`.
        listed: what to compare with, by default what the manifest lists.

    Returns:
        List of one line for each missing, changed or unlisted file.
    """
    folder = Path(folder)
    if listed is None:
        if not (folder / MANIFEST).exists():
            return []
        listed = read_manifest(folder)["files"]
    here = {name for name in listed if (folder / name).exists()}
    lacking = (n for n in listed if n not in here and not n.startswith(tuple(left_out)))
    problems = [f"{name} is missing" for name in lacking]
    problems += filter(None, (_problem(folder, name, listed) for name in listed if name in here))
    unlisted = [name for name in _names(folder) if name not in listed]
    return problems + [f"{name} is not listed in {MANIFEST}" for name in unlisted]


def compare(name, data, listed, where=MANIFEST):
    """Returns a line if the bytes of a file are not what is listed `where`, else `None`."""
    entry = listed.get(name)
    if entry is None:
        return f"{name} is not listed in {where}"
    if len(data) != entry["size"]:
        return f"{name} has {len(data)} bytes instead of {entry['size']}"
    if _entry(data) != entry:
        return f"{name} has changed, its SHA-256 is not the one in {where}"
    return None


@functools.cache
def shipped_networks():
    """Returns `{network: {file: {"size", "sha256"}}}` of those that come with this version.

    `tools/shipped.py` writes the file that holds them.
    """
    return json.loads(resources.files("tfwm.networks").joinpath(SHIPPED).read_bytes())


def shipped_entries(folder):
    """Returns what `shipped_networks` holds of a network, made from its files: its manifest too."""
    data = read_inside(folder, MANIFEST)
    return {**parse_manifest(data, Path(folder) / MANIFEST), MANIFEST: _entry(data)}


def _problem(folder, name, listed):
    try:
        return compare(name, read_inside(folder, name), listed)
    except (OSError, ValueError) as error:
        return f"{name} cannot be read: {error}"


def _entry(data):
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _is_entry(entry):
    size, digest = entry["size"], entry["sha256"]
    return set(entry) == {"size", "sha256"} and isinstance(size, int) and _is_digest(digest)


def _is_digest(text):
    return isinstance(text, str) and re.fullmatch("[0-9a-f]{64}", text) is not None


def _names(folder):
    return [name for name in list_files(folder) if name not in (MANIFEST, SIGNATURE)]
