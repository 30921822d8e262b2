"""Networks from disk, in whichever form is there."""

from tfwm.checks import nearest
from tfwm.networks.card import kind_of
from tfwm.networks.fit import check_fit
from tfwm.networks.forms import RUNTIMES, available_form, form_files, open_files
from tfwm.networks.network import Network
from tfwm.networks.network_files import NetworkFiles
from tfwm.networks.places import network_directory


def load_network(name_or_path, num_threads=1, trust=False, runtime="auto"):
    """Opens a trained embedder and its extractor: arrays in, arrays out.

    Compares what it reads with the checksums of the `manifest.json` beside it, of a network that
    comes with tfwm with those in the package, and checks that the card fits. From a network's
    folder it takes the TFLite file in float32, which LiteRT runs without TensorFlow; else the
    SavedModel if it comes with tfwm or is trusted, another TFLite file, or the Keras files.

    Args:
        name_or_path: name of a network (see `list_networks`), or path of a network's folder, of
            the SavedModel in it (`<folder>/1`), or of a `.tflite` file.
        num_threads: threads for a `.tflite` file.
        trust: whether a SavedModel that does not come with tfwm may be run. Also then its
            operations must only compute.
        runtime: `"auto"`; `"lite"` for a TFLite file in any case; `"tensorflow"` for the SavedModel
            or the Keras files, whose marked photos differ in a few values by one level.

    Returns:
        `Network`, of the kind `"message"` or `"barrier"`. Raises `ValueError` for an unknown
        name, a damaged network, or a keyed one, which has no embedder; `FileNotFoundError` for a
        missing one; `ImportError` for one that needs TensorFlow where there is none. `tfwm.load`
        opens networks of all kinds for use on photos.

    Example:

    >>> network = load_network("redmark-mt")
    >>> network.extract(np.full((1, 64, 96, 1), 0.5)).shape
    (1, 8, 12, 1)
    """
    path = network_directory(name_or_path).absolute()
    names = [path.name] if path.suffix == ".tflite" else [f"{path.name}/saved_model.pb"]
    is_form = (path.parent / names[0]).is_file()
    files = NetworkFiles(path.parent if is_form else path, trust)
    card, kind = files.card, kind_of(files.card)
    if kind.name == "keyed":
        raise ValueError(
            f"Expected a network with an embedder. Received: {card['name']}, a keyed host, which "
            "`tfwm keyed` and tfwm.load take, and the report of its recipe measures"
        )
    nearest("runtime", runtime, RUNTIMES)
    if is_form and runtime != "auto" and (runtime == "lite") != (path.suffix == ".tflite"):
        raise ValueError(f"{path} is not for the runtime {runtime}: name the network's folder.")
    if not is_form:
        paths = form_files(available_form(files, card, runtime), files.folder, card)
        names = [file.relative_to(files.folder).as_posix() for file in paths]
    form = open_files(files, names, kind, num_threads)
    if not files.shipped:
        check_fit(card, form)
    files.warn_if_uncompared()
    name = path.stem if path.suffix == ".tflite" else card.get("name", files.folder.name)
    return Network(name, card, form)
