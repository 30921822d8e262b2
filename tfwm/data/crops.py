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
    rng = np.random.default_rng(seed)
    patches = []
    for photo in photos:
        height, width = photo.shape[:2]
        if height < size or width < size:
            continue
        count = per_photo or (height * width) // (size * size)
        tops = rng.integers(0, height - size + 1, count)
        lefts = rng.integers(0, width - size + 1, count)
        pairs = zip(tops, lefts, strict=True)
        patches.extend(photo[top : top + size, left : left + size] for top, left in pairs)
    if not patches:
        raise ValueError(f"Expected photos of at least {size} x {size} pixels. Received: none")
    return np.stack(patches)


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
        image = Image.fromarray(photo[..., 0] if photo.shape[-1] == 1 else photo)
        for number in range(per_photo):
            part = image
            if number:
                share = rng.uniform(smallest, 1)
                width, height = (max(round(n * share), 1) for n in image.size)
                left, top = rng.integers(0, np.subtract(image.size, (width, height)) + 1).tolist()
                part = image.crop((left, top, left + width, top + height))
            square = np.asarray(ImageOps.fit(part, (size, size), Image.BICUBIC))
            squares.append(square.reshape(size, size, -1))
    if not squares:
        raise ValueError("Expected at least one photo. Received: none")
    return np.stack(squares)


def balance_by_deviation(patches, per_bin=3000, max_bin=110):
    """Keeps the first `per_bin` patches of each intensity deviation, smooth to busy.

    ReDMark, section 4.2 ("a subset which equally contains all intensity variances").

    Args:
        patches: uint8 array `(n, height, width, channels)`.
        per_bin: largest number kept for each whole standard deviation, in gray levels.
        max_bin: deviations above count as this.

    Returns:
        The kept patches, in their order.

    Example:

    >>> len(balance_by_deviation(np.zeros((10, 32, 32, 1), "uint8"), per_bin=3))
    3
    """
    deviations = np.concatenate(
        [chunk.std(axis=(1, 2, 3)) for chunk in np.array_split(patches, -(-len(patches) // 4096))]
    )
    bins = np.minimum(deviations.astype(int), max_bin)
    kept = [np.flatnonzero(bins == b)[:per_bin] for b in range(max_bin + 1)]
    return patches[np.sort(np.concatenate(kept))]


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
    if not whole:
        return cut_patches(photos, crop_size, seed, per_photo)
    # Pillow resizes no images of 4 or 6 channels; with one seed all channels fit alike.
    channels = [[p[..., i : i + 1] for p in photos] for i in range(task.channels_photo)]
    return np.concatenate([fit_photos(c, crop_size, seed, per_photo or 1) for c in channels], -1)
