import difflib
import os
from pathlib import Path

import tensorflow as tf

from tfwm.networks.card import CARD, read_card
from tfwm.networks.manifest import changed_files
from tfwm.networks.network import Network
from tfwm.networks.tflite_network import TFLiteNetwork
from tfwm.resources import resource_directory


class ExportedNetwork(Network):
    """A network as SavedModel.

    Args:
        path: folder of the SavedModel (the one with `saved_model.pb`).
        name: what reports call it; the folder above by default.
        card: dict.

    Example:

    >>> network = load_network("redmark-mt")
    >>> network.extract(np.full((1, 64, 96, 1), 0.5)).shape
    (1, 8, 12, 1)
    """

    kind = "saved_model"

    def __init__(self, path, name=None, card=None):
        path = Path(path).absolute()
        super().__init__(name or path.parent.name, card)
        try:
            self._model = tf.saved_model.load(str(path))
        except Exception as error:  # a damaged file fails inside TensorFlow in many ways
            raise ValueError(
                f"The network {path} cannot be read, it is incomplete or damaged: {_line(error)}"
            ) from error
        missing = {"embed", "extract"} - set(self._model.signatures)
        if missing:
            raise ValueError(
                f"Expected a SavedModel with the signatures embed and extract. Received: {path} "
                f"with {sorted(self._model.signatures)}"
            )
        self._embed_signature = self._model.signatures["embed"]
        self._extract_signature = self._model.signatures["extract"]
        if "geometry" not in self.card:
            inputs = self._embed_signature.structured_input_signature[1]
            self._find_geometry(inputs["image"].shape[-1], inputs["message"].shape[-1])

    def _embed(self, image, message, strength):
        out = self._embed_signature(
            image=tf.constant(image), message=tf.constant(message), strength=tf.constant(strength)
        )
        return out["watermarked"].numpy()

    def _extract(self, image):
        return self._extract_signature(image=tf.constant(image))["logits"].numpy()


def load_network(name_or_path, num_threads=1):
    """Opens a trained network.

    What it reads is compared first with the checksums of a `manifest.json` beside it.

    Args:
        name_or_path: name of a network that comes with tfwm (see `list_networks`), or path of
            a network's folder, of the SavedModel in it (`<folder>/1`), or of a `.tflite` file.
        num_threads: threads for a `.tflite` file.

    Returns:
        `ExportedNetwork`, or `TFLiteNetwork` for a `.tflite` file. Raises `ValueError` for an
        unknown name or a damaged network, `FileNotFoundError` for a missing one.

    Example:

    >>> load_network("redmark-mt").name
    'redmark-mt'
    """
    path = network_directory(name_or_path)
    if path.suffix == ".tflite":
        folder, used = path.parent, path.name
    else:
        path = _version_directory(path)
        folder, used = path.parent, f"{path.name}/"
    damaged = changed_files(folder, (used, CARD))
    if damaged:
        raise ValueError(
            f"The network {folder} is damaged: {damaged[0]}. Install or export it again."
        )
    card = read_card(folder) if (folder / CARD).is_file() else {}
    if path.suffix == ".tflite":
        return TFLiteNetwork(path, card=card, num_threads=num_threads)
    return ExportedNetwork(path, card.get("name"), card)


def list_networks():
    """Returns `{name: card}` of the networks that come with tfwm, in order of name.

    Example:

    >>> for name, card in list_networks().items():
    ...     message = card["description"]
    """
    return {name: read_card(folder) for name, folder in _shipped().items()}


def network_directory(name_or_path):
    """Returns the path that a network's name or path stands for; it exists."""
    name = os.fspath(name_or_path)
    shipped = _shipped()
    if name in shipped:
        return shipped[name]
    path = Path(name)
    if path.is_dir() or (path.is_file() and path.suffix == ".tflite"):
        return path
    if path.exists():
        raise ValueError(f"Expected a network's folder or a .tflite file. Received: {path}")
    if os.sep in name or path.suffix:
        raise FileNotFoundError(f"There is no network at {path}: no such file or folder.")
    near = difflib.get_close_matches(name, shipped, 1, cutoff=0)
    hint = f"Did you mean {near[0]!r}?" if near else "None comes with this installation."
    raise ValueError(f"No network is called {name!r}. {hint} A path to a folder works as well.")


def _shipped():
    try:
        root = resource_directory("saved_models")
    except FileNotFoundError:
        return {}
    folders = sorted(p for p in root.iterdir() if (p / CARD).is_file())
    return {folder.name: folder for folder in folders}


def _version_directory(path):
    if (path / "saved_model.pb").is_file():
        return path.absolute()
    versions = [p for p in path.iterdir() if p.name.isdecimal() and p.is_dir()]
    if not versions:
        raise FileNotFoundError(
            f"There is no network in {path}: expected a SavedModel in {path / '1'}."
        )
    newest = max(versions, key=lambda p: int(p.name))
    if not (newest / "saved_model.pb").is_file():
        raise FileNotFoundError(f"The network {newest} is incomplete: saved_model.pb is missing.")
    return newest.absolute()


def _line(error):
    text = str(error).strip()
    return text.splitlines()[0][:200] if text else type(error).__name__
