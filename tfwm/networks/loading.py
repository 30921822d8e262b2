"""Networks from disk, in whichever form is there, and networks made of models in memory."""

from tfwm.layers import SpaceToPatches
from tfwm.networks.card import CARD, kind_of, read_card
from tfwm.networks.forms import available_form, form_files, open_files, open_keras
from tfwm.networks.manifest import changed_files
from tfwm.networks.network import Network
from tfwm.networks.places import network_directory


def load_network(name_or_path, num_threads=1):
    """Opens a trained embedder and its extractor: arrays in, arrays out.

    Compares what it reads with the checksums of the `manifest.json` beside it. From a network's
    folder it takes the SavedModel, or where an install lacks that, a TFLite file or the Keras
    files.

    Args:
        name_or_path: name of a network (see `list_networks`), or path of a network's folder, of
            the SavedModel in it (`<folder>/1`), or of a `.tflite` file.
        num_threads: threads for a `.tflite` file.

    Returns:
        `Network`, of the kind `"message"` or `"barrier"`. Raises `ValueError` for an unknown
        name, a damaged network, or a keyed one, which has no embedder; `FileNotFoundError` for a
        missing one. `tfwm.load` opens networks of all kinds for use on photos.

    Example:

    >>> network = load_network("redmark-mt")
    >>> network.extract(np.full((1, 64, 96, 1), 0.5)).shape
    (1, 8, 12, 1)
    """
    path = network_directory(name_or_path).absolute()
    files = [path] if path.suffix == ".tflite" else [path / "saved_model.pb"]
    folder = path.parent if files[0].is_file() else path
    card = read_card(folder) if (folder / CARD).is_file() else {}
    kind = kind_of(card)
    if kind.name == "keyed":
        raise ValueError(
            f"Expected a network with an embedder. Received: {card['name']}, a keyed host, which "
            "`tfwm keyed` and tfwm.load take, and the report of its recipe measures"
        )
    if folder == path:
        files = form_files(available_form(folder, card), folder, card)
    used = [file.relative_to(folder).as_posix().removesuffix("saved_model.pb") for file in files]
    problems = changed_files(folder, (*used, CARD))
    if problems:
        raise ValueError(
            f"The network {folder} is damaged: {problems[0]}. Install or export it again."
        )
    name = path.stem if path.suffix == ".tflite" else card.get("name", folder.name)
    return Network(name, card, open_files(files, kind, num_threads))


class KerasNetwork(Network):
    """An embedder and an extractor in memory.

    Both run as compiled graphs. Weights may go on changing: the graphs follow them.

    Args:
        embedder: `keras.Model`, such as `tfwm.models.redmark.build_embedder` gives.
        extractor: `keras.Model`, such as `tfwm.models.redmark.build_extractor` gives.
        name: what reports call it.
        card: dict; without one, the geometry is read off the models.

    Example:

    >>> from tfwm.models.redmark import build_embedder, build_extractor
    >>> network = KerasNetwork(build_embedder(), build_extractor())
    >>> network.extract(np.full((1, 64, 96, 1), 0.5)).shape
    (1, 8, 12, 1)
    """

    def __init__(self, embedder, extractor, name="network", card=None):
        self.embedder = embedder
        self.extractor = extractor
        layers = [layer for layer in embedder.layers if isinstance(layer, SpaceToPatches)]
        patch = [layer.patch_shape for layer in layers if layer.name == "image_patches"]
        form = open_keras(embedder, extractor)
        super().__init__(name, card, form, patch[0] if patch else (1, 1))
