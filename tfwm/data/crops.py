"""Crops of photos: patches at random places, whole photos squeezed, crops for a task."""

import numpy as np
from PIL import Image, ImageOps


def cut_patches(photos, size, seed=0, per_photo=None):
    """Cuts square patches at random positions.

    Args:
        photos: iterable of uint8 arrays `(height, width, channels)`; smaller ones are left out.
        size: side of a patch in pixels.
        seed: integer.
        per_photo: number of patches a photo; by default as many as would tile it, the
            rule of ReDMark's section 4.2.

    Returns:
        uint8 array `(n, size, size, channels)`.

    Example:

    >>> cut_patches([np.zeros((64, 96, 1), "uint8")], 32).shape
    (6, 32, 32, 1)
    """
    return np.concatenate(list(patches_of_each(photos, size, seed, per_photo)))


def patches_of_each(photos, size, seed=0, per_photo=None):
    """Yields the patches of each photo, see `cut_patches`, so that not all are in memory at once.

    Raises:
        ValueError: no photo is large enough.
    """
    rng, found = np.random.default_rng(seed), False
    for photo in photos:
        height, width = photo.shape[:2]
        if height < size or width < size:
            continue
        count = per_photo or (height * width) // (size * size)
        tops = rng.integers(0, height - size + 1, count)
        lefts = rng.integers(0, width - size + 1, count)
        pairs = zip(tops, lefts, strict=True)
        yield np.stack([photo[top : top + size, left : left + size] for top, left in pairs])
        found = True
    if not found:
        raise ValueError(f"Expected photos of at least {size} x {size} pixels. Received: none")


def fit_photos(photos, size, seed=0, per_photo=1, smallest=0.5):
    """Squeezes photos to squares: each as a whole, and random parts of it.

    Args:
        photos: iterable of uint8 arrays `(height, width, channels)`.
        size: side of a square in pixels.
        seed: integer.
        per_photo: number of squares a photo; the first is the largest one in its middle.
        smallest: least share of each side that a part has.

    Returns:
        uint8 array `(n, size, size, channels)`; antialiased bicubic.

    Example:

    >>> fit_photos([np.zeros((64, 96, 3), "uint8")], 32, per_photo=4).shape
    (4, 32, 32, 3)
    """
    rng = np.random.default_rng(seed)
    squares = []
    for photo in photos:
        for number in range(per_photo):
            part = photo
            if number:
                share = rng.uniform(smallest, 1)
                sides = photo.shape[1::-1]
                width, height = (max(round(n * share), 1) for n in sides)
                left, top = rng.integers(0, np.subtract(sides, (width, height)) + 1).tolist()
                part = photo[top : top + height, left : left + width]
            squares.append(squeezed(part, size))
    if not squares:
        raise ValueError("Expected at least one photo. Received: none")
    return np.stack(squares)


def part_of(photo, top, left, share, smallest=0.5):
    """Returns a part of a photo, of its shape.

    Args:
        photo: array `(height, width, channels)`.
        top, left: where it lies, each 0 to 1.
        share: of each side, from 0, the smallest part, to 1, all of it.
        smallest: least share of each side.

    Returns:
        A view of the photo.
    """
    share = smallest + (1 - smallest) * share
    height, width = (max(round(n * share), 1) for n in photo.shape[:2])
    top = int(top * (photo.shape[0] - height + 1))
    left = int(left * (photo.shape[1] - width + 1))
    return photo[top : top + height, left : left + width]


def squeezed(photo, size):
    """Returns the largest square in a photo's middle at a size, antialiased bicubic."""
    if photo.shape[-1] not in (1, 3):  # as Pillow knows them
        channels = np.split(photo, photo.shape[-1], axis=-1)
        return np.concatenate([squeezed(channel, size) for channel in channels], axis=-1)
    image = Image.fromarray(photo[..., 0] if photo.shape[-1] == 1 else photo)
    return np.asarray(ImageOps.fit(image, (size, size), Image.BICUBIC)).reshape(size, size, -1)


def balance_by_deviation(patches, per_bin=3000, max_bin=110):
    """Keeps the first `per_bin` patches of each intensity deviation, smooth to busy.

    ReDMark, section 4.2 ("a subset which equally contains all intensity variances").

    Args:
        patches: uint8 array `(n, height, width, channels)`, or an iterable of such, one after the
            other, as of `patches_of_each`: only those that are kept stay in memory.
        per_bin: largest number kept for each whole standard deviation, in gray levels.
        max_bin: deviations above count as this.

    Returns:
        The kept patches, in their order.

    Example:

    >>> len(balance_by_deviation(np.zeros((10, 32, 32, 1), "uint8"), per_bin=3))
    3
    """
    counts, kept = np.zeros(max_bin + 1, int), []
    for some in np.array_split(patches, 8) if isinstance(patches, np.ndarray) else patches:
        bins = np.minimum(some.std(axis=(1, 2, 3)).astype(int), max_bin)
        rooms = [np.flatnonzero(bins == b)[: per_bin - counts[b]] for b in range(max_bin + 1)]
        counts += [len(room) for room in rooms]
        kept.append(some[np.sort(np.concatenate(rooms))])
    return np.concatenate(kept)


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
    photos = sources if in_memory else task.read(sources)
    low, high = (round(share * len(photos)) for share in part)
    photos = photos[low:high]
    if not photos:
        raise ValueError(f"Expected photos. Received: none in part={tuple(part)} of {source!r}")
    if photos[0].shape[-1] != task.channels_photo:
        raise ValueError(
            f"{task.name} takes photos of {task.channels_photo} channels. "
            f"Received: {photos[0].shape[-1]}"
        )
    if whole:
        return fit_photos(photos, crop_size, seed, per_photo or 1)
    return cut_patches(photos, crop_size, seed, per_photo)
