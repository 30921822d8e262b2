"""Photos from a source: a folder, a file, shards, the samples, TensorFlow Datasets, or arrays.

Training and evaluation read photos here, so both see what a marked photo is: upright by its EXIF
orientation, with 16-bit values and color profiles handled as in `tfwm.images.read_photo`.
"""

import collections.abc
import dataclasses
import functools
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from tfwm.checks import need, one_of
from tfwm.images import ImageError, Photo, read_photo
from tfwm.images.reading import decode_photo

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".pgm", ".tif", ".tiff", ".webp")

# Files of many photos: each record is an image file, byte for byte.
SHARDS = "*.array_record"

# CC0 or public domain photographs that come inside scikit-image's wheel.
BUNDLED_TRAIN = ("chelsea", "coffee", "hubble_deep_field", "retina", "rocket", "grass", "astronaut")
BUNDLED_TEST = ("camera", "brick", "gravel", "moon")
BUNDLED = {"train": BUNDLED_TRAIN, "test": BUNDLED_TEST, "all": BUNDLED_TRAIN + BUNDLED_TEST}


class PhotoSequence(collections.abc.Sequence):
    """Photos that are read when they are asked for: a list that takes no memory for pixels.

    Args:
        names: a name for each photo.
        loads: for each, a function without arguments to its uint8 array
            `(height, width, channels)`, which raises `ImageError` if it cannot be read.

    Example:

    >>> photos = open_photos("bundled:train", channels=1)
    >>> len(photos), photos[0].shape, len(photos[1:3])
    (7, (300, 451, 1), 2)
    """

    def __init__(self, names, loads):
        self.names, self.loads = list(names), list(loads)

    def __len__(self):
        return len(self.loads)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return PhotoSequence(self.names[index], self.loads[index])
        return self.loads[index]()


@dataclasses.dataclass
class SourcePhotos:
    """The photos of a source.

    Args:
        name: short name of the source, for result files: `"bsds500-test"`, `"bundled-test"`.
        images: list of uint8 arrays `(height, width, channels)`.
        names: one name for each image.
        skipped: number of files that could not be read.
    """

    name: str
    images: list = dataclasses.field(default_factory=list)
    names: list = dataclasses.field(default_factory=list)
    skipped: int = 0


def read_photos(source, channels=3, limit=None):
    """Return the photos of a source as a list.

    Args:
        source: a folder, of images or of shards (`write_shards`); an image file; `"bundled:SPLIT"`,
            the sample photos of the package, with the split `train`, `test` or `all`;
            `"tfds:NAME:SPLIT"`, a data set of TensorFlow Datasets; a uint8 array `(height, width)`
            or `(height, width, channels)`; or a list of these.
        channels: 1 for gray (BT.601 luma), 3 for RGB.
        limit: largest number of photos, all by default.

    Returns:
        List of uint8 arrays `(height, width, channels)`. A file that cannot be read is skipped
        with a warning.

    Raises:
        FileNotFoundError: there is no such folder or file, or nothing in it can be read.
        ValueError: unknown split, wrong array, or a limit below 1.

    Example:

    >>> len(read_photos("bundled:train"))
    7
    """
    return read_source(source, channels, limit).images


def read_source(source, channels=3, limit=None):
    """Return the photos of a source with their names, see `read_photos`.

    Returns:
        `SourcePhotos`.

    Example:

    >>> photos = read_source("bundled:test", channels=1)
    >>> photos.name, photos.names[0], photos.images[0].shape
    ('bundled-test', 'test 0', (512, 512, 1))
    """
    if limit is not None and limit < 1:
        raise ValueError(f"Expected a limit of at least 1 image. Received: limit={limit}")
    sources = _as_list(source)
    arrays = sum(isinstance(one, np.ndarray) for one in sources)
    names = [] if arrays else [_source_name(one) for one in sources]
    photos, opened = SourcePhotos("+".join(names) or "images"), open_photos(source, channels)
    for name, load in zip(opened.names, opened.loads, strict=True):
        if limit is not None and len(photos.images) == limit:
            break
        try:
            photos.images.append(load())
        except ImageError as error:
            photos.skipped += 1
            warnings.warn(f"skipped: {error}", stacklevel=2)
            continue
        photos.names.append(name)
    if not photos.images:
        raise FileNotFoundError(none_readable(source, photos.skipped))
    return photos


def open_photos(source, channels=3):
    """Return the photos of a source without reading them.

    Args:
        source: see `read_photos`, also for `channels`.

    Returns:
        `PhotoSequence`.
    """
    one_of("channels", channels, (1, 3))
    names, loads = [], []
    for one in _as_list(source):
        for name, load in _items(one, len(names)):
            names.append(name)
            loads.append(functools.partial(_load, load, channels))
    return PhotoSequence(names, loads)


def readable(photos):
    """Yield the photos of a `PhotoSequence`; one that cannot be read is skipped with a warning."""
    for index in range(len(photos)):
        try:
            yield photos[index]
        except ImageError as error:
            warnings.warn(f"skipped: {error}", stacklevel=2)


def none_readable(source, count):
    """Return the message of the error that a source has no photo that can be read."""
    return f"Expected readable photos in {source}. Received: {count} files, none could be read"


def check_source(source):
    """Raise FileNotFoundError or ValueError for a source without photos; reads and loads none."""
    if isinstance(source, str) and not source.strip():
        raise ValueError("Expected a source of photos: a folder, for instance. Received: ''")
    kind, rest = _split(source)
    if kind == "bundled":
        one_of("split", rest or "train", BUNDLED)
    elif not (kind or isinstance(source, np.ndarray) or Path(source).expanduser().is_file()):
        if not any(Path(source).expanduser().glob(SHARDS)):
            list_photos(source)


def list_photos(folder):
    """Return the image files below a folder, sorted.

    Raises:
        FileNotFoundError: the folder does not exist or holds no image.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"Expected a folder of photos. Received: {folder}, no such folder")
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not files:
        raise FileNotFoundError(
            f"Expected a folder with images ({', '.join(SUFFIXES)}). Received: {folder}, which has "
            "none"
        )
    return files


def read_pixels(file, channels):
    """Return one image file as a uint8 array `(height, width, channels)`, see `read_photo`."""
    return _pixels(read_photo(file), channels)


def to_channels(pixels, channels):
    """Return uint8 `(height, width, 1 or 3)` as gray (1) or RGB (3)."""
    if pixels.shape[-1] == channels:
        return np.ascontiguousarray(pixels)
    if channels == 3:
        return pixels.repeat(3, axis=-1)
    return np.asarray(Image.fromarray(pixels).convert("L"))[..., None]


def _split(source):
    """`"tfds:NAME:SPLIT"` -> `("tfds", "NAME:SPLIT")`; the kind is empty for files."""
    kind, _, rest = str(source).partition(":")
    return (kind, rest) if kind in ("bundled", "tfds") and isinstance(source, str) else ("", "")


def _items(source, number):
    """Yields a name, and a function without arguments to the photo, for each photo."""
    kind, rest = _split(source)
    if isinstance(source, np.ndarray):
        yield f"image {number}", lambda: _checked(source)
    elif kind == "bundled":
        yield from _bundled(rest or "train")
    elif kind == "tfds":
        yield from _tensorflow_dataset(*rest.partition(":")[::2])
    else:
        path = Path(source).expanduser()
        if shards := sorted(path.glob(SHARDS)):
            yield from _records(shards)
            return
        for file in [path] if path.is_file() else list_photos(path):
            yield file.stem, functools.partial(read_photo, file)


def _records(shards):
    reader = need("array_record.python.array_record_data_source", "shards")
    records = reader.ArrayRecordDataSource(list(map(str, shards)))
    for number in range(len(records)):
        name = f"{shards[0].parent.name} {number}"
        yield name, functools.partial(_decode_record, records, number, name)


def _decode_record(records, number, name):
    return decode_photo(records[number], name)


def _bundled(split):
    one_of("split", split, BUNDLED)
    data = need("skimage.data", "evaluate")

    for number, name in enumerate(BUNDLED[split]):
        yield f"{split} {number}", lambda name=name: Photo.from_array(getattr(data, name)())


def _tensorflow_dataset(name, split):
    tfds = need("tensorflow_datasets", "train")
    # Random access: files of ArrayRecord. The image's own bytes, which hold its orientation.
    decoders = {"image": tfds.decode.SkipDecoding()}
    data = tfds.data_source(name, split=split or "train", decoders=decoders)
    for number in range(len(data)):
        title = f"{name} {number}"
        yield title, functools.partial(_decode_example, data, number, title)


def _decode_example(data, number, name):
    image = data[number]["image"]
    return decode_photo(image, name) if isinstance(image, bytes) else Photo.from_array(image)


def _as_list(source):
    sources = list(source) if isinstance(source, list | tuple) else [source]
    if not sources:
        raise ValueError("Expected at least one image or folder. Received: none")
    return sources


def _load(load, channels):
    return _pixels(load(), channels)


def _checked(array):
    if array.dtype != np.uint8 or array.ndim not in (2, 3):
        raise ValueError(
            "Expected uint8 images (H, W) or (H, W, 3). "
            f"Received: {array.dtype} of shape {array.shape}"
        )
    return Photo.from_array(array)


def _pixels(photo, channels):
    pixels = photo.pixels
    if pixels.dtype == np.uint16:
        pixels = (pixels // 257).astype(np.uint8)
    return to_channels(pixels, channels)


def _source_name(source):
    """`photos/bsds500/test` -> `bsds500-test`: the last folder alone seldom says which set."""
    kind, rest = _split(source)
    if kind == "bundled":
        return f"bundled-{rest or 'train'}"
    if kind == "tfds":
        return rest.replace("/", "-").replace(":", "-")
    path = Path(source).expanduser().absolute()
    if path.is_file():
        return path.stem
    parts = [part for part in path.parts if part != "/"]
    if parts[-1].lower() in {"test", "train", "val", "valid", "validation", "images"}:
        parts[-1] = "-".join(parts[-2:])
    return parts[-1]
