"""Reading the Keras models of a run or of an exported network."""

from pathlib import Path

import keras

import tfwm.models  # noqa: F401  registers the layers that the models are made of

KERAS_FILES = ("embedder.keras", "extractor.keras")


def find_keras_models(folder):
    """Returns the folder that holds the models: `folder`, or the one of its folders that does.

    Args:
        folder: folder of a run, or of an exported network.

    Example:

    >>> find_keras_models("runs/redmark-mt")
    PosixPath('runs/redmark-mt/redmark-mt')
    """
    folder = Path(folder)
    if any((folder / name).is_file() for name in KERAS_FILES):
        return folder
    found = sorted(path.parent for path in folder.glob(f"*/{KERAS_FILES[0]}"))
    if len(found) > 1:
        raise ValueError(f"Several networks are in {folder}: name one, such as {found[0]}.")
    return found[0] if found else folder


def read_keras_models(folder):
    """Reads `embedder.keras` and `extractor.keras`.

    Args:
        folder: the folder that holds them, see `find_keras_models`.

    Returns:
        `(embedder, extractor)`, two `keras.Model`. Raises `FileNotFoundError` if there is
        none, `ValueError` if one is damaged.

    Example:

    >>> embedder, extractor = read_keras_models("saved_models/redmark-mt")
    """
    folder = Path(folder)
    models = []
    for name in KERAS_FILES:
        path = folder / name
        if not path.is_file():
            raise FileNotFoundError(
                f"There is no {name} in {folder}: expected the folder of a finished run or of an "
                "exported network."
            )
        try:
            models.append(keras.saving.load_model(path, compile=False))
        except Exception as error:  # a damaged archive fails in many ways
            reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
            raise ValueError(f"{path} is damaged or not a model of tfwm: {reason}") from error
    return tuple(models)
