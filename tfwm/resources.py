"""Where the data files of the package lie: trained networks and recipes."""

from pathlib import Path

RESOURCES = ("saved_models", "recipes")


def resource_directory(name):
    """Returns the folder of the files that come with the package.

    An installed wheel holds them inside the package (`tfwm/_saved_models`), a checkout
    beside it (`saved_models`).

    Args:
        name: `"saved_models"` or `"recipes"`.

    Returns:
        `pathlib.Path` of an existing folder.

    Example:

    >>> resource_directory("recipes").is_dir()
    True
    """
    if name not in RESOURCES:
        raise ValueError(f"Expected one of {RESOURCES}. Received: name={name!r}")
    package = Path(__file__).resolve().parent
    for folder in (package / f"_{name}", package.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(
        f"The {name} of tfwm are not installed: neither {package / f'_{name}'} nor "
        f"{package.parent / name} is a folder. Install tfwm again from its wheel."
    )
