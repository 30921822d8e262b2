"""Pairs of input and target for image-to-image tasks: read, cropped, put into batches."""

import logging
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image, UnidentifiedImageError

from tfwm.data.patches import cut_patches, fit_photos
from tfwm.data.photos import bundled_photos, folder_photos, list_photos, tfds_photos
from tfwm.ops.random import split_seed, uniform


def pair_dataset(crops, task, batch_size, seed=0, first_step=0, repeat=True, flip=True):
    """Batches of pairs, each of which depends on the seed and its number only.

    So a training that is resumed with `first_step` goes on with the very pairs that it would
    have had, and a photo gets other rain, noise or holes each time that it comes.

    Args:
        crops: uint8 array `(n, height, width, task.channels_photo)`, see `task_crops`.
        task: a `tfwm.data.tasks.Task`.
        batch_size: pairs a batch, over all replicas.
        seed: integer.
        first_step: number of batches to leave out.
        repeat: whether to go on forever, in another order in each epoch, or once, in order.
        flip: whether to mirror each photo left-right at random.

    Returns:
        `tf.data.Dataset` of dicts with `"input"` and `"target"`, float32
        `(batch_size, height, width, channels)` in [0, 1]; without `repeat` the last batch may be
        smaller.

    Example:

    >>> from tfwm.data.tasks import Derain
    >>> crops = task_crops("bundled:train", Derain(), crop_size=64, per_photo=2)
    >>> batch = next(iter(pair_dataset(crops, Derain(), batch_size=4)))
    >>> batch["input"].shape, batch["target"].shape
    (TensorShape([4, 64, 64, 3]), TensorShape([4, 64, 64, 3]))
    """
    table = tf.constant(crops)
    count = len(crops)

    def to_pair(number):
        index = number
        if repeat:
            epoch, place = number // count, number % count
            index = tf.random.experimental.index_shuffle(place, [seed, epoch], count - 1)
        flip_seed, task_seed = split_seed([seed, number], 2)
        photo = tf.image.convert_image_dtype(table[index], tf.float32)
        if flip:
            mirrored = uniform((), flip_seed) < 0.5
            photo = tf.cond(mirrored, lambda: tf.reverse(photo, [1]), lambda: photo)
        photo = tf.ensure_shape(photo, crops.shape[1:])
        return dict(zip(("input", "target"), task.pair(photo, task_seed), strict=True))

    first = first_step * batch_size
    numbers = tf.data.Dataset.counter(first) if repeat else tf.data.Dataset.range(first, count)
    dataset = numbers.map(to_pair, tf.data.AUTOTUNE, deterministic=True)
    return dataset.batch(batch_size, drop_remainder=repeat).prefetch(tf.data.AUTOTUNE)


def all_pairs(crops, task, seed=0):
    """Returns the pairs of all crops, once, in order and not mirrored.

    Args:
        crops: see `pair_dataset`, also for `task` and `seed`.

    Returns:
        Inputs and targets, float32 `(n, height, width, channels)` in [0, 1].

    Example:

    >>> from tfwm.data.tasks import Colorize
    >>> gray, colour = all_pairs(np.full((2, 32, 32, 3), 99, np.uint8), Colorize())
    >>> gray.shape, colour.shape
    ((2, 32, 32, 1), (2, 32, 32, 3))
    """
    pairs = pair_dataset(crops, task, len(crops), seed, repeat=False, flip=False)
    pair = next(pairs.as_numpy_iterator())
    return pair["input"], pair["target"]


def task_crops(source, task, crop_size, seed=0, per_photo=None, whole=False, part=(0.0, 1.0)):
    """Returns square crops of a source's photos for a task.

    Args:
        source: what `read_photos` takes, or for `Paired` a folder; or a list of them, or of uint8
            arrays `(height, width, task.channels_photo)`.
        task: a `tfwm.data.tasks.Task`.
        crop_size: side of a crop in pixels.
        seed: integer.
        per_photo: number of crops a photo; by default as many as tile it, or 1 if `whole`.
        whole: whether photos are squeezed to the crop's size (`fit_photos`), which keeps a
            radiograph whole, and not cut (`cut_patches`).
        part: from which to which share of the list the photos are taken. Parts that do not
            overlap share no photo: one to train a model, another to train its surrogate.

    Returns:
        uint8 array `(n, crop_size, crop_size, task.channels_photo)`.

    Example:

    >>> from tfwm.data.tasks import Colorize
    >>> task_crops("bundled:train", Colorize(), 32, per_photo=1, part=(0, 0.5)).shape
    (4, 32, 32, 3)
    """
    sources = list(source) if isinstance(source, list | tuple) else [source]
    in_memory = bool(sources) and all(isinstance(one, np.ndarray) for one in sources)
    photos = sources if in_memory else [p for one in sources for p in task.read(one)]
    low, high = (round(share * len(photos)) for share in part)
    photos = photos[low:high]
    if not photos:
        raise ValueError(f"Expected photos. Received: none in part={tuple(part)} of {source!r}")
    if photos[0].shape[-1] != task.channels_photo:
        raise ValueError(
            f"{task.name} takes photos of {task.channels_photo} channels. "
            f"Received: {photos[0].shape[-1]}"
        )
    if not whole:
        return cut_patches(photos, crop_size, seed, per_photo)
    # Pillow resizes no images of 4 or 6 channels; with one seed all channels fit alike.
    channels = [[p[..., i : i + 1] for p in photos] for i in range(task.channels_photo)]
    return np.concatenate([fit_photos(c, crop_size, seed, per_photo or 1) for c in channels], -1)


def read_photos(source, mode="RGB"):
    """Returns the photos of a source as a list.

    Args:
        source: `"tfds:NAME:SPLIT"`, `"bundled:train"` or a folder.
        mode: `"L"` for gray, `"RGB"` for colour.

    Returns:
        List of uint8 arrays `(height, width, channels)`.

    Example:

    >>> len(read_photos("bundled:train"))
    7
    """
    kind, _, rest = str(source).partition(":")
    if kind == "tfds":
        name, _, split = rest.partition(":")
        return list(tfds_photos(name, split or "train", mode))
    if kind == "bundled":
        return bundled_photos(rest or "train", mode)
    return folder_photos(source, mode)


def folder_pairs(folder, mode_in="RGB", mode_out="RGB", reverse=False):
    """Reads pairs from the folders `input` and `target`, whose files have the same names.

    Args:
        folder: path that holds the two; their files may differ in the suffix.
        mode_in: `"L"` or `"RGB"`, of the inputs.
        mode_out: the same of the targets.
        reverse: whether `target` holds the inputs.

    Returns:
        List of uint8 arrays: input and target one after the other on the last axis. Pairs with
        an unreadable file are skipped with a warning.

    Raises:
        FileNotFoundError: no such folders, or none of their files can be read.
        ValueError: a file without partner, or a pair of two sizes.

    Example:

    >>> pairs = folder_pairs("facades/", "L", "RGB")  # doctest: +SKIP
    """
    folder = Path(folder).expanduser()
    parts = [folder / name for name in (("target", "input") if reverse else ("input", "target"))]
    files = [
        {str(file.relative_to(part).with_suffix("")): file for file in list_photos(part)}
        for part in parts
    ]
    alone = sorted(files[0].keys() ^ files[1].keys())
    if alone:
        raise ValueError(
            f"Expected the same names in {parts[0]} and {parts[1]}. Received: {len(alone)} in one "
            f"of them only, such as {', '.join(alone[:3])}"
        )

    def read(name):
        pair = [
            _read(part[name], mode) for part, mode in zip(files, (mode_in, mode_out), strict=True)
        ]
        if pair[0].shape[:2] != pair[1].shape[:2]:
            sizes = " and ".join("{1} x {0}".format(*image.shape) for image in pair)
            raise ValueError(f"Expected input and target of one size. Received: {name}, {sizes}")
        return pair

    return _read_all(files[0], read, folder)


def side_by_side_pairs(folder, mode_in="RGB", mode_out="RGB", reverse=False):
    """Reads pairs from images that hold the input on the left and the target on the right.

    The form of pix2pix's data sets (facades, maps, cityscapes).

    Args:
        folder: path.
        mode_in: `"L"` or `"RGB"`, of the inputs.
        mode_out: the same of the targets.
        reverse: whether the inputs are on the right.

    Returns:
        As `folder_pairs`.

    Example:

    >>> pairs = side_by_side_pairs("facades/train/", reverse=True)  # doctest: +SKIP
    """

    def read(file):
        with Image.open(file) as image:
            width, height = image.size
            if width % 2:
                raise ValueError(
                    f"Expected two images of one size side by side. Received: {file}, an odd "
                    f"{width} pixels wide"
                )
            boxes = [(0, 0, width // 2, height), (width // 2, 0, width, height)]
            halves = [image.crop(box) for box in (boxes[::-1] if reverse else boxes)]
        return [
            _as_array(half, mode) for half, mode in zip(halves, (mode_in, mode_out), strict=True)
        ]

    return _read_all(list_photos(folder), read, folder)


def _read_all(names, read, folder):
    pairs = []
    for name in names:
        try:
            pairs.append(np.concatenate(read(name), -1))
        except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
            logging.getLogger(__name__).warning("skipped %s: %s", name, error)
    if not pairs:
        raise FileNotFoundError(f"Expected readable pairs. Received: {folder}, which has none")
    return pairs


def _read(file, mode):
    with Image.open(file) as image:
        return _as_array(image, mode)


def _as_array(image, mode):
    array = np.asarray(image.convert(mode))
    return array[..., None] if array.ndim == 2 else array
