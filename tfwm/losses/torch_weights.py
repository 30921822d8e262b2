"""Reading files of PyTorch weights without PyTorch, and without running code in them."""

import collections
import hashlib
import io
import pickle
import types
import zipfile
from pathlib import Path

import keras
import numpy as np

# torch.serialization: files from before PyTorch 1.6 begin with this number.
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_TYPES = {
    "DoubleStorage": np.float64,
    "FloatStorage": np.float32,
    "HalfStorage": np.float16,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
    "ByteStorage": np.uint8,
    "BoolStorage": np.bool_,
}


def read_state_dict(path):
    """Reads a state dict.

    Args:
        path: `.pth` file of `torch.save`, in today's format or that of before PyTorch 1.6, or
            `.npz` file with arrays of the same names.

    Returns:
        A dict from names to NumPy arrays in PyTorch's layout.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"Expected a file of weights. Received: {path}, which is none")
    try:
        if path.suffix == ".npz":
            with np.load(path) as arrays:
                return dict(arrays)
        state = _read_zip(path) if zipfile.is_zipfile(path) else _read_legacy(path)
        return {key: value.array() for key, value in state.items()}
    except (pickle.UnpicklingError, KeyError, ValueError, EOFError, AttributeError) as error:
        raise ValueError(
            f"Expected a state dict as torch.save(model.state_dict(), path) writes it. "
            f"Received: {path} ({error})"
        ) from error


def download(url):
    """Downloads a file into Keras's cache, checks it, and returns its path.

    Args:
        url: address whose file name ends in `-` and the first digits of its SHA-256, as
            PyTorch's do.
    """
    name = url.rsplit("/", 1)[1]
    try:
        path = Path(keras.utils.get_file(name, url, cache_subdir="models"))
    except Exception as error:
        raise OSError(
            f"Could not download {url} ({error}). Get it another way and give its path."
        ) from error
    wanted = Path(name).stem.rsplit("-", 1)[1]
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if not found.startswith(wanted):
        raise OSError(f"Expected {path} to have a SHA-256 of {wanted}... Received: {found}")
    return path


class _Tensor:
    """Holds the place of a tensor in its storage, which old files contain only after the names."""

    def __init__(self, storage, offset, size, stride, *_):
        self.storage, self.offset, self.size, self.stride = storage, offset, size, stride

    def array(self):
        data = np.frombuffer(self.storage.data, self.storage.kind)[self.offset :]
        last = sum((n - 1) * step for n, step in zip(self.size, self.stride, strict=True))
        if min((0, self.offset, *self.stride)) < 0 or not 0 <= last < len(data):
            raise ValueError("a tensor reaches beyond its data")
        strides = [step * data.itemsize for step in self.stride]
        return np.lib.stride_tricks.as_strided(data, self.size, strides).copy()


class _Unpickler(pickle.Unpickler):
    """Reads tensors and ordered dicts, and refuses everything else, which could run code."""

    def __init__(self, file):
        super().__init__(file)
        self.storages = {}

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if module == "torch._utils" and name in ("_rebuild_tensor", "_rebuild_tensor_v2"):
            return _Tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda tensor, *_: tensor
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        raise pickle.UnpicklingError(f"it holds a {module}.{name}")

    def persistent_load(self, identifier):
        _, kind, key = identifier[:3]
        storage = types.SimpleNamespace(kind=np.dtype(kind).newbyteorder("<"), data=None)
        return self.storages.setdefault(key, storage)


def _read_zip(path):
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        root = next(name for name in names if name.endswith("data.pkl"))[: -len("data.pkl")]
        unpickler = _Unpickler(io.BytesIO(archive.read(f"{root}data.pkl")))
        state = unpickler.load()
        for key, storage in unpickler.storages.items():
            storage.data = archive.read(f"{root}data/{key}")
    return state


def _read_legacy(path):
    with path.open("rb") as file:
        if _Unpickler(file).load() != _LEGACY_MAGIC:
            raise ValueError("it is no file of PyTorch's")
        for _ in ("protocol version", "sizes of types"):
            _Unpickler(file).load()
        unpickler = _Unpickler(file)
        state = unpickler.load()
        for key in _Unpickler(file).load():
            storage = unpickler.storages[key]
            count = int.from_bytes(file.read(8), "little")
            storage.data = file.read(count * storage.kind.itemsize)
    return state
