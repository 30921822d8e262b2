"""Pairs of input and target that exist as files."""

import dataclasses
import functools
import warnings
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfwm.checks import one_of
from tfwm.data.sources import PhotoSequence, list_photos, read_pixels, to_channels
from tfwm.data.tasks.base import Task, checked_field
from tfwm.images import ImageError


@dataclasses.dataclass(frozen=True)
class Paired(Task):
    """A task whose pairs exist as files: nothing is made, they are read.

    A "photo" of this task has the channels of the input, then those of the target, so that
    both are cropped and mirrored alike.

    Args:
        channels_in: channels of the input, 1 gray or 3 colour.
        channels_out: channels of the target.
        layout: `"folders"`, where a source has the folders `input` and `target` with files of the
            same names (they may differ in the suffix), or `"side_by_side"`, where it has images
            of the input left of the target, as pix2pix's data sets do.
        reverse: whether input and target change places.

    Example:

    >>> task = Paired(channels_in=1, layout="side_by_side")
    >>> gray, colour = task.pair(tf.zeros((32, 48, 4)), seed=(0, 1))
    >>> gray.shape, colour.shape
    (TensorShape([32, 48, 1]), TensorShape([32, 48, 3]))
    """

    channels_in: int = checked_field(3, one_of, choices=(1, 3))
    channels_out: int = checked_field(3, one_of, choices=(1, 3))
    layout: str = checked_field("folders", one_of, choices=("folders", "side_by_side"))
    reverse: bool = checked_field(False, one_of, choices=(True, False))

    @property
    def channels_photo(self):
        return self.channels_in + self.channels_out

    def read(self, source):
        """Returns the pairs of a folder, or of several, in the order of their names.

        Returns:
            List of uint8 arrays: input and target one after the other on the last axis. Pairs with
            an unreadable file are skipped with a warning.

        Raises:
            FileNotFoundError: no such folders, or none of their files can be read.
            ValueError: a file without partner, or a pair of two sizes.

        Example:

        >>> pairs = Paired(layout="side_by_side").read("facades/train/")  # doctest: +SKIP
        """
        folders = source if isinstance(source, list | tuple) else [source]
        return [pair for folder in folders for pair in self._read(Path(folder).expanduser())]

    def pair(self, photo, seed):
        return tuple(tf.split(self.checked(photo), [self.channels_in, self.channels_out], -1))

    def open(self, source):
        """Returns the same without reading them, a `PhotoSequence`."""
        folders = source if isinstance(source, list | tuple) else [source]
        named = [pair for folder in folders for pair in self._pairs(Path(folder).expanduser())]
        loads = [functools.partial(self._load, name, files) for name, files in named]
        return PhotoSequence([str(name) for name, _ in named], loads)

    def _read(self, folder):
        pairs = []
        for name, files in self._pairs(folder):
            try:
                pairs.append(self._load(name, files))
            except ImageError as error:
                warnings.warn(f"skipped {name}: {error}", stacklevel=2)
        if not pairs:
            raise FileNotFoundError(f"Expected readable pairs. Received: {folder}, which has none")
        return pairs

    def _pairs(self, folder):
        return _namesakes(folder) if self.layout == "folders" else _alone(folder)

    def _load(self, name, files):
        split = _same_size if self.layout == "folders" else _halves
        images = split(name, *(read_pixels(file, 3) for file in files))
        channels = self.channels_in, self.channels_out
        ordered = zip(images[:: -1 if self.reverse else 1], channels, strict=True)
        return np.concatenate([to_channels(image, n) for image, n in ordered], -1)


def _namesakes(folder):
    """Names, each with the files of that name in `input` and `target`."""
    parts = folder / "input", folder / "target"
    inputs, targets = (
        {str(file.relative_to(part).with_suffix("")): file for file in list_photos(part)}
        for part in parts
    )
    alone = sorted(inputs.keys() ^ targets.keys())
    if alone:
        raise ValueError(
            f"Expected the same names in {parts[0]} and {parts[1]}. Received: {len(alone)} in one "
            f"of them only, such as {', '.join(alone[:3])}"
        )
    return [(name, (file, targets[name])) for name, file in inputs.items()]


def _alone(folder):
    """Files, each as its own name."""
    return [(file, (file,)) for file in list_photos(folder)]


def _same_size(name, *images):
    if images[0].shape[:2] != images[1].shape[:2]:
        sizes = " and ".join("{1} x {0}".format(*image.shape) for image in images)
        raise ValueError(f"Expected input and target of one size. Received: {name}, {sizes}")
    return images


def _halves(name, both):
    width = both.shape[1]
    if width % 2:
        raise ValueError(
            f"Expected two images of one size side by side. Received: {name}, an odd "
            f"{width} pixels wide"
        )
    return np.split(both, 2, axis=1)
