"""Photographs as arrays: from a folder, from TensorFlow Datasets, or the bundled samples."""

import logging
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".pgm", ".tif", ".tiff", ".webp")

# CC0 or public domain photographs that come inside scikit-image's wheel.
BUNDLED_TRAIN = ("chelsea", "coffee", "hubble_deep_field", "retina", "rocket", "grass", "astronaut")
BUNDLED_TEST = ("camera", "brick", "gravel", "moon")


def list_photos(folder):
    """Returns the image files below a folder, sorted.

    Raises:
        FileNotFoundError: if the folder does not exist or holds no image.
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


def folder_photos(folder, mode="L"):
    """Reads all photos below a folder; unreadable files are skipped with a warning.

    Args:
        folder: path.
        mode: `"L"` for gray (BT.601 luma), `"RGB"` for colour.

    Returns:
        List of uint8 arrays `(height, width, 1)` or `(height, width, 3)`.

    Example:

    >>> photos = folder_photos("photos/")  # doctest: +SKIP
    """
    photos = []
    for file in list_photos(folder):
        try:
            with Image.open(file) as image:
                photos.append(_as_array(image, mode))
        except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
            logging.getLogger(__name__).warning("skipped %s: %s", file, error)
    if not photos:
        raise FileNotFoundError(f"Expected readable photos. Received: {folder}, none could be read")
    return photos


def bundled_photos(split="train", mode="L"):
    """Returns sample photographs that are installed with the package (scikit-image's, CC0).

    Args:
        split: `"train"`, `"test"` or `"all"`; the two share no photo.
        mode: `"L"` or `"RGB"`; test photos exist in gray only.

    Returns:
        List of uint8 arrays `(height, width, 1)` or `(height, width, 3)`.

    Example:

    >>> len(bundled_photos("test"))
    4
    """
    from skimage import data

    names = {
        "train": BUNDLED_TRAIN,
        "test": BUNDLED_TEST,
        "all": BUNDLED_TRAIN + BUNDLED_TEST,
    }
    if split not in names:
        raise ValueError(f"Expected a split among {tuple(names)}. Received: split={split!r}")
    return [_as_array(Image.fromarray(getattr(data, name)()), mode) for name in names[split]]


def tfds_photos(name, split="train", mode="L", limit=None):
    """Returns the images of a TensorFlow Datasets data set, downloaded on first use.

    Args:
        name: for instance `"cifar10"`, `"voc/2012"`, `"coco/2017"`.
        split: TensorFlow Datasets' split.
        mode: `"L"` or `"RGB"`.
        limit: largest number of images, all by default.

    Returns:
        Iterator of uint8 arrays `(height, width, 1)` or `(height, width, 3)`.
    """
    import tensorflow_datasets as tfds

    dataset = tfds.load(name, split=split, shuffle_files=False)
    if limit is not None:
        dataset = dataset.take(limit)
    for example in tfds.as_numpy(dataset):
        yield _as_array(Image.fromarray(np.squeeze(example["image"])), mode)


def _as_array(image, mode):
    array = np.asarray(image.convert(mode), dtype=np.uint8)
    return array[..., None] if array.ndim == 2 else array
