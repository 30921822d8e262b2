"""Tasks whose pairs exist as files."""

import dataclasses

import tensorflow as tf

from tfwm.checks import one_of
from tfwm.data.pairs import folder_pairs, side_by_side_pairs
from tfwm.data.tasks.base import Task


@dataclasses.dataclass(frozen=True)
class Paired(Task):
    """A task whose pairs exist as files: nothing is made, they are read.

    A "photo" of this task has the channels of the input, then those of the target, so that
    both are cropped and mirrored alike.

    Args:
        channels_in: channels of the input, 1 gray or 3 colour.
        channels_out: channels of the target.
        layout: `"folders"`, where a source has the folders `input` and `target` with files of the
            same names, or `"side_by_side"`, where it has images of the input left of the
            target, as pix2pix's data sets do.
        reverse: whether input and target change places.

    Example:

    >>> task = Paired(channels_in=1, layout="side_by_side")
    >>> gray, colour = task.pair(tf.zeros((32, 48, 4)), seed=(0, 1))
    >>> gray.shape, colour.shape
    (TensorShape([32, 48, 1]), TensorShape([32, 48, 3]))
    """

    channels_in: int = 3
    channels_out: int = 3
    layout: str = "folders"
    reverse: bool = False

    def __post_init__(self):
        for key in ("channels_in", "channels_out"):
            if getattr(self, key) not in (1, 3):
                raise ValueError(f"Expected 1 or 3. Received: {key}={getattr(self, key)!r}")
        one_of("layout", self.layout, ("folders", "side_by_side"))
        one_of("reverse", self.reverse, (True, False))

    @property
    def channels_photo(self):
        return self.channels_in + self.channels_out

    def read(self, source):
        read = folder_pairs if self.layout == "folders" else side_by_side_pairs
        folders = source if isinstance(source, list | tuple) else [source]
        channels = self.channels_in, self.channels_out
        return [pair for one in folders for pair in read(one, *channels, reverse=self.reverse)]

    def pair(self, photo, seed):
        return tuple(tf.split(self.checked(photo), [self.channels_in, self.channels_out], -1))
