"""Where networks lie: the search path, and finding one by its name."""

import os
import warnings
from pathlib import Path

from tfwm.checks import nearest, shortened
from tfwm.networks.card import CARD, read_card
from tfwm.resources import resource_directory

VARIABLE = "TFWM_NETWORKS"


def search_path():
    """Returns the folders in which networks are looked for by name, in this order.

    First those of the environment variable `TFWM_NETWORKS` (several are separated as in `PATH`),
    then the networks that come with tfwm: `saved_models/` of a checkout, or what the wheel holds.
    """
    folders = [Path(part) for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]
    for folder in folders:
        if not os.path.isdir(folder):  # which raises nothing where it may not look
            raise ValueError(
                f"Expected folders of networks in {VARIABLE}. Received: {folder}, no folder"
            )
    try:
        folders.append(resource_directory("saved_models"))
    except FileNotFoundError:
        pass
    return folders


def list_networks():
    """Returns `{name: card}` of the networks on the search path, in order of name.

    A network whose card is damaged is left out, with a warning that names it.

    Example:

    >>> for name, card in list_networks().items():
    ...     message = card["description"]
    """
    cards = {}
    for name, folder in sorted(_folders().items()):
        try:
            cards[name] = read_card(folder)
        except (OSError, ValueError) as error:
            warnings.warn(f"left out {name}: {error}", stacklevel=2)
    return cards


def network_names():
    """Returns the names of the networks on the search path, sorted, damaged ones too."""
    return sorted(_folders())


def network_directory(name_or_path):
    """Returns the path that a network's name or path stands for; it exists.

    Args:
        name_or_path: name of a network on the search path, or the path of a network's folder or
            of a `.tflite` file.

    Returns:
        `pathlib.Path`. Raises `ValueError` for an unknown name, `FileNotFoundError` for a path
        that does not exist.
    """
    if not isinstance(name_or_path, str | os.PathLike) or not os.fspath(name_or_path):
        raise ValueError(
            "Expected a network's name (tfwm list), or the path of its folder or .tflite file. "
            f"Received: {shortened(name_or_path)}"
        )
    name = os.fspath(name_or_path)
    known = _folders()
    if name in known:
        return known[name]
    path = Path(name)
    if path.is_dir() or (path.is_file() and path.suffix == ".tflite"):
        return path
    if path.exists():
        raise ValueError(f"Expected a network's folder or a .tflite file. Received: {path}")
    if os.sep in name or path.suffix:
        raise FileNotFoundError(f"There is no network at {path}: no such file or folder.")
    if not known:
        raise ValueError(
            f"Unknown network {name!r}: none comes with this install. Give the path of a network's "
            f"folder, or set {VARIABLE} to a folder of networks."
        )
    return known[nearest("network", name, known, cutoff=0.6)]


def is_partial(folder):
    """Returns whether a network comes with an installed wheel, which may lack some of its forms."""
    return Path(folder).absolute().parent.name == "_saved_models"


def how_to_get(name):
    """Returns a sentence that tells how to get what this install lacks of a network."""
    return (
        f"It comes with the repository of tfwm, in saved_models/{name}, not with this install: "
        f"set {VARIABLE} to the saved_models folder of a checkout."
    )


def _folders():
    found = {}
    for root in search_path():
        try:
            folders = list(root.iterdir())
        except OSError as error:
            raise ValueError(
                f"Expected folders of networks that may be read, in {VARIABLE} or of this install. "
                f"Received: {root} ({error.strerror})"
            ) from error
        for folder in folders:
            if os.path.isfile(folder / CARD):
                found.setdefault(folder.name, folder)
    return found
