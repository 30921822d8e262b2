"""Reading the Keras models of a run or of an exported network."""

from pathlib import Path

import keras

import tfwm.models  # noqa: F401  registers the layers that the models are made of
from tfwm.checks import one_line
from tfwm.networks.kinds import KINDS

# Every kind has one; the first model is called after what it does.
EXTRACTOR = "extractor.keras"


def find_keras_models(folder):
    """Returns the folder that holds the models: `folder`, or the one of its folders that does.

    Args:
        folder: folder of a run, or of an exported network.

    Example:

    >>> find_keras_models("runs/redmark-mt")
    PosixPath('runs/redmark-mt/redmark-mt')
    """
    folder = Path(folder)
    files = {file for kind in KINDS.values() for file in kind.keras_files}
    if any((folder / name).is_file() for name in files):
        return folder
    found = sorted(path.parent for path in folder.glob(f"*/{EXTRACTOR}"))
    if len(found) > 1:
        raise ValueError(f"Several networks are in {folder}: name one, such as {found[0]}.")
    return found[0] if found else folder


def read_keras_models(folder, kind="message"):
    """Reads the two Keras models of a network.

    Args:
        folder: the folder that holds them, see `find_keras_models`.
        kind: `"message"` and `"barrier"` have an embedder and an extractor, `"keyed"` a host and
            an extractor.

    Returns:
        Tuple of two `keras.Model`. Raises `FileNotFoundError` if one is missing, `ValueError` if
        one is damaged.

    Example:

    >>> embedder, extractor = read_keras_models("saved_models/redmark-mt")
    """
    return tuple(read_keras_model(Path(folder) / name) for name in KINDS[kind].keras_files)


def read_keras_model(path):
    """Reads one Keras model, see `read_keras_models`."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no {path.name} in {path.parent}: expected the folder of a finished run or "
            "of an exported network."
        )
    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:  # a damaged archive fails in many ways
        raise ValueError(f"{path} is damaged or not a model of tfwm: {one_line(error)}") from error
