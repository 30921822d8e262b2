"""`.keras` files: what one may consist of, checked before Keras reads it, and reading it."""

import inspect
import io
import math
import tempfile
import zipfile
from pathlib import Path

import h5py
import keras
import tensorflow as tf

import tfwm.models  # noqa: F401  registers the layers that the models are made of
from tfwm.checks import one_line, shortened
from tfwm.networks.card import KINDS
from tfwm.networks.network_files import NetworkFiles
from tfwm.networks.strict_json import parse_json
from tfwm.startup import check_fork

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
MEMBERS = {CONFIG, WEIGHTS, "metadata.json"}
LARGEST_CONFIG, LARGEST_WEIGHTS = 2**24, 2**32
# Layers that compute. The others of Keras read vocabularies, SavedModels or Python: those of
# `preprocessing`, `TFSMLayer`, `TorchModuleWrapper`, `JaxLayer`, `Lambda`.
LAYERS = "activations attention convolutional core merging normalization pooling regularization"
LAYER_HOMES = tuple(f"keras.src.layers.{home}." for home in f"{LAYERS} reshaping rnn".split())
MORE_LAYERS = {"Rescaling", "Resizing", "CenterCrop", "Normalization"}
HOMES = {
    "keras": {"DTypePolicy", "Model", "Sequential", "Functional"},
    "keras.models": {"Model", "Sequential", "Functional"},
    "keras.src.models.functional": {"Functional"},
    "keras.src.models.sequential": {"Sequential"},
    "keras.dtype_policies": {"DTypePolicy", "FloatDTypePolicy"},
    "keras.src.dtype_policies.dtype_policy": {"DTypePolicy", "FloatDTypePolicy"},
    "keras.random": {"SeedGenerator"},
}
PACKAGES = ("keras.initializers", "keras.constraints", "keras.regularizers")
OPERATIONS = ("keras.src.ops.nn", "keras.src.ops.numpy", "keras.src.ops.math", "keras.src.ops.core")
REFUSED = {"Lambda", "Map", "Scan", "WhileLoop", "Cond", "ForiLoop", "Vectorize", "AssociativeScan"}
REFUSED |= {"VectorizedMap", "CustomGradient", "Switch"}
PLAIN = {"__keras_tensor__", "__slice__", "__ellipsis__", "__tensor__", "__numpy__"}
# Seeds and ids may be any number; what makes a layer large may not.
FREE_NUMBERS = ("seed", "shared_object_id")
# More than the 320,000 features of one layer of StegaStamp's authors.
LARGEST_NUMBER = 2**19


def find_keras_models(folder):
    """Returns the folder that holds the models: `folder`, or the one of its folders that does.

    Args:
        folder: folder of a run, or of an exported network.

    Example:

    >>> find_keras_models("runs/redmark-mt")  # doctest: +SKIP
    PosixPath('runs/redmark-mt/redmark-mt')
    """
    folder = Path(folder)
    files = {file for kind in KINDS.values() for file in kind.keras_files}
    if any((folder / name).is_file() for name in files):
        return folder
    found = sorted(path.parent for path in folder.glob("*/extractor.keras"))
    if len(found) > 1:
        raise ValueError(f"Several networks are in {folder}: name one, such as {found[0]}.")
    return found[0] if found else folder


def read_keras_models(folder, kind="message"):
    """Reads the two Keras models of a network.

    Args:
        folder: the folder that holds them, see `find_keras_models`, or its `NetworkFiles`.
        kind: `"message"` and `"barrier"` have an embedder and an extractor, `"keyed"` a host and
            an extractor.

    Returns:
        Tuple of two `keras.Model`. Raises `FileNotFoundError` if one is missing, `ValueError` if
        one is damaged, or has parts that could do more than compute.

    Example:

    >>> from tfwm.networks import network_directory
    >>> embedder, extractor = read_keras_models(network_directory("redmark-mt"))
    """
    files = NetworkFiles.of(folder)
    return tuple(read_keras_model(files.folder / name, files) for name in KINDS[kind].keras_files)


def read_keras_model(path, files=None):
    """Reads one Keras model, see `read_keras_models`."""
    check_fork()
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(
            f"There is no {path.name} in {path.parent}: expected the folder of a finished run or "
            "of an exported network."
        )
    files = files or NetworkFiles(path.parent)
    data = files.read(path.name)
    most = math.inf if files.shipped else check_keras_file(data, path)
    with tempfile.TemporaryDirectory(prefix="tfwm-") as draft:  # what was checked, and nothing else
        copy = Path(draft) / "model.keras"
        copy.write_bytes(data)
        try:
            with tf.variable_creator_scope(_limit(most)):
                model = keras.saving.load_model(copy, compile=False, safe_mode=True)
        except Exception as error:  # a damaged archive fails in many ways
            reason = one_line(error).replace(str(copy), path.name)
            raise ValueError(f"{path} is damaged or not a model of tfwm: {reason}") from error
    if not isinstance(model, keras.Model):
        raise ValueError(f"{path} is damaged or not a model of tfwm: it holds no Keras model")
    return model


def check_keras_file(data, path):
    """Raises `ValueError` if a `.keras` file is damaged or may do more than compute.

    Args:
        data: its bytes.
        path: what the error calls it.

    Returns:
        The number of elements of the weights that it stores.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if len(set(names)) < len(names) or not set(names) <= MEMBERS:
                other = sorted(set(names) - MEMBERS) or names
                raise ValueError(
                    f"it holds {shortened(other[0])}, expected {' and '.join(MEMBERS)}"
                )
            config = parse_json(_member(archive, CONFIG, LARGEST_CONFIG))
            elements = _stored_elements(_member(archive, WEIGHTS, LARGEST_WEIGHTS))
    except (ValueError, OSError, KeyError, RuntimeError, NotImplementedError, EOFError) as error:
        raise ValueError(f"{path} is damaged or not a model of tfwm: {one_line(error)}") from error
    except (zipfile.BadZipFile, zipfile.zlib.error) as error:
        raise ValueError(f"{path} is damaged or not a model of tfwm: {one_line(error)}") from error
    _check_config(config, path)
    return elements


def _member(archive, name, largest):
    size = archive.getinfo(name).file_size
    if size > largest:
        raise ValueError(f"{name} has {size} bytes, expected {largest} at most")
    with archive.open(name) as file:
        return file.read(largest + 1)[:largest]


def _stored_elements(data):
    """Elements of all data sets of an HDF5 file, which must lie in the file itself."""
    found = []

    def look(name, item):
        if isinstance(item, h5py.Dataset) and item.shape is not None:
            size = math.prod(item.shape)
            stored = item.id.get_storage_size()
            bomb = size * item.dtype.itemsize > 1000 * (stored + 64)
            if item.external or item.is_virtual or bomb:
                raise ValueError(f"{WEIGHTS} has data set {shortened(name)} outside of the file")
            found.append(size)
            return
        if not isinstance(item, h5py.Group):  # such as a type with a name
            raise ValueError(f"{WEIGHTS} has {shortened(name)}, which holds no numbers")
        for key in item:
            link = item.get(key, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise ValueError(f"{WEIGHTS} has the link {shortened(key)} to elsewhere")

    with h5py.File(io.BytesIO(data), "r") as file:
        look("", file)
        file.visititems(look)
    return sum(found)


def _check_config(config, path):
    """Raises `ValueError` at the first part that may do more than compute, or at a huge number."""
    stack = [("", config)]
    while stack:
        key, value = stack.pop()
        if isinstance(value, list):
            stack += [(key, inner) for inner in value]
        elif isinstance(value, dict):
            if "class_name" in value and not _allowed(value):
                home = value.get("registered_name") or value.get("module")
                raise ValueError(
                    "Expected layers of Keras and tfwm that compute, or layers that this program "
                    f"registered. Received: {path}, which has {shortened(value['class_name'])} of "
                    f"{shortened(home)}. It is not read."
                )
            stack += value.items()
        elif isinstance(value, int | float) and not str(key).endswith(FREE_NUMBERS):
            if abs(value) > LARGEST_NUMBER and value == int(value):
                raise ValueError(f"{path} is damaged: {shortened(key)} is {shortened(value)}.")


def _allowed(part):
    name, home = part["class_name"], part.get("module")
    registered = part.get("registered_name")
    if not all(isinstance(x, str | None.__class__) for x in (name, home, registered)) or not name:
        return False
    custom = keras.saving.get_registered_object(registered or name)
    if custom is not None:
        layer = isinstance(custom, type) and issubclass(custom, keras.layers.Layer)
        return layer and not issubclass(custom, keras.layers.Lambda)
    if name == "function" and isinstance(part.get("config"), str):
        return home in ("keras.activations", "builtins") and hasattr(
            keras.activations, part["config"]
        )
    if name in PLAIN:
        return True
    if registered not in (None, name) or name in REFUSED or name.startswith("_"):
        return False
    if home == "keras.layers":
        found = getattr(keras.layers, name, None)
        computes = name in MORE_LAYERS or getattr(found, "__module__", "").startswith(LAYER_HOMES)
        return isinstance(found, type) and computes
    known = name in HOMES.get(home, ()) or home in OPERATIONS
    return known or home in PACKAGES and hasattr(keras, home.split(".")[1])


def _limit(most):
    """A creator of variables that refuses more elements than the file stores."""
    left = [2 * most + 2**20]

    def create(next_creator, **arguments):
        value = arguments.get("initial_value")
        made_by = inspect.getclosurevars(value).nonlocals.get("self") if callable(value) else value
        left[0] -= math.prod(getattr(made_by, "shape", None) or ())
        if left[0] < 0:
            raise ValueError("its layers are larger than the weights that it stores")
        return next_creator(**arguments)

    return create
