"""Pairs of input and target that exist as files."""

import warnings
from pathlib import Path

import numpy as np

from tfwm.data.sources import list_photos, read_pixels, to_channels
from tfwm.images import ImageError


def folder_pairs(folder, channels_in=3, channels_out=3, reverse=False):
    """Read pairs from the folders `input` and `target`, whose files have the same names.

    Args:
        folder: path that holds the two; their files may differ in the suffix.
        channels_in: 1 for gray or 3 for color, of the inputs.
        channels_out: the same of the targets.
        reverse: whether `target` holds the inputs.

    Returns:
        List of uint8 arrays: input and target one after the other on the last axis. Pairs with
        an unreadable file are skipped with a warning.

    Raises:
        FileNotFoundError: no such folders, or none of their files can be read.
        ValueError: a file without partner, or a pair of two sizes.

    Example:

    >>> pairs = folder_pairs("facades/", channels_in=1)  # doctest: +SKIP
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
            read_pixels(part[name], channels)
            for part, channels in zip(files, (channels_in, channels_out), strict=True)
        ]
        if pair[0].shape[:2] != pair[1].shape[:2]:
            sizes = " and ".join("{1} x {0}".format(*image.shape) for image in pair)
            raise ValueError(f"Expected input and target of one size. Received: {name}, {sizes}")
        return pair

    return _read_all(files[0], read, folder)


def side_by_side_pairs(folder, channels_in=3, channels_out=3, reverse=False):
    """Read pairs from images that hold the input on the left and the target on the right.

    The form of pix2pix's data sets (facades, maps, cityscapes).

    Args:
        folder: path; for the rest, and what is returned, see `folder_pairs`. With `reverse` the
            inputs are on the right.

    Example:

    >>> pairs = side_by_side_pairs("facades/train/", reverse=True)  # doctest: +SKIP
    """

    def read(file):
        both = read_pixels(file, 3)
        width = both.shape[1]
        if width % 2:
            raise ValueError(
                f"Expected two images of one size side by side. Received: {file}, an odd "
                f"{width} pixels wide"
            )
        halves = np.split(both, 2, axis=1)[:: -1 if reverse else 1]
        return [to_channels(h, n) for h, n in zip(halves, (channels_in, channels_out), strict=True)]

    return _read_all(list_photos(folder), read, folder)


def _read_all(names, read, folder):
    pairs = []
    for name in names:
        try:
            pairs.append(np.concatenate(read(name), -1))
        except ImageError as error:
            warnings.warn(f"skipped {name}: {error}", stacklevel=2)
    if not pairs:
        raise FileNotFoundError(f"Expected readable pairs. Received: {folder}, which has none")
    return pairs
